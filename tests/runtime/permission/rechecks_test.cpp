// Connections that are asked about again.
#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "runtime/permission/rechecks.hpp"
#include "runtime/support/session_fixture.hpp"

namespace cppwebsocket::testing {
namespace {

using namespace std::chrono_literals;
using runtime::Rechecks;
using runtime::RecheckRule;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::IsEmpty;
using ::testing::Le;

// As httpd's: of a connection, which keeps it.
struct OwnRecheck final : detail::Judge {
  Allowed ask(std::string_view, std::string_view) override { return Allowed::yes; }
  void ask(detail::QuestionOperation&) noexcept override {}
  void opened(Request& request) override { recheck->begin(static_cast<runtime::Connection&>(request)); }
  std::unique_ptr<runtime::Recheck> recheck;
};

class TestMatter final : public runtime::Matter {
 public:
  Allowed ask() override {
    std::unique_lock lock(mutex_);
    ++begun_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !held_; });
    ++asked_;
    if (raises_) throw std::bad_alloc();
    return answer_;
  }
  void tell(const runtime::Verdict& verdict) noexcept override {
    const std::lock_guard lock(mutex_);
    const char* const said = verdict.answer == Allowed::no ? "no" : "unknown";
    told_.push_back(std::string(said) + " " + std::to_string(verdict.connections) + " " +
                    std::to_string(verdict.closed_with));
  }

  void say(Allowed answer) {
    const std::lock_guard lock(mutex_);
    answer_ = answer;
  }
  void raise() {
    const std::lock_guard lock(mutex_);
    raises_ = true;
  }
  void hold(bool held) {
    const std::lock_guard lock(mutex_);
    held_ = held;
    changed_.notify_all();
  }
  int asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  int begun() const {
    const std::lock_guard lock(mutex_);
    return begun_;
  }
  std::vector<std::string> told() const {
    const std::lock_guard lock(mutex_);
    return told_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Allowed answer_ = Allowed::yes;
  bool held_ = false;
  bool raises_ = false;
  int asked_ = 0, begun_ = 0;
  std::vector<std::string> told_;
};

class RechecksTest : public SessionFixture {
 protected:
  RechecksTest() {
    rechecks_.start(
        loop_, [this] { return ++held_, true; }, [this] { --held_; });
  }
  void TearDown() override {
    for (auto& [key, matter] : matters_) matter->hold(false);
    SessionFixture::TearDown();
    EXPECT_TRUE(rechecks_.stop(20s));
    loop_.run();
    EXPECT_EQ(held_, 0);
    EXPECT_EQ(rechecks_.matters(), 0u);
  }

  std::unique_ptr<runtime::Recheck> add(const std::string& key, RecheckRule rule) {
    return rechecks_.add(key, rule, [&] {
      ++made_;
      return matters_[key] = std::make_shared<TestMatter>();
    });
  }
  Connection& open_checked(const std::string& key, RecheckRule rule = {60s}, Script script = {.transfer = echo}) {
    script.limits.ping_interval = 0ms;
    Connection& connection = open(std::move(script));
    auto judge = std::make_shared<OwnRecheck>();
    judge->recheck = add(key, rule);
    connection.session->record().make_seldom().judge = judge;
    judge->opened(*connection.session);
    return connection;
  }
  TestMatter& matter(const std::string& key) { return *matters_.at(key); }

  // Lets time pass in small steps, in each of which what is asked is answered.
  void pass(std::chrono::milliseconds time) {
    constexpr auto step = 250ms;
    for (; time > 0ms; time -= step) {
      loop_.advance(step);
      settle();
    }
  }
  void settle() {
    loop_.run();
    while (rechecks_.asking() != 0) std::this_thread::yield();
    loop_.run();
  }

  runtime::BlockingPool pool_{1};
  Rechecks rechecks_{pool_};
  std::map<std::string, std::shared_ptr<TestMatter>> matters_;
  std::atomic<int> held_ = 0;
  int made_ = 0;
};

TEST_F(RechecksTest, AsksOnceInAnIntervalForAllOfAMatter) {
  for (int i = 0; i < 10; ++i) open_checked("ann");
  EXPECT_EQ(made_, 1);
  pass(29s);
  EXPECT_EQ(matter("ann").asked(), 0) << "not before half of the interval";
  pass(31s);
  EXPECT_EQ(matter("ann").asked(), 1);
  pass(600s);
  EXPECT_THAT(matter("ann").asked(), AllOf(Ge(11), Le(14)));
  EXPECT_THAT(matter("ann").told(), IsEmpty());
  EXPECT_EQ(loop_.sessions(), 10u);
}

TEST_F(RechecksTest, WhoIsNoLongerAllowedIsClosedWithTheCode) {
  Connection& one = open_checked("ann", {60s, 4001});
  Connection& two = open_checked("ann", {60s, 4001});
  Connection& other = open_checked("bob", {60s, 4001});
  matter("ann").say(Allowed::no);
  pass(60s);
  EXPECT_THAT(one.take_words(), ElementsAre("close:4001 no longer allowed"));
  EXPECT_THAT(two.take_words(), ElementsAre("close:4001 no longer allowed"));
  EXPECT_THAT(other.take_words(), IsEmpty());
  EXPECT_THAT(matter("ann").told(), ElementsAre("no 2 4001"));
  pass(300s);
  EXPECT_EQ(matter("ann").asked(), 1) << "nothing more is asked about who is closed";
  EXPECT_TRUE(one.gone);
}

TEST_F(RechecksTest, TheHandlerHearsOfItAtOnce) {
  std::vector<std::string> seen;
  Connection& one = open_checked("ann", {60s}, {.transfer = [&](Request& request) -> Task<> {
    try {
      co_await request.sleep_for(1h);
    } catch (const ConnectionTerminatedException&) {
      seen.push_back("ended with " + std::to_string(request.ws_close_code().value_or(0)));
    }
  }});
  matter("ann").say(Allowed::no);
  pass(60s);
  EXPECT_THAT(seen, ElementsAre("ended with 1008"));
  EXPECT_THAT(one.take_words(), ElementsAre("close:1008 no longer allowed"));
}

TEST_F(RechecksTest, ABlockingHandlerIsClosedAsWell) {
  std::atomic<bool> ended = false;
  Connection& one = open_checked("ann", {60s}, {.blocking_transfer = [&](BlockingRequest& request) {
    try {
      request.sleep_for(1h);
    } catch (const ConnectionTerminatedException&) {
      ended = true;
    }
  }});
  matter("ann").say(Allowed::no);
  pass(60s);
  EXPECT_TRUE(loop_.run_until([&] { return ended.load(); }));
  EXPECT_THAT(one.take_words(), ElementsAre("close:1008 no longer allowed"));
}

TEST_F(RechecksTest, AnEventStreamEnds) {
  Connection& one = open_checked("ann", {60s}, {.transfer = echo, .version = Version::event_stream});
  matter("ann").say(Allowed::no);
  pass(70s);
  EXPECT_TRUE(one.gone || one.peer->write_ended);
}

TEST_F(RechecksTest, WhatIsUnknownIsNoNo) {
  open_checked("ann");
  matter("ann").say(Allowed::unknown);
  pass(3600s);
  EXPECT_EQ(loop_.sessions(), 1u);
  const auto told = matter("ann").told();
  EXPECT_GE(told.size(), 60u);
  EXPECT_EQ(std::set<std::string>(told.begin(), told.end()), std::set<std::string>{"unknown 1 0"});
}

TEST_F(RechecksTest, WhatIsRaisedIsUnknown) {
  open_checked("ann");
  matter("ann").raise();
  pass(60s);
  EXPECT_THAT(matter("ann").told(), ElementsAre("unknown 1 0"));
}

TEST_F(RechecksTest, WhatIsUnknownForTooLongIsANo) {
  Connection& one = open_checked("ann", {60s, 1008, 300s});
  matter("ann").say(Allowed::unknown);
  pass(150s);
  matter("ann").say(Allowed::yes);
  pass(60s);
  matter("ann").say(Allowed::unknown);
  pass(290s);
  EXPECT_THAT(one.take_words(), IsEmpty());
  pass(130s);
  EXPECT_THAT(one.take_words(), ElementsAre("close:1008 no longer allowed"));
  EXPECT_EQ(matter("ann").told().back(), "unknown 1 1008");
}

TEST_F(RechecksTest, MattersThatBeginTogetherAreSpread) {
  for (int i = 0; i < 100; ++i) open_checked(std::to_string(i));
  int before = 0, most = 0;
  for (int step = 0; step < 60; ++step) {
    pass(1s);
    int asked = 0;
    for (auto& [key, matter] : matters_) asked += matter->asked();
    most = std::max(most, asked - before);
    before = asked;
  }
  EXPECT_GE(before, 100);
  EXPECT_LE(most, 20);
}

TEST_F(RechecksTest, NobodyIsAskedAboutWhoIsGone) {
  Connection& one = open_checked("ann");
  lose(one);
  EXPECT_EQ(rechecks_.matters(), 0u);
  pass(120s);
  EXPECT_EQ(matter("ann").asked(), 0);
  EXPECT_FALSE(loop_.has_timers());
}

TEST_F(RechecksTest, WhoNeverOpensLeavesNothing) {
  { const auto recheck = add("ann", {60s}); }
  EXPECT_EQ(rechecks_.matters(), 0u);
}

TEST_F(RechecksTest, WhoComesBehindANoIsAnotherMatter) {
  open_checked("ann");
  matter("ann").say(Allowed::no);
  pass(60s);
  Connection& again = open_checked("ann");
  EXPECT_EQ(made_, 2);
  pass(120s);
  EXPECT_THAT(again.take_words(), IsEmpty());
  EXPECT_GE(matter("ann").asked(), 1);
}

TEST_F(RechecksTest, OfTheSameMatterOneThatBeginsBehindTheNoIsClosedToo) {
  open_checked("ann");
  matter("ann").say(Allowed::no);
  Connection& late = open(Script{.transfer = echo, .limits = {.ping_interval = 0ms}});
  auto judge = std::make_shared<OwnRecheck>();
  judge->recheck = add("ann", {60s});
  late.session->record().make_seldom().judge = judge;
  pass(60s);
  judge->opened(*late.session);
  loop_.run();
  EXPECT_THAT(late.take_words(), ElementsAre("close:1008 no longer allowed"));
}

TEST_F(RechecksTest, ASlowAnswerHoldsUpNoConnectionAndNoMoreThreadsThanThereAre) {
  Connection& ann = open_checked("ann", {2s});
  open_checked("bob", {2s});
  matter("ann").hold(true);
  matter("bob").hold(true);
  loop_.advance(2s);
  EXPECT_TRUE(loop_.run_until([&] { return matter("ann").begun() + matter("bob").begun() == 1; }));
  loop_.advance(100s);
  EXPECT_EQ(matter("ann").begun() + matter("bob").begun(), 1) << "one thread, and each is asked once at a time";
  receive(ann, client_text("hello"));
  const auto said = ann.take_words();
  EXPECT_EQ(std::count(said.begin(), said.end(), "text:hello"), 1);
  matter("ann").hold(false);
  matter("bob").hold(false);
  settle();
  EXPECT_EQ(matter("ann").asked() + matter("bob").asked(), 2);
}

TEST_F(RechecksTest, AStopWaitsForWhatIsBeingAskedAndNoMoreIs) {
  open_checked("ann", {2s});
  matter("ann").hold(true);
  loop_.advance(2s);
  ASSERT_TRUE(loop_.run_until([&] { return matter("ann").begun() == 1; }));
  EXPECT_FALSE(rechecks_.stop(1ms));
  matter("ann").hold(false);
  EXPECT_TRUE(rechecks_.stop(20s));
  EXPECT_EQ(matter("ann").asked(), 1);
  pass(10s);
  EXPECT_EQ(matter("ann").asked(), 1);
}

}  // namespace
}  // namespace cppwebsocket::testing
