// Children as httpd has them: forked, and killed at any instant.
#include "channels/store/reader.hpp"

#include "channels/support/channel_story.hpp"

#include <chrono>
#include <random>

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cppwebsocket::testing {
namespace {

using namespace channels;

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr int kills = 10;  // they make a fork slow
#else
constexpr int kills = 150;
#endif
constexpr unsigned channels_in_use = 20;
std::string channel(unsigned number) { return "channel/" + std::to_string(number); }

// A child that does not outlive the test, however that ends.
pid_t fork_child() {
  const pid_t pid = ::fork();
  if (pid == 0) ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  return pid;
}

// Publishes until it is killed: which of its own it is, and a length that the text shows.
[[noreturn]] void publish_for_ever(ChannelMemory& memory) {
  ChannelStore store(memory);
  std::minstd_rand random(static_cast<unsigned>(::getpid()));
  for (std::uint64_t sequence = 1;; ++sequence) {
    const unsigned number = static_cast<unsigned>(random()) % channels_in_use;
    std::string text = std::to_string(sequence) + " ";
    text.append(random() % 300, 'x');
    text += std::to_string(text.size());
    store.publish(channel(number), message(text, number % 2 ? 50 : 0));
    if (sequence % 64 == 0) ::usleep(100);
  }
}

pid_t fork_publisher(ChannelMemory& memory) {
  const pid_t pid = fork_child();
  if (pid == 0) publish_for_ever(memory);
  return pid;
}

// A follower of all channels: each gives its numbers without a hole that was not told, and nothing
// twice, and nothing broken.
class Check final : public ChannelReader::Sink {
 public:
  void received(Follow& follow, Record&& record) override {
    Position& last = last_[reinterpret_cast<std::size_t>(follow.owner)];
    if (record.position.epoch != last.epoch) last = {record.position.epoch, 0};
    if (record.position.offset != last.offset + 1) ++wrong_;
    last = record.position;
    const std::string& text = record.message.payload();
    const std::size_t end = text.find_last_not_of("0123456789") + 1;
    if (text.substr(end) != std::to_string(end)) ++broken_;
    ++received_;
  }
  void gap(Follow& follow, Position, Position to) override {
    last_[reinterpret_cast<std::size_t>(follow.owner)] = to;
    ++gaps_;
  }
  void control(std::string_view, Record&&) override {}

  Position last_[channels_in_use];
  std::uint64_t received_ = 0, gaps_ = 0, wrong_ = 0, broken_ = 0;
};

TEST(Children, MayBeKilledAtAnyInstant) {
  constexpr unsigned publishers = 3;
  const auto memory = ChannelMemory::create(32 << 20, publishers + 1);
  ChannelStore store(*memory);
  ChannelReader reader(store, 0);
  Check check;
  for (std::size_t i = 0; i < channels_in_use; ++i)
    reader.follow(channel(static_cast<unsigned>(i)), reinterpret_cast<void*>(i));

  std::vector<pid_t> living;
  for (unsigned i = 0; i < publishers; ++i) living.push_back(fork_publisher(*memory));
  std::minstd_rand random(5);
  for (int i = 0; i < kills; ++i) {
    const auto until =
        std::chrono::steady_clock::now() + std::chrono::microseconds(random() % 15'000);
    while (std::chrono::steady_clock::now() < until) reader.read(check, 1000);
    pid_t& victim = living[random() % publishers];
    ::kill(victim, SIGKILL);
    ASSERT_EQ(::waitpid(victim, nullptr, 0), victim);
    if (i % 2) memory->free_dead_seats();  // else the next one finds the seat
    victim = fork_publisher(*memory);
  }
  for (const pid_t pid : living) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    memory->free_dead_seats();
  }
  while (reader.read(check, 1000)) {
  }
  EXPECT_EQ(memory->taken_seats(), 1u);
  EXPECT_EQ(check.wrong_, 0u);
  EXPECT_EQ(check.broken_, 0u);
  EXPECT_GT(check.received_, 1'000u);
  // What was linked was announced: nothing is left that only the table knows.
  for (unsigned i = 0; i < channels_in_use; ++i)
    EXPECT_EQ(check.last_[i], store.position(channel(i)));
  // And all of them can go on.
  EXPECT_TRUE(store.try_lead("new"));
  EXPECT_EQ(store.publish("new channel", message("a")).result, StoreResult::stored);
}

TEST(Children, LeaveTheRareLockFreeWhenTheyAreKilledWithIt) {
  const auto memory = ChannelMemory::create(1 << 20, 3);
  ChannelStore store(*memory);
  for (int i = 0; i < kills / 5; ++i) {
    const pid_t pid = fork_child();
    if (pid == 0) {
      ChannelStore mine(*memory);
      for (std::uint64_t n = 0;; ++n)  // every one is new, and most push another out
        mine.publish(std::to_string(::getpid()) + "/" + std::to_string(n), message("a"));
    }
    while (memory->taken_seats() < 2) ::usleep(100);
    ::usleep(5'000 + static_cast<useconds_t>(i) * 137);
    ::kill(pid, SIGKILL);
    ASSERT_EQ(::waitpid(pid, nullptr, 0), pid);
    memory->free_dead_seats();
    ASSERT_EQ(store.publish("new/" + std::to_string(i), message("a")).result, StoreResult::stored);
  }
  EXPECT_EQ(memory->taken_seats(), 1u);
  EXPECT_EQ(store.counters().reclaimed, static_cast<std::uint64_t>(kills / 5));
}

TEST(Children, LoseTheirLeadershipWithTheirLife) {
  const auto memory = ChannelMemory::create(1 << 20, 2);
  ChannelStore store(*memory);
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t pid = fork_child();
  if (pid == 0) {
    ChannelStore mine(*memory);
    const char said = mine.try_lead("ticks") ? 'y' : 'n';
    [[maybe_unused]] const auto written = ::write(ready[1], &said, 1);
    for (;;) ::pause();
  }
  char said = 0;
  ASSERT_EQ(::read(ready[0], &said, 1), 1);
  EXPECT_EQ(said, 'y');
  EXPECT_FALSE(store.try_lead("ticks"));
  ::kill(pid, SIGKILL);
  ASSERT_EQ(::waitpid(pid, nullptr, 0), pid);
  EXPECT_TRUE(store.try_lead("ticks")) << "although its seat is not freed yet";
  EXPECT_EQ(memory->taken_seats(), 2u);
  ::close(ready[0]);
  ::close(ready[1]);
}

}  // namespace
}  // namespace cppwebsocket::testing
