#include "runtime/limits/table.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cppwebsocket::runtime {
namespace {

using namespace std::chrono_literals;
using Taken = LimitTable::Taken;
using Scope = LimitTable::Scope;

constexpr unsigned seats = 20;

// Memory as httpd's children share it, and the seats that are taken.
class LimitTableTest : public ::testing::Test {
 protected:
  explicit LimitTableTest(std::size_t bytes = 64 << 10) : bytes_(bytes) {
    void* const mapped = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memory_ = {static_cast<std::byte*>(mapped), bytes};
  }
  ~LimitTableTest() { ::munmap(memory_.data(), bytes_); }

  std::unique_ptr<LimitTable> child(unsigned seat) {
    alive_.insert(seat);
    return std::make_unique<LimitTable>(memory_, seats, seat, [this](unsigned each) {
      ++questions_;
      return alive_.contains(each);
    });
  }
  static Taken take(LimitTable& table, std::string_view client, std::uint32_t most, Scope scope = Scope::all_children) {
    return table.take(table.key("open", client), most, scope, 1s);
  }

  const std::size_t bytes_;
  std::span<std::byte> memory_;
  std::set<unsigned> alive_;
  std::atomic<unsigned> questions_ = 0;
};

TEST_F(LimitTableTest, WhatAllChildrenHaveIsAddedUp) {
  const auto first = child(0), second = child(19);
  EXPECT_EQ(take(*first, "a", 3), Taken::yes);
  EXPECT_EQ(take(*second, "a", 3), Taken::yes);
  EXPECT_EQ(take(*second, "a", 3), Taken::yes);
  EXPECT_EQ(take(*first, "a", 3), Taken::over);
  EXPECT_EQ(take(*second, "a", 3), Taken::over);
  EXPECT_EQ(take(*second, "b", 3), Taken::yes);
  second->give_back(second->key("open", "a"));
  EXPECT_EQ(take(*first, "a", 3), Taken::yes);
  EXPECT_EQ(take(*first, "a", 3), Taken::over);
}

TEST_F(LimitTableTest, RulesAreCountedByThemselves) {
  const auto table = child(0);
  EXPECT_EQ(table->take(table->key("one", "a"), 1, Scope::all_children, 1s), Taken::yes);
  EXPECT_EQ(table->take(table->key("two", "a"), 1, Scope::all_children, 1s), Taken::yes);
  EXPECT_EQ(table->take(table->key("one", "a"), 1, Scope::all_children, 1s), Taken::over);
}

TEST_F(LimitTableTest, AChildsOwnLimitCountsItsOwn) {
  const auto first = child(0), second = child(1);
  EXPECT_EQ(take(*first, "a", 1, Scope::this_child), Taken::yes);
  EXPECT_EQ(take(*second, "a", 1, Scope::this_child), Taken::yes);
  EXPECT_EQ(take(*first, "a", 1, Scope::this_child), Taken::over);
}

TEST_F(LimitTableTest, WhatADeadChildHadCountsNoMore) {
  auto first = child(0);
  const auto second = child(1);
  EXPECT_EQ(take(*first, "a", 2), Taken::yes);
  EXPECT_EQ(take(*second, "a", 2), Taken::yes);
  EXPECT_EQ(take(*second, "a", 2), Taken::over);
  first.reset();  // as by SIGKILL: it gives nothing back
  alive_.erase(0);
  EXPECT_EQ(take(*second, "a", 2), Taken::yes);
  EXPECT_EQ(take(*second, "a", 2), Taken::over);
}

TEST_F(LimitTableTest, WhoeverTakesADeadChildsSeatBeginsWithNothing) {
  auto first = child(0);
  const auto second = child(1);
  EXPECT_EQ(take(*first, "a", 2), Taken::yes);
  EXPECT_EQ(take(*first, "a", 2), Taken::yes);
  first = child(0);
  EXPECT_EQ(take(*first, "a", 1), Taken::yes);
  EXPECT_EQ(take(*second, "a", 2), Taken::yes);
  EXPECT_EQ(take(*second, "a", 2), Taken::over);
}

TEST_F(LimitTableTest, TheKernelIsAskedOnlyOfWhoIsAboutToBeRefused) {
  const auto first = child(0), second = child(1);
  for (int i = 0; i < 5; ++i) take(i % 2 ? *first : *second, "a", 5);
  EXPECT_EQ(questions_, 0u);
  EXPECT_EQ(take(*first, "a", 5), Taken::over);
  EXPECT_EQ(questions_, 1u);
}

TEST_F(LimitTableTest, ARateLetsInABurstAndThenOneAtATime) {
  const auto first = child(0), second = child(1);
  const LimitRate rate{4, 2s};
  const auto key = first->key("rate", "a");
  for (int i = 0; i < 4; ++i) EXPECT_FALSE((i % 2 ? first : second)->wait_for(key, rate, 10s));
  EXPECT_EQ(first->wait_for(key, rate, 10s), 500ms);
  EXPECT_EQ(second->wait_for(key, rate, 10'400ms), 100ms);
  EXPECT_FALSE(second->wait_for(key, rate, 10'500ms));
  EXPECT_EQ(first->wait_for(key, rate, 10'500ms), 500ms);
  EXPECT_FALSE(first->wait_for(first->key("rate", "b"), rate, 10s));
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(first->wait_for(key, rate, 20s));
  EXPECT_TRUE(first->wait_for(key, rate, 20s));
}

TEST_F(LimitTableTest, APlaceIsFreeWhenNothingIsHadAndTheTimeIsOver) {
  const auto table = child(0);
  const LimitRate rate{1, 1s};
  for (int round = 0; round < 50; ++round)
    for (int i = 0; i < 1000; ++i) {
      const auto key = table->key("x", std::to_string(round * 1000 + i));
      const std::chrono::nanoseconds now = std::chrono::seconds(10 * (round + 1));
      ASSERT_FALSE(table->wait_for(key, rate, now));
      ASSERT_TRUE(table->wait_for(key, rate, now)) << "there was room for it";
      ASSERT_EQ(table->take(key, 1, Scope::all_children, now), Taken::yes);
      table->give_back(key);
    }
}

TEST_F(LimitTableTest, WithoutRoomEveryoneIsLetIn) {
  const auto table = child(0);
  std::size_t without_room = 0;
  for (std::size_t i = 0; i < 2 * table->entries(); ++i) {
    const Taken taken = take(*table, std::to_string(i), 1);
    ASSERT_NE(taken, Taken::over);
    without_room += taken == Taken::no_room;
  }
  EXPECT_GE(without_room, table->entries());
  EXPECT_LT(without_room, table->entries() * 11 / 10) << "nearly every place can be used";
  EXPECT_TRUE(table->is_first_without_room());
  EXPECT_FALSE(table->is_first_without_room());
  alive_.clear();
  EXPECT_EQ(take(*child(1), "another", 1), Taken::yes) << "in the place of one who is dead";
}

TEST_F(LimitTableTest, WhatIsSetIsAddedUpOfAllWhoLive) {
  auto first = child(0);
  const auto second = child(19);
  const LimitKey key = first->key("members", "chat");
  EXPECT_EQ(first->sum(key), 0u);
  EXPECT_TRUE(first->set(key, 3, 1s));
  EXPECT_TRUE(second->set(key, 5, 1s));
  EXPECT_TRUE(first->set(key, 4, 1s));
  EXPECT_TRUE(first->set(first->key("members", "news"), 100, 1s));
  EXPECT_EQ(first->sum(key), 9u);
  EXPECT_EQ(second->sum(key), 9u);
  EXPECT_TRUE(second->set(key, 0, 1s));
  EXPECT_EQ(first->sum(key), 4u);
  alive_.erase(0);  // killed
  EXPECT_EQ(second->sum(key), 0u);
  first = child(0);  // another in its seat
  EXPECT_EQ(second->sum(key), 0u);
  EXPECT_EQ(first->sum(key), 0u);
}

TEST_F(LimitTableTest, WhatCouldNotBeCountedIsKnown) {
  const auto table = child(0);
  for (std::size_t i = 0; i < 2 * table->entries(); ++i)
    if (!table->set(table->key("members", std::to_string(i)), 1, 1s)) break;
    else ASSERT_FALSE(table->was_without_room());
  EXPECT_TRUE(child(1)->was_without_room());
}

// Issue 24: 100,000 handshakes from 50,000 addresses against 1 MiB.
class LimitTableOfAMebibyte : public LimitTableTest {
 protected:
  LimitTableOfAMebibyte() : LimitTableTest(1 << 20) {}
};
TEST_F(LimitTableOfAMebibyte, FiftyThousandAddresses) {
  std::vector<std::unique_ptr<LimitTable>> children;
  for (unsigned seat = 0; seat < 4; ++seat) children.push_back(child(seat));
  const auto handshake = [&](int number, std::uint32_t most) {
    LimitTable& table = *children[static_cast<std::size_t>(number) % children.size()];
    return table.wait_for(table.key("rate", std::to_string(number % 50'000)), {most, 60s}, 100s).has_value();
  };
  int false_refusals = 0;
  for (int i = 0; i < 100'000; ++i) false_refusals += handshake(i, 2);
  EXPECT_LE(false_refusals, 10);
  int true_refusals = 0;
  for (int i = 0; i < 50'000; ++i) true_refusals += handshake(i, 2);
  EXPECT_GE(true_refusals, 49'950) << "all but a few are known";
}
TEST_F(LimitTableOfAMebibyte, ConnectionsOfFiftyThousandAddresses) {
  const auto table = child(0);
  int refused = 0, without_room = 0;
  for (int i = 0; i < 100'000; ++i) {
    const Taken taken = take(*table, std::to_string(i % 50'000), 2);
    refused += taken == Taken::over;
    without_room += taken == Taken::no_room;
  }
  EXPECT_LE(refused, 10);
  EXPECT_LE(without_room, 100);
}

TEST_F(LimitTableTest, ManyChildrenHaveConnectionsOfOneAddress) {
  std::vector<std::unique_ptr<LimitTable>> children;
  for (unsigned seat = 0; seat < seats; ++seat) children.push_back(child(seat));
  for (unsigned i = 0; i < 20 * seats; ++i) ASSERT_EQ(take(*children[i % seats], "proxy", 20 * seats), Taken::yes);
  for (auto& each : children) EXPECT_EQ(take(*each, "proxy", 20 * seats), Taken::over);
}

TEST_F(LimitTableTest, ThreadsAndProcessesAtOnceNeverGetAbove) {
  const auto first = child(0), second = child(1);
  const auto grab = [](LimitTable& table) {
    int got = 0;
    std::vector<std::jthread> threads;
    std::array<int, 4> each{};
    for (int& mine : each)
      threads.emplace_back([&table, &mine] {
        for (int i = 0; i < 2000; ++i) mine += take(table, "a", 1000) == Taken::yes;
      });
    threads.clear();
    for (const int mine : each) got += mine;
    return got;
  };
  int mine = 0, other = 0;
  {
    const std::jthread thread([&] { other = grab(*second); });
    mine = grab(*first);
  }
  EXPECT_LE(mine + other, 1000);
  EXPECT_GE(mine + other, 950);
  const pid_t process = ::fork();
  if (process == 0) ::_exit(take(*second, "a", 1000) == Taken::yes);
  int status = 1;
  ::waitpid(process, &status, 0);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_NE(take(*first, "a", 900), Taken::yes);
}

TEST_F(LimitTableTest, AHostileChildWritesWhatItLikes) {
  const auto table = child(0);
  std::mt19937_64 random(1);
  const auto words = reinterpret_cast<std::uint64_t*>(memory_.data());
  for (int round = 0; round < 200; ++round) {
    for (std::size_t i = 0; i < bytes_ / 8; ++i)
      if (const auto word = random(); round % 4 != 0 || word % 2 == 0) words[i] = word;
    for (int i = 0; i < 50; ++i) {
      const auto client = std::to_string(i);
      if (take(*table, client, 10) == Taken::yes) table->give_back(table->key("open", client));
      const auto wait = table->wait_for(table->key("rate", client), {1, 1s}, 1000s);
      EXPECT_LE(wait.value_or(0ns), 1s) << "nobody is kept out for longer than the rate says";
    }
  }
}

TEST(LimitTable, SaysWhatItNeeds) {
  alignas(64) std::array<std::byte, 1024> memory{};
  EXPECT_LE(LimitTable::least_bytes(1), memory.size());
  EXPECT_NO_THROW(LimitTable(memory, 1, 0, [](unsigned) { return true; }));
  EXPECT_THROW(LimitTable(memory, 1, 1, [](unsigned) { return true; }), std::invalid_argument);
  EXPECT_THROW(LimitTable(memory, 1000, 0, [](unsigned) { return true; }), std::invalid_argument);
}

}  // namespace
}  // namespace cppwebsocket::runtime
