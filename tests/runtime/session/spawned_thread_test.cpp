// Which threads of a blocking handler have ended when.
#include <gmock/gmock.h>

#include <atomic>
#include <semaphore>
#include <thread>

#include <cppwebsocket/message_threads.hpp>

#include "runtime/support/session_fixture.hpp"
#include "runtime/support/threads.hpp"

namespace cppwebsocket::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

// What a thread refers to. It says so if it is used when it has gone.
class Local {
 public:
  explicit Local(std::atomic<bool>& misused) : misused_(misused) {}
  ~Local() { gone_ = true; }
  void use() const {
    if (gone_) misused_ = true;
  }

 private:
  std::atomic<bool>& misused_;
  std::atomic<bool> gone_ = false;
};

class SpawnedThreads : public SessionFixture, protected Notes {
 protected:
  [[nodiscard]] bool turn_until_gone(Connection& connection) {
    return loop_.run_until([&] { return connection.gone.load(); });
  }
  template <typename Function>
  void note_end(std::string who, Function function) {
    try {
      function();
      note(who + " goes on");
    } catch (const ConnectionTerminatedException&) {
      note(who + " ended");
    }
  }
  std::function<void(std::stop_token)> sleeper(BlockingRequest& request, std::string name) {
    return [this, &request, name](std::stop_token) { note_end(name, [&] { request.sleep_for(1h); }); };
  }
};

TEST_F(SpawnedThreads, EndBeforeWhatIsDeclaredBeforeThem) {
  std::atomic<bool> misused = false, returned = false;
  Connection& connection = open_blocking([&](BlockingRequest& request) {
    {
      const Local local(misused);
      std::counting_semaphore<> running(0);
      SpawnedThread thread(request, [&](std::stop_token stop) {
        running.release();
        while (!stop.stop_requested()) local.use();
        local.use();
        note("ended");
      });
      running.acquire();
    }
    note("scope left");
    EXPECT_FALSE(request.stop_token().stop_requested());
    returned = true;
    msgutil::receive_message(request);  // the connection goes on
  });
  ASSERT_TRUE(loop_.run_until([&] { return returned.load(); }));
  EXPECT_THAT(seen(), ElementsAre("ended", "scope left"));
  EXPECT_FALSE(misused);
  EXPECT_FALSE(connection.gone);
}

TEST_F(SpawnedThreads, EveryWaitOfTheirsRaises) {
  std::binary_semaphore may_begin(0);
  std::atomic<int> begun = 0;
  Script script;
  script.limits.send_buffer_size = 1;
  script.blocking_transfer = [&](BlockingRequest& request) {
    may_begin.acquire();
    {
      SpawnedThread receiver(request, [&](std::stop_token) {
        ++begun;
        note_end("receive", [&] { msgutil::receive_message(request); });
        note_end("next receive", [&] { msgutil::receive_message(request); });
      });
      SpawnedThread sleeper(request, [&](std::stop_token) {
        ++begun;
        note_end("sleep", [&] { request.sleep_for(1h); });
      });
      SpawnedThread sender(request, [&](std::stop_token) {
        ++begun;
        note_end("send", [&] {
          for (;;) msgutil::send_message(request, "12");
        });
        note_end("spawn", [&] { request.spawn([](std::stop_token) {}); });
      });
      while (begun != 3) std::this_thread::yield();
    }
    note("scope left");
  };
  Connection& connection = open(std::move(script));
  connection.peer->capacity = 0;
  may_begin.release();
  ASSERT_TRUE(loop_.run_until([&] { return seen().size() == 6; }));
  EXPECT_THAT(seen(), ElementsAre("send ended", "spawn ended", "sleep ended", "receive ended",
                                  "next receive ended", "scope left"));
  lose(connection);
}

TEST_F(SpawnedThreads, EndWithThoseThatTheyHaveSpawned) {
  std::counting_semaphore<> running(0);
  Connection& connection = open_blocking([&](BlockingRequest& request) {
    request.spawn(sleeper(request, "other"));
    {
      SpawnedThread parent(request, [&](std::stop_token) {
        request.spawn([&](std::stop_token) {
          request.spawn([&](std::stop_token) {
            running.release();
            note_end("grandchild", [&] { request.sleep_for(1h); });
          });
          note_end("child", [&] { request.sleep_for(1h); });
        });
      });  // and ends before its children
      running.acquire();
    }
    note("scope left");
    msgutil::receive_message(request);
  });
  ASSERT_TRUE(loop_.run_until([&] { return seen().size() >= 3; }));
  const Words words = seen();
  EXPECT_THAT(words, ::testing::UnorderedElementsAre("child ended", "grandchild ended", "scope left"));
  EXPECT_EQ(words.back(), "scope left");
  lose(connection);
  ASSERT_TRUE(turn_until_gone(connection));
  EXPECT_EQ(seen().back(), "other ended");
}

TEST_F(SpawnedThreads, OfAThreadEndInItsScope) {
  Connection& connection = open_blocking([&](BlockingRequest& request) {
    request.spawn([&](std::stop_token) {
      SpawnedThread inner(request, sleeper(request, "inner"));
      note("outer");
    });
    msgutil::receive_message(request);
  });
  ASSERT_TRUE(loop_.run_until([&] { return seen().size() == 2; }));
  EXPECT_THAT(seen(), ::testing::UnorderedElementsAre("outer", "inner ended"));
  lose(connection);
}

TEST_F(SpawnedThreads, EndWhenAnExceptionLeavesTheScope) {
  std::atomic<bool> misused = false;
  Connection& connection = open_blocking([&](BlockingRequest& request) {
    const Local local(misused);
    SpawnedThread thread(request, [&](std::stop_token stop) {
      while (!stop.stop_requested()) local.use();
      note("ended");
    });
    throw UnsupportedFrameException("not this");
  });
  ASSERT_TRUE(loop_.run_until([&] { return !connection.peer->output.empty(); }));
  EXPECT_THAT(connection.take_words(), ElementsAre("close:1003"));
  EXPECT_THAT(seen(), ElementsAre("ended"));
  EXPECT_FALSE(misused);
}

TEST_F(SpawnedThreads, HearOfTheConnectionsEndToo) {
  std::binary_semaphore running(0), stopped(0);
  Connection& connection = open_blocking([&](BlockingRequest& request) {
    SpawnedThread thread(request, [&](std::stop_token stop) {
      EXPECT_EQ(stop, request.stop_token());
      const std::stop_callback told(stop, [&] { stopped.release(); });
      running.release();
      stopped.acquire();
      note("ended");
    });
    msgutil::receive_message(request);
  });
  running.acquire();
  receive(connection, client_close());
  ASSERT_TRUE(loop_.run_until([&] { return seen().size() == 1; }));
  lose(connection);
}

TEST_F(SpawnedThreads, DoNoWrongByAnythingOnceAnotherHasClosed) {
  Connection& connection = open_blocking([&](BlockingRequest& request) {
    std::binary_semaphore closed(0);
    SpawnedThread thread(request, [&](std::stop_token stop) {
      while (!stop.stop_requested()) std::this_thread::yield();
      note_end("send", [&] { msgutil::send_message(request, "too late"); });
      closed.release();
    });
    msgutil::close_connection(request, close_code::going_away);
    closed.acquire();
    try {
      msgutil::send_message(request, "too late");
    } catch (const BadOperationException&) {
      note("who has closed is wrong");
    }
  });
  ASSERT_TRUE(loop_.run_until([&] { return seen().size() == 2; }));
  EXPECT_THAT(seen(), ElementsAre("send ended", "who has closed is wrong"));
  EXPECT_THAT(log_.lines(), ElementsAre());
  lose(connection);
}

TEST_F(SpawnedThreads, AReceiversFunctionMayUseWhatIsDeclaredBeforeIt) {
  std::atomic<bool> misused = false;
  Connection& connection = open_blocking([&](BlockingRequest& request) {
    const Local local(misused);
    std::binary_semaphore got(0);
    msgutil::MessageReceiver receiver(request, [&](Message message) {
      local.use();
      note(message.payload());
      got.release();
    });
    got.acquire();
  });  // while the client goes on
  receive(connection, client_text("1"));
  ASSERT_TRUE(loop_.run_until([&] { return !connection.peer->output.empty(); }));
  receive(connection, client_text("2"));
  EXPECT_THAT(connection.take_words(), ElementsAre("close:1000"));
  EXPECT_THAT(seen(), ElementsAre("1"));
  EXPECT_FALSE(misused);
}

TEST_F(SpawnedThreads, AReceiverThatWasTooSlowStillHearsOfTheEnd) {
  std::atomic<bool> lost = false;
  Connection& connection = open_blocking([&](BlockingRequest& request) {
    msgutil::MessageReceiver receiver(request);
    while (!lost) std::this_thread::yield();
    try {
      for (int i = 0;; ++i)
        if (!receiver.receive()) return;
    } catch (const ConnectionTerminatedException&) {
      note("terminated");
    }
  });
  std::string many;
  for (int i = 0; i < 400; ++i) many += client_text("x");
  receive(connection, many);
  lose(connection);
  lost = true;
  ASSERT_TRUE(turn_until_gone(connection));
  EXPECT_THAT(seen(), ElementsAre("terminated"));
}

}  // namespace
}  // namespace cppwebsocket::testing
