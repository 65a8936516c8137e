// A child that writes what it likes into the memory that it shares with others, while they use it. It
// may cost them what is published; not their memory, and not their time for good.
#include "channels/store/chain.hpp"
#include "channels/store/reader.hpp"

#include "channels/support/channel_story.hpp"

#include <functional>
#include <random>
#include <span>

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cppwebsocket::testing {
namespace {

using namespace channels;
using shared::Entry;
using shared::Location;
using shared::Word;

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr int rounds = 200;
#else
constexpr int rounds = 1'000;
#endif

// Does `deed`, and then `again` or the same over and over, in a process of its own, for as long as this object lives.
class Hostile {
 public:
  Hostile(const std::function<void()>& deed, const std::function<void()>& again) {
    int begun[2];
    if (::pipe(begun) != 0) return;
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      deed();
      [[maybe_unused]] const auto written = ::write(begun[1], "", 1);
      for (;;) again();
    }
    char first;
    EXPECT_EQ(::read(begun[0], &first, 1), 1);
    ::close(begun[0]);
    ::close(begun[1]);
  }
  explicit Hostile(const std::function<void()>& deed) : Hostile(deed, deed) {}
  ~Hostile() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

 private:
  pid_t pid_ = -1;
};

struct Nobody final : ChannelReader::Sink {
  void received(Follow&, Record&& record) override { bytes += record.message.size(); }
  void gap(Follow&, Position, Position) override { ++gaps; }
  void control(std::string_view channel, Record&&) override { bytes += channel.size(); }
  std::size_t bytes = 0;
  std::size_t gaps = 0;
};

class HostileChild : public ::testing::Test {
 protected:
  std::span<Word> words() const {
    return {reinterpret_cast<Word*>(&memory_->header()), memory_->bytes() / sizeof(Word)};
  }
  Entry& entry(std::string_view channel) {
    return *store_.table().find(channel_key(memory_->secret(), channel))->entry;
  }
  // All that a child does with the memory in its life.
  void live() {
    store_.publish("chat", message(std::string(100, 'x'), 50));
    store_.publish("ticks", message("x"));
    // What is copied before the ring comes to it.
    if (lives_++ % 50 == 0) store_.publish("quiet", message("x", 5));
    store_.publish("presence", of_kind(RecordKind::control, "x"));
    if (!reader_.prepare_to_wait()) reader_.read(nobody_, 100);
    reader_.waited();
    reader_.read(nobody_, 100);
    store_.history("chat", std::nullopt, 1'000'000);
    store_.history("chat", Position{store_.position("chat").epoch, 1}, 1'000'000);
    store_.try_lead("chat");
    store_.leads("chat");
    store_.stop_leading("chat");
    store_.counters();
    store_.living();
    memory_->taken_seats();
    memory_->free_dead_seats();
    const int seat = memory_->claim(99);
    if (seat >= 0) memory_->release(static_cast<unsigned>(seat));
  }

  const std::unique_ptr<ChannelMemory> memory_ =
      ChannelMemory::create(ChannelMemory::least_bytes(3), 3);
  ChannelStore store_{*memory_};
  ChannelReader reader_{store_, 0};
  Nobody nobody_;
  int lives_ = 0;
};

TEST_F(HostileChild, MayWriteAnythingAnywhere) {
  reader_.follow("chat", nullptr);
  live();
  std::minstd_rand random(7);
  const std::uint64_t plausible[] = {0, 1, 3, ~std::uint64_t{0}, memory_->ring_words(), 1ull << 63};
  const Hostile hostile([&] {
    for (int i = 0; i < 1'000; ++i) {
      // The half of it where the marks, seats and the channels' entries are; or all.
      const std::size_t some = random() % 2 ? 2'000 : words().size();
      const unsigned seat = static_cast<unsigned>(random()) % 4;  // one more than there are
      std::uint64_t value = random();
      if (value % 3 == 0) value = plausible[random() % std::size(plausible)];
      if (value % 3 == 1) value = Location{seat, seat % 2, random() % 9'000}.packed();
      words()[random() % some].store(value, std::memory_order_relaxed);
    }
  });
  for (int i = 0; i < rounds; ++i) live();
}

TEST_F(HostileChild, CannotKeepOthersBusyWithAChainThatIsRewritten) {
  const Position first = store_.publish("chat", message("first", 1'000)).position;
  const std::uint64_t here = entry("chat").state[1];
  const Location at = Location::of(here);
  Word* const rings = reinterpret_cast<Word*>(memory_->entries() + memory_->entry_count());
  Word* const ring = rings + (2 * at.seat + at.ring) * memory_->ring_words();
  const auto word = [&](std::uint64_t number) -> Word& {
    return ring[(at.position + number) % memory_->ring_words()];
  };
  ASSERT_EQ(word(0), at.position) << "the layout has changed";
  // A record that is its own predecessor, and has a lower number each time that it is looked at.
  word(5) = std::uint64_t{1} << 50;
  word(6) = here;
  std::size_t budget = memory_->all_words();
  Chain chain(*memory_, channel_key(memory_->secret(), "chat"), {first.epoch, 0}, here,
              std::uint64_t{1} << 51, budget);
  std::size_t steps = 0;
  for (; steps < 1'000'000 && chain.next(); ++steps) --word(5);
  EXPECT_GT(steps, 100u);
  EXPECT_LE(steps, memory_->all_words() / RecordHead::words);
}

TEST_F(HostileChild, CannotKeepOthersWaitingForTheLock) {
  store_.publish("chat", message("a"));
  {
    const Hostile hostile([&] { memory_->locks().lock(); }, [] { ::pause(); });
    EXPECT_EQ(store_.publish("new", message("a")).result, StoreResult::no_room);
    EXPECT_EQ(store_.publish("chat", message("b")).result, StoreResult::stored);
    EXPECT_FALSE(store_.try_lead("new"));
    EXPECT_THROW(ChannelStore{*memory_}, NoSeat);
  }
  EXPECT_EQ(store_.publish("new", message("a")).result, StoreResult::stored);
  EXPECT_TRUE(ChannelStore(*memory_).try_lead("new"));
}

TEST_F(HostileChild, CannotMakeAnotherDeadOrAlive) {
  shared::Seat& seat = memory_->seat(store_.seat());
  seat.owner = 1ull << 32 | 0x7fff'fff0;  // nobody's number
  memory_->free_dead_seats();
  EXPECT_EQ(seat.origin, store_.origin());
  memory_->seat(2).owner = 1ull << 32 | static_cast<std::uint32_t>(::getpid());
  memory_->seat(2).origin = 42;
  memory_->header().used_seats = 3;
  EXPECT_FALSE(store_.is_alive(42));
  memory_->free_dead_seats();
  EXPECT_EQ(memory_->seat(2).origin, 0u);
}

}  // namespace
}  // namespace cppwebsocket::testing
