// Who is the first with a key, over children and their deaths.
#include "channels/store/idempotency.hpp"

#include "channels/store/store.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cppwebsocket::testing {
namespace {

using namespace channels;
using namespace std::chrono_literals;
using Outcome = IdempotencyTable::Outcome;
using Answer = IdempotencyTable::Answer;

class Idempotency : public ::testing::Test {
 protected:
  static constexpr std::size_t bytes = 64 << 10;

  static std::byte* shared() {
    return static_cast<std::byte*>(::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  }
  ~Idempotency() { ::munmap(table_.data(), table_.size()); }

  Outcome done(IdempotencyTable& table, std::string_view name, std::string_view request, const Answer& answer = {},
               std::chrono::nanoseconds now = 1s) {
    auto attempt = table.begin(name, request, now);
    if (attempt.outcome() == Outcome::first) attempt.finish(answer);
    return attempt.outcome();
  }

  const std::span<std::byte> table_{shared(), bytes};
  std::unique_ptr<ChannelMemory> memory_ = ChannelMemory::create(1 << 20, 4);
  ChannelStore ann_store_{*memory_};
  ChannelStore bob_store_{*memory_};
  IdempotencyTable ann_{table_, *memory_, ann_store_.origin()};
  IdempotencyTable bob_{table_, *memory_, bob_store_.origin()};
};

TEST_F(Idempotency, ARetryInAnyChildGetsTheFirstAnswer) {
  const Answer answer{{7, 42}, 3};
  EXPECT_EQ(done(ann_, "key", "hello", answer), Outcome::first);
  for (IdempotencyTable* table : {&ann_, &bob_}) {
    const auto again = table->begin("key", "hello", 2s);
    EXPECT_EQ(again.outcome(), Outcome::repeated);
    EXPECT_EQ(again.answer(), answer);
  }
  EXPECT_EQ(done(bob_, "other key", "hello"), Outcome::first);
  EXPECT_EQ(done(bob_, "key", "something else"), Outcome::other_request);
}

TEST_F(Idempotency, WhileItIsBeingDoneNobodyElseDoesIt) {
  auto first = ann_.begin("key", "hello", 1s);
  EXPECT_EQ(first.outcome(), Outcome::first);
  EXPECT_EQ(done(bob_, "key", "hello"), Outcome::in_progress);
  EXPECT_EQ(done(ann_, "key", "hello"), Outcome::in_progress);
  EXPECT_EQ(done(bob_, "key", "other"), Outcome::other_request);
  first.finish({});
  EXPECT_EQ(done(bob_, "key", "hello"), Outcome::repeated);
}

TEST_F(Idempotency, WhatWasInVainIsTriedAgain) {
  { const auto vain = ann_.begin("key", "hello", 1s); }
  EXPECT_EQ(done(bob_, "key", "another, then"), Outcome::first);
}

TEST_F(Idempotency, AKeyIsForgottenWhenItsTimeIsOver) {
  EXPECT_EQ(done(ann_, "key", "hello"), Outcome::first);
  EXPECT_EQ(done(ann_, "key", "hello", {}, 1s + IdempotencyTable::lifetime), Outcome::repeated);
  EXPECT_EQ(done(ann_, "key", "new", {}, 2s + IdempotencyTable::lifetime), Outcome::first);
  EXPECT_EQ(done(ann_, "key", "new", {}, 2s + IdempotencyTable::lifetime), Outcome::repeated);
}

TEST_F(Idempotency, TheOldestAreForgottenWhereThereAreTooMany) {
  const std::size_t many = 10 * ann_.entries();
  for (std::size_t i = 0; i < many; ++i)
    ASSERT_EQ(done(ann_, std::to_string(i), "x", {}, std::chrono::milliseconds(i + 1)), Outcome::first);
  const auto last = std::chrono::milliseconds(many);
  EXPECT_EQ(done(bob_, std::to_string(many - 1), "x", {}, last), Outcome::repeated);
  EXPECT_EQ(done(bob_, "0", "x", {}, last), Outcome::first);
}

TEST_F(Idempotency, WhatIsInProgressMakesNoRoom) {
  IdempotencyTable one(table_.first(512), *memory_, ann_store_.origin());
  ASSERT_EQ(one.entries(), 7u);
  std::vector<std::unique_ptr<IdempotencyTable::Attempt>> open;
  for (std::size_t i = 0; i < one.entries(); ++i)
    open.emplace_back(new IdempotencyTable::Attempt(one.begin(std::to_string(i), "x", 1s)));
  EXPECT_EQ(done(one, "another", "x"), Outcome::no_room);
  open.pop_back();
  EXPECT_EQ(done(one, "another", "x"), Outcome::first);
  EXPECT_THROW(IdempotencyTable(table_.first(511), *memory_, 1), std::invalid_argument);
}

TEST_F(Idempotency, OfManyAtOnceOneIsTheFirst) {
  for (int round = 0; round < 50; ++round) {
    const std::string name = std::to_string(round);
    std::atomic<int> first = 0, others = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&, i] {
        auto attempt = (i % 2 ? ann_ : bob_).begin(name, "x", 1s);
        ++(attempt.outcome() == Outcome::first ? first : others);
        if (attempt.outcome() == Outcome::first) attempt.finish({{1, 1}, 0});
      });
    for (auto& each : threads) each.join();
    EXPECT_EQ(first, 1);
    EXPECT_EQ(others, 3);
  }
}

// Killed with the lock of a bucket, or in the middle of what it was to do.
TEST_F(Idempotency, ADeadChildHoldsUpNobody) {
  const pid_t child = ::fork();
  if (child == 0) {
    ChannelStore store(*memory_);
    IdempotencyTable mine(table_.first(512), *memory_, store.origin());
    auto first = mine.begin("key", "x", 1s);
    // As if it was killed between the two stores of a lock: the first word of the only bucket says whose it is.
    reinterpret_cast<std::atomic<std::uint64_t>*>(table_.data())->store(store.origin());
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  IdempotencyTable one(table_.first(512), *memory_, ann_store_.origin());
  EXPECT_EQ(done(one, "key", "x", {{1, 2}, 3}), Outcome::first);
  EXPECT_EQ(done(one, "key", "x"), Outcome::repeated);
}

TEST_F(Idempotency, AHostileChildMayWriteWhatItLikes) {
  auto* const words = reinterpret_cast<std::atomic<std::uint64_t>*>(table_.data());
  std::uint64_t random = 1;
  for (int round = 0; round < 20; ++round) {
    for (std::size_t i = 0; i < table_.size() / 8; ++i) words[i] = random = random * 6364136223846793005u + 1442695040888963407u;
    EXPECT_EQ(done(ann_, "key", "x"), Outcome::first);
    EXPECT_EQ(done(bob_, "key", "x"), Outcome::repeated);
  }
  // A lock that a child which lives never gives back is not waited for for ever.
  for (std::size_t i = 0; i < table_.size() / 8; i += 64) words[i] = bob_store_.origin();
  EXPECT_EQ(done(ann_, "key", "x"), Outcome::no_room);
}

}  // namespace
}  // namespace cppwebsocket::testing
