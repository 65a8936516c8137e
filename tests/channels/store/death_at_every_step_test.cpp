// A child that dies between two instructions of a publication, wherever that is: it is stepped
// there by ptrace. The others lose nothing, get nothing twice, and go on.
#include "channels/store/idempotency.hpp"
#include "channels/store/reader.hpp"

#include "channels/support/channel_story.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>
#include <span>

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cppwebsocket::testing {
namespace {

using namespace channels;

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr std::size_t points = 30;  // they make a step and a fork slow
#else
constexpr std::size_t points = 100;
#endif

// A child that does one thing and is stopped before it. It does not outlive this object.
class SteppedChild {
 public:
  // `prepare` gives what is to be done in steps. Both run in the child.
  explicit SteppedChild(const std::function<std::function<void()>()>& prepare) : pid_(::fork()) {
    if (pid_ == 0) {
      ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
      const auto steps = prepare();
      ::raise(SIGSTOP);
      steps();
      ::raise(SIGSTOP);
      ::_exit(0);
    }
    wait();
  }
  ~SteppedChild() { die(); }

  // Up to `most` instructions; returns how many there were until all was done.
  std::size_t step(std::size_t most) {
    std::size_t done = 0;
    for (; done < most && !is_done_; ++done) resume(PTRACE_SINGLESTEP);
    return done;
  }
  bool is_done() const noexcept { return is_done_; }
  void finish() {
    if (!is_done_) resume(PTRACE_CONT);
  }
  // The parent knows only now: until then it is as dead as a child that nobody has looked at.
  pid_t die() {
    if (pid_ == 0) return 0;
    ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, __WALL) > 0) {
    }
    return std::exchange(pid_, 0);
  }

 private:
  void resume(__ptrace_request how) {
    ::ptrace(how, pid_, nullptr, nullptr);
    wait();
    is_done_ = WIFSTOPPED(status_) && WSTOPSIG(status_) == SIGSTOP;
  }
  void wait() {
    if (::waitpid(pid_, &status_, __WALL) != pid_ || !WIFSTOPPED(status_)) {
      ADD_FAILURE() << "the child is not stopped: " << status_;
      is_done_ = true;
    }
  }

  pid_t pid_;
  int status_ = 0;
  bool is_done_ = false;
};

// Going to and fro between two CPUs takes several times as long as a step.
void stay_on_this_cpu() {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(::sched_getcpu(), &one);
  ::sched_setaffinity(0, sizeof one, &one);
}

bool can_trace() {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0 ? 0 : 1);
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void read_all(ChannelReader& reader, Story& story) {
  while (reader.read(story, 100)) {
  }
}

class DeathAtEveryStep : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!can_trace()) GTEST_SKIP() << "no ptrace here";
    ::sched_getaffinity(0, sizeof cpus_, &cpus_);
    stay_on_this_cpu();
  }
  void TearDown() override {
    if (!IsSkipped()) ::sched_setaffinity(0, sizeof cpus_, &cpus_);
  }

  // Calls `one(steps)` for numbers of steps from none to all.
  template <typename One>
  void at_every_point(std::size_t all, One one, std::size_t most = points) {
    const std::size_t stride = std::max<std::size_t>(all / most, 1);
    for (std::size_t steps = 0; steps < all + stride && !HasFailure(); steps += stride) one(steps);
  }

  const std::unique_ptr<ChannelMemory> memory_ = ChannelMemory::create(4 << 20, 3);
  ChannelStore store_{*memory_};
  ChannelReader reader_{store_, 0};
  Story story_;

 private:
  cpu_set_t cpus_{};
};

// What becomes of the child that was stopped, and when the others go on.
enum class Fate { dies, dies_unnoticed, goes_on };

class PublicationInSteps : public DeathAtEveryStep, public ::testing::WithParamInterface<Fate> {
 protected:
  auto publication() {
    return [this] {
      auto mine = std::make_shared<ChannelStore>(*memory_);
      return [mine, record = message("child", 1'000)] { mine->publish("chat", record); };
    };
  }
};

TEST_P(PublicationInSteps, IsWholeOrNotThere) {
  reader_.follow("chat", nullptr);
  store_.publish("chat", message("first", 1'000));
  read_all(reader_, story_);
  story_.take();
  const std::size_t all = SteppedChild(publication()).step(1'000'000);
  ASSERT_LT(all, 1'000'000u);
  store_.publish("chat", message("before", 1'000));  // frees the killed one's seat
  read_all(reader_, story_);
  story_.take();

  std::size_t published = 0;
  std::size_t unpublished = 0;
  at_every_point(all, [&](std::size_t steps) {
    SteppedChild child(publication());
    child.step(steps);
    const Position before = store_.position("chat");
    if (GetParam() == Fate::goes_on) {
      store_.publish("chat", message("others", 1'000));
      read_all(reader_, story_);
      child.finish();
    }
    child.die();
    if (GetParam() == Fate::dies_unnoticed) {
      store_.publish("chat", message("others", 1'000));
      read_all(reader_, story_);
    }
    memory_->free_dead_seats();
    if (GetParam() == Fate::dies) store_.publish("chat", message("others", 1'000));
    read_all(reader_, story_);

    const Texts told = story_.take();
    const bool there = std::ranges::find(told, "child") != told.end();
    ++(there ? published : unpublished);
    // Both, or the others' alone: never twice, and never a gap.
    EXPECT_EQ(told.size(), there ? 2u : 1u) << ::testing::PrintToString(told);
    EXPECT_NE(std::ranges::find(told, "others"), told.end());
    EXPECT_EQ(memory_->taken_seats(), 1u);
    const StoredHistory history = store_.history("chat", Position{before.epoch, 1}, 10'000);
    EXPECT_TRUE(history.complete);
    EXPECT_EQ(history.newest, store_.position("chat"));
    EXPECT_EQ(story_.last().position, history.newest);
    EXPECT_EQ(history.newest.offset, history.records.size() + 1);
  });
  EXPECT_GT(published, 0u);
  EXPECT_EQ(unpublished == 0, GetParam() == Fate::goes_on);
}

INSTANTIATE_TEST_SUITE_P(Children, PublicationInSteps,
                         ::testing::Values(Fate::dies, Fate::dies_unnoticed, Fate::goes_on),
                         [](const auto& info) {
                           return std::string(info.param == Fate::dies             ? "Die"
                                              : info.param == Fate::dies_unnoticed ? "DieUnnoticed"
                                                                                   : "GoOn");
                         });

// Taking a seat, making a channel and giving the seat back hold the lock that all children share.
TEST_F(DeathAtEveryStep, OfASeatAndOfANewChannel) {
  std::size_t number = 0;
  const auto life = [&] {
    return [this, &number] {
      return [this, channel = "new/" + std::to_string(number)] {
        ChannelStore mine(*memory_);
        mine.publish(channel, message("child", 10));
      };
    };
  };
  const std::size_t all = SteppedChild(life()).step(1'000'000);
  ASSERT_LT(all, 1'000'000u);
  std::size_t published = 0;
  at_every_point(all, [&](std::size_t steps) {
    ++number;
    SteppedChild child(life());
    child.step(steps);
    child.die();
    memory_->free_dead_seats();
    EXPECT_EQ(memory_->taken_seats(), 1u);
    EXPECT_EQ(store_.living().size(), 1u);

    const std::string channel = "new/" + std::to_string(number);
    Follow& follow = reader_.follow(channel, nullptr);
    const Position before = follow.position;
    EXPECT_EQ(store_.publish(channel, message("others", 10)).result, StoreResult::stored);
    read_all(reader_, story_);
    EXPECT_EQ(story_.take(), Texts{"others"});
    const Texts history = texts(store_.history(channel, std::nullopt, 10));
    EXPECT_EQ(history.size(), before.offset + 1);
    EXPECT_EQ(history.back(), "others");
    published += before.offset;
    reader_.unfollow(follow);
  });
  EXPECT_GT(published, 0u);
}

// What is about to be overwritten is copied, and its channel's entry then says so.
TEST_F(DeathAtEveryStep, OfACopyOfWhatIsKept) {
  const auto small = [] { return ChannelMemory::create(ChannelMemory::least_bytes(2), 2); };
  const auto state = [](ChannelMemory& memory, ChannelStore& store) {
    return store.table().find(channel_key(memory.secret(), "quiet"))->state;
  };
  const auto begin = [](ChannelStore& store) {
    for (const char* text : {"a", "b", "c"}) store.publish("quiet", message(text, 10));
  };
  int busy = 0;  // how many bring the ring so far
  {
    const auto memory = small();
    ChannelStore store(*memory);
    begin(store);
    for (const auto before = state(*memory, store); state(*memory, store) == before; ++busy)
      store.publish("busy", message("x", 10));
  }
  const auto life = [&](ChannelMemory& memory) {
    return [&] {
      auto mine = std::make_shared<ChannelStore>(memory);
      begin(*mine);
      for (int i = 1; i < busy; ++i) mine->publish("busy", message("x", 10));
      return [mine, record = message("x", 10)] { mine->publish("busy", record); };
    };
  };
  const auto dry = small();
  const std::size_t all = SteppedChild(life(*dry)).step(1'000'000);
  ASSERT_LT(all, 1'000'000u);
  std::size_t copied = 0;
  std::size_t points_seen = 0;
  at_every_point(all, [&](std::size_t steps) {
    const auto memory = small();
    ChannelStore other(*memory);
    SteppedChild child(life(*memory));
    const auto before = state(*memory, other);
    child.step(steps);
    child.die();
    memory->free_dead_seats();
    copied += state(*memory, other) != before;
    ++points_seen;
    EXPECT_EQ(texts(other.history("quiet", std::nullopt, 10)), (Texts{"a", "b", "c"}));
    ChannelStore next(*memory);
    for (int i = 0; i < 4 * busy; ++i) next.publish("busy", message("x", 10));
    EXPECT_EQ(texts(other.history("quiet", std::nullopt, 10)), (Texts{"a", "b", "c"}));
    EXPECT_EQ(other.publish("quiet", message("d", 10)).position.offset, 4u);
    EXPECT_EQ(texts(next.history("quiet", std::nullopt, 10)), (Texts{"a", "b", "c", "d"}));
  }, points / 4);
  EXPECT_GT(copied, 0u);
  EXPECT_LT(copied, points_seen);
}

TEST_F(DeathAtEveryStep, OfADeletion) {
  std::size_t gone = 0;
  std::size_t there = 0;
  const auto deletion = [this] {
    auto mine = std::make_shared<ChannelStore>(*memory_);
    return [mine] { mine->delete_history("chat"); };
  };
  const auto publish = [this](const char* text) { return store_.publish("chat", message(text, 10)).position; };
  publish("first");
  const std::size_t all = SteppedChild(deletion).step(1'000'000);
  ASSERT_LT(all, 1'000'000u);
  reader_.follow("chat", nullptr);
  at_every_point(all, [&](std::size_t steps) {
    publish("before");
    read_all(reader_, story_);
    story_.take();
    SteppedChild child(deletion);
    child.step(steps);
    child.die();
    memory_->free_dead_seats();
    const Position after = publish("after");
    const Texts history = texts(store_.history("chat", std::nullopt, 10));
    ++(history.size() == 1 ? gone : there);
    EXPECT_EQ(history.back(), "after");
    EXPECT_TRUE(store_.history("chat", Position{after.epoch, after.offset - 1}, 10).complete);
    read_all(reader_, story_);
    EXPECT_EQ(story_.take(), Texts{"after"});
  });
  EXPECT_GT(gone, 0u);
  EXPECT_GT(there, 0u);
}

TEST_F(DeathAtEveryStep, OfARequestWithAKey) {
  using Outcome = IdempotencyTable::Outcome;
  constexpr std::size_t bucket = 512;
  void* const mapped = ::mmap(nullptr, bucket, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  const std::span<std::byte> bytes(static_cast<std::byte*>(mapped), bucket);
  const IdempotencyTable::Answer answer{{7, 42}, 3};
  constexpr std::chrono::seconds now{1};
  const auto request = [&] {
    const auto store = std::make_shared<ChannelStore>(*memory_);
    const auto table = std::make_shared<IdempotencyTable>(bytes, *memory_, store->origin());
    return [&, store, table] {
      auto attempt = table->begin("key", "x", now);
      attempt.finish(answer);
    };
  };
  const std::size_t all = SteppedChild(request).step(1'000'000);
  ASSERT_LT(all, 1'000'000u);
  IdempotencyTable mine(bytes, *memory_, store_.origin());
  std::size_t first = 0;
  std::size_t repeated = 0;
  at_every_point(all, [&](std::size_t steps) {
    std::memset(mapped, 0, bucket);  // as many steps each time
    SteppedChild child(request);
    child.step(steps);
    child.die();
    auto again = mine.begin("key", "x", now);
    ++(again.outcome() == Outcome::repeated ? repeated : first);
    EXPECT_EQ(again.outcome(), again.answer() == answer ? Outcome::repeated : Outcome::first);
    again.finish(answer);
    EXPECT_EQ(mine.begin("key", "x", now).outcome(), Outcome::repeated);
  });
  EXPECT_GT(first, 0u);
  EXPECT_GT(repeated, 0u);
  ::munmap(mapped, bucket);
}

}  // namespace
}  // namespace cppwebsocket::testing
