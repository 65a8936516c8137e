// Work without a connection: when it begins, that it ends, and what becomes of its exceptions.
#include "runtime/background/background.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <mutex>
#include <semaphore>
#include <set>
#include <stdexcept>
#include <thread>

#include <cppwebsocket/testing/channels.hpp>

#include "runtime/support/fake_loop.hpp"

namespace cppwebsocket::testing {
namespace {

using namespace std::chrono_literals;
using runtime::BackgroundWork;
using runtime::FoundHandler;
using runtime::Handler;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// What the handlers' functions do. A table has functions without captures.
std::function<Task<>(Background&)> coroutine;
std::function<void(BlockingBackground&)> blocking;

Task<> run_coroutine(Background& background) { return coroutine(background); }
void run_blocking(BlockingBackground& background) { blocking(background); }

HandlerTable table_of(Task<> (*per_child)(Background&), Task<> (*per_httpd)(Background&),
                      void (*blocking_per_child)(BlockingBackground&) = nullptr) {
  HandlerTable table{};
  table.once_per_child = per_child;
  table.once_per_httpd = per_httpd;
  table.blocking_once_per_child = blocking_per_child;
  return table;
}

// One child of an httpd.
class Child {
 public:
  explicit Child(detail::ChannelService* channels) : channels_(channels) {}
  ~Child() {
    stop();
    EXPECT_TRUE(has_ended());
  }

  // Looks at the files when they are there, and goes on doing so.
  void start(std::shared_ptr<const Handler> handler) {
    put(std::move(handler));
    runtime::BackgroundOptions options;
    options.has_work = [this] { return may_have_work_; };
    options.look = [this] {
      std::lock_guard lock(mutex_);
      ++looks_;
      std::vector<FoundHandler> found;
      if (handler_) found.push_back({"/srv/x_wsh.so", handler_});
      return found;
    };
    options.log = [this](LogLevel, std::string_view text) {
      std::lock_guard lock(mutex_);
      log_.emplace_back(text);
    };
    options.channels = channels_;
    options.is_stopping = [this] { return is_stopping_; };
    options.hold = [this] { return ++held_, true; };
    options.release = [this] { --held_; };
    work_.emplace(loop_, std::move(options));
    work_->start();
  }
  void put(std::shared_ptr<const Handler> handler) {
    std::lock_guard lock(mutex_);
    handler_ = std::move(handler);
  }
  void stop() {
    is_stopping_ = true;
    work_->run();
  }
  bool has_ended() {
    return loop_.run_until([this] { return held_ == 0; });
  }
  // A second goes by, with a look at the files.
  void tick() {
    const int before = looks_;
    loop_.advance(1s);
    int asked = 0;
    EXPECT_TRUE(loop_.run_until([&] {
      if (looks_ > before) return true;
      // The former look, on its thread, had not come back: the second began only when it did.
      if (++asked > 1) loop_.advance(1s);
      return false;
    }));
  }
  int looks() const { return looks_; }
  bool until(const std::function<bool()>& test) { return loop_.run_until(test); }
  std::vector<std::string> log() {
    std::lock_guard lock(mutex_);
    return log_;
  }

  FakeLoop loop_;
  bool may_have_work_ = true;

 private:
  detail::ChannelService* const channels_;
  std::mutex mutex_;
  std::shared_ptr<const Handler> handler_;  // GUARDED_BY(mutex_), as the next
  std::vector<std::string> log_;
  std::atomic<int> looks_{0};
  int held_ = 0;
  bool is_stopping_ = false;
  std::optional<BackgroundWork> work_;
};

class BackgroundTest : public ::testing::Test {
 protected:
  ~BackgroundTest() override {
    coroutine = nullptr;
    blocking = nullptr;
  }
  static std::shared_ptr<const Handler> handler(const HandlerTable& table,
                                                const char* name = "x_wsh.so") {
    return std::make_shared<Handler>(name, table);
  }

  const HandlerTable per_child_ = table_of(run_coroutine, nullptr);
  const HandlerTable per_httpd_ = table_of(nullptr, run_coroutine);
  const HandlerTable blocking_ = table_of(nullptr, nullptr, run_blocking);
  detail::Stage stage_;
  detail::Channels channels_{stage_};
  std::vector<std::string> seen_;
  int begun_ = 0;
};

TEST_F(BackgroundTest, NobodyLooksWhereNoHandlerHasWork) {
  coroutine = [this](Background& background) -> Task<> {
    ++begun_;
    co_await background.sleep_for(1h);
  };
  Child child(&channels_);
  child.may_have_work_ = false;
  child.start(handler(per_child_));
  for (int i = 0; i < 3; ++i) child.loop_.advance(1s);
  EXPECT_EQ(child.looks(), 0);
  child.may_have_work_ = true;
  child.tick();
  EXPECT_TRUE(child.until([&] { return begun_ == 1; }));
}

TEST_F(BackgroundTest, RunsUntilTheChildStops) {
  coroutine = [this](Background& background) -> Task<> {
    ++begun_;
    try {
      for (;;) {
        co_await background.sleep_for(1s);
        seen_.push_back("tick");
      }
    } catch (const StoppedException&) {
      seen_.push_back(background.stop_token().stop_requested() ? "stopped" : "not asked");
      throw;
    }
  };
  Child child(&channels_);
  child.start(handler(per_child_));
  ASSERT_TRUE(child.until([&] { return begun_ == 1; }));
  child.loop_.advance(3500ms);
  EXPECT_THAT(seen_, ElementsAre("tick", "tick", "tick"));
  child.stop();
  EXPECT_THAT(seen_, ElementsAre("tick", "tick", "tick", "stopped"));
  EXPECT_TRUE(child.has_ended());
  child.loop_.advance(10s);
  EXPECT_EQ(begun_, 1);
  EXPECT_THAT(child.log(), IsEmpty());
}

TEST_F(BackgroundTest, BeginsAgainAfterGrowingPauses) {
  std::vector<int> times;
  Child child(&channels_);
  const auto from = child.loop_.now();
  coroutine = [&](Background&) -> Task<> {
    times.push_back(static_cast<int>((child.loop_.now() - from) / 1s));
    throw std::runtime_error("no database");
    co_return;
  };
  child.start(handler(per_child_));
  ASSERT_TRUE(child.until([&] { return times.size() == 1; }));
  child.loop_.advance(200s);
  EXPECT_THAT(times, ElementsAre(0, 1, 3, 7, 15, 31, 63, 123, 183));
  const auto log = child.log();
  ASSERT_THAT(log, SizeIs(times.size()));
  EXPECT_EQ(log[0],
            "x_wsh.so: web_socket_once_per_child raised an exception: no database; it is begun "
            "again in 1 s");
  EXPECT_THAT(log[7], HasSubstr("in 60 s"));
}

TEST_F(BackgroundTest, WhoHasRunForAMinuteBeginsAgainSoon) {
  coroutine = [this](Background& background) -> Task<> {
    ++begun_;
    co_await background.sleep_for(begun_ > 4 ? 61s : 0s);
    throw 76;
  };
  Child child(&channels_);
  child.start(handler(per_child_));
  ASSERT_TRUE(child.until([&] { return begun_ == 1; }));
  child.loop_.advance(90s);
  ASSERT_THAT(child.log(), SizeIs(5));
  EXPECT_THAT(child.log()[3], HasSubstr("again in 8 s"));
  EXPECT_THAT(child.log()[4], HasSubstr("again in 1 s"));
}

TEST_F(BackgroundTest, HasDoneItsWorkWhenItReturns) {
  coroutine = [this](Background& background) -> Task<> {
    ++begun_;
    background.log(LogLevel::notice, "done");
    co_return;
  };
  Child child(&channels_);
  child.start(handler(per_child_));
  ASSERT_TRUE(child.until([&] { return begun_ == 1; }));
  child.loop_.advance(100s);
  EXPECT_EQ(begun_, 1);
  EXPECT_THAT(child.log(), ElementsAre("x_wsh.so: done"));
}

TEST_F(BackgroundTest, OneChildHasTheWorkOfTheWholeHttpd) {
  coroutine = [this](Background& background) -> Task<> {
    ++begun_;
    co_await background.sleep_for(1h);
  };
  Child first(&channels_), second(&channels_);
  first.start(handler(per_httpd_));
  ASSERT_TRUE(first.until([&] { return begun_ == 1; }));
  second.start(handler(per_httpd_));
  for (int i = 0; i < 5; ++i) second.tick();
  EXPECT_EQ(begun_, 1);
  first.stop();
  ASSERT_TRUE(first.has_ended());
  second.tick();
  EXPECT_TRUE(second.until([&] { return begun_ == 2; }));
}

TEST_F(BackgroundTest, WhoHasReturnedKeepsTheLead) {
  coroutine = [this](Background&) -> Task<> {
    ++begun_;
    co_return;
  };
  Child first(&channels_), second(&channels_);
  first.start(handler(per_httpd_));
  ASSERT_TRUE(first.until([&] { return begun_ == 1; }));
  second.start(handler(per_httpd_));
  for (int i = 0; i < 3; ++i) second.tick();
  EXPECT_EQ(begun_, 1);
}

TEST_F(BackgroundTest, ANewVersionBeginsWhenTheFormerHasEnded) {
  std::binary_semaphore go_on{0};
  coroutine = [&](Background& background) -> Task<> {
    const int number = ++begun_;
    seen_.push_back(std::to_string(number) + " begins");
    if (number == 1)
      co_await background.run_blocking([&] { go_on.acquire(); });  // cannot be interrupted
    try {
      co_await background.sleep_for(1h);
    } catch (const StoppedException&) {
      seen_.push_back(std::to_string(number) + " ends");
      throw;
    }
  };
  Child child(&channels_);
  child.start(handler(per_httpd_));
  ASSERT_TRUE(child.until([&] { return begun_ == 1; }));
  const auto second = handler(per_httpd_);
  child.put(second);
  for (int i = 0; i < 5; ++i) child.tick();
  EXPECT_THAT(seen_, ElementsAre("1 begins"));
  go_on.release();
  ASSERT_TRUE(child.until([&] { return begun_ == 2; }));
  EXPECT_THAT(seen_, ElementsAre("1 begins", "1 ends", "2 begins"));
  EXPECT_GT(second.use_count(), 1);
}

TEST_F(BackgroundTest, EndsWithItsFileWhichIsNotKeptThen) {
  bool has_ended = false;
  coroutine = [&](Background& background) -> Task<> {
    ++begun_;
    try {
      co_await background.sleep_for(1h);
    } catch (const StoppedException&) {
      has_ended = true;
      throw;
    }
  };
  Child child(&channels_);
  std::weak_ptr<const Handler> kept;
  {
    const auto made = handler(per_child_);
    kept = made;
    child.start(made);
  }
  ASSERT_TRUE(child.until([&] { return begun_ == 1; }));
  child.put(nullptr);
  child.tick();
  EXPECT_TRUE(child.until([&] { return has_ended && kept.expired(); }));
}

TEST_F(BackgroundTest, ABlockingOneHasAThreadAndIsWokenAtTheEnd) {
  std::atomic<bool> is_elsewhere = false, is_stopped = false;
  blocking = [&, here = std::this_thread::get_id()](BlockingBackground& background) {
    is_elsewhere = std::this_thread::get_id() != here;
    try {
      background.sleep_for(1h);
    } catch (const StoppedException&) {
      is_stopped = background.stop_token().stop_requested();
      throw;
    }
  };
  Child child(&channels_);
  child.start(handler(blocking_));
  ASSERT_TRUE(child.until([&] { return is_elsewhere.load(); }));
  child.stop();
  EXPECT_TRUE(child.has_ended());
  EXPECT_TRUE(is_stopped);
  EXPECT_THAT(child.log(), IsEmpty());
}

TEST_F(BackgroundTest, ABlockingOnesExceptionIsLoggedAndItBeginsAgain) {
  std::atomic<int> begun = 0;
  blocking = [&](BlockingBackground& background) {
    if (++begun == 1) throw std::runtime_error("at first");
    background.sleep_for(1h);
  };
  Child child(&channels_);
  child.start(handler(blocking_));
  ASSERT_TRUE(child.until([&] { return !child.log().empty(); }));
  EXPECT_THAT(child.log(), ElementsAre(HasSubstr("at first; it is begun again in 1 s")));
  child.tick();
  child.tick();
  EXPECT_TRUE(child.until([&] { return begun == 2; }));
}

TEST_F(BackgroundTest, WhatItRaisesAtTheEndIsLogged) {
  coroutine = [this](Background& background) -> Task<> {
    ++begun_;
    try {
      co_await background.sleep_for(1h);
    } catch (const StoppedException&) {
    }
    throw std::runtime_error("could not say goodbye");
  };
  Child child(&channels_);
  child.start(handler(per_child_));
  ASSERT_TRUE(child.until([&] { return begun_ == 1; }));
  child.stop();
  EXPECT_THAT(child.log(),
              ElementsAre("x_wsh.so: web_socket_once_per_child raised an exception: could "
                          "not say goodbye"));
}

TEST_F(BackgroundTest, OperationsFromOutsideAreCancelledAndWaitedFor) {
  struct Outside : detail::OutsideOperation {
    explicit Outside(Background& given)
        : OutsideOperation([](OutsideOperation& operation) noexcept {
            static_cast<Outside&>(operation).is_cancelled = true;
          }),
          background(given) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> coroutine) {
      waiting = coroutine;
      background.begin(*this);
    }
    void await_resume() { rethrow_error(); }
    Background& background;
    bool is_cancelled = false;
  };
  Outside* outside = nullptr;
  coroutine = [&](Background& background) -> Task<> {
    Outside mine(background);
    outside = &mine;
    co_await mine;
    seen_.push_back("completed");
    co_await mine;
  };
  Child child(&channels_);
  child.start(handler(per_child_));
  ASSERT_TRUE(child.until([&] { return outside; }));
  std::thread([&] { outside->complete(); }).join();
  ASSERT_TRUE(child.until([&] { return !seen_.empty(); }));
  child.stop();
  EXPECT_TRUE(outside->is_cancelled);
  child.loop_.advance(10s);
  outside->complete();
  EXPECT_TRUE(child.has_ended());
  EXPECT_THAT(seen_, ElementsAre("completed"));
  EXPECT_THAT(child.log(), IsEmpty());
}

}  // namespace
}  // namespace cppwebsocket::testing
