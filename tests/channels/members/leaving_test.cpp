// Leaving: whoever waits is told, and what a spawned task or thread may use is there or raises.
#include <gmock/gmock.h>

#include <atomic>
#include <functional>
#include <optional>
#include <semaphore>
#include <thread>

#include <cppwebsocket/wait.hpp>

#include "channels/support/channel_fixture.hpp"
#include "runtime/support/no_memory.hpp"
#include "runtime/support/threads.hpp"

namespace cppwebsocket::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

JoinOptions receiving() {
  JoinOptions options;
  options.receive = true;
  return options;
}

class Leaving : public ChannelFixture, public Notes {
 public:
  [[nodiscard]] bool turn_until_seen(std::size_t count) {
    return loop_.run_until([&] { return seen().size() >= count; });
  }
  template <typename Function>
  void note_outcome(Function function) {
    try {
      function();
      note("nothing raised");
    } catch (const BadOperationException&) {
      note("BadOperation");
    } catch (const ConnectionTerminatedException&) {
      note("ConnectionTerminated");
    }
  }

  // A blocking handler that has joined "chat", with a membership that is not its own.
  Connection& open_and_keep(std::optional<BlockingMembership>& kept) {
    Connection& connection = open_blocking([&](BlockingRequest& request) {
      kept.emplace(Channel::named("chat").join(request, receiving()));
      note("joined");
      msgutil::receive_message(request);
    });
    EXPECT_TRUE(turn_until_seen(1));
    return connection;
  }

  // A task that tells what it gets.
  Task<> show(Membership& room) {
    try {
      while (auto next = co_await room.receive()) note(next->message.payload());
      note("no more");
    } catch (const ConnectionTerminatedException&) {
      note("terminated");
    }
  }
  void show(BlockingMembership& room) {
    try {
      while (auto next = room.receive()) note(next->message.payload());
      note("no more");
    } catch (const ConnectionTerminatedException&) {
      note("terminated");
    }
  }
};

// Never answers.
struct Mute final : channels::Uplink {
  bool gives_numbers() const noexcept override { return true; }
  PublishResult publish(std::string_view, channels::HistoryBound, Message&&, std::string_view) override {
    return {};
  }
  void in_use(std::string_view, bool) override {}
  bool recover(std::string_view, std::optional<Position>,
               std::function<void(channels::StoredHistory&&)>) override {
    return true;
  }
  bool when_current(std::string_view, std::function<void()>) override { return false; }
  bool read(std::string_view, std::optional<Position>, std::size_t,
            std::function<void(channels::StoredHistory&&)>) override {
    return false;
  }
  bool knows_all(std::string_view) override { return true; }
  void control(std::string_view, const Message&) override {}
};

// --- coroutines -------------------------------------------------------------------------------------

TEST_F(Leaving, WakesTheTaskThatReceives) {
  open([&](Request& request) -> Task<> {
    auto room = Channel::named("chat").join(request, receiving());
    request.spawn(show(room));
    room.leave();
    note("left");
    note_outcome([&] { room.publish("x"); });
    note_outcome([&] { room.name(); });
    EXPECT_FALSE(co_await room.receive());
    EXPECT_FALSE(room.try_receive());
    room.leave();
    co_await msgutil::receive_message(request);
  });
  EXPECT_THAT(seen(), ElementsAre("no more", "left", "BadOperation", "BadOperation"));
  EXPECT_EQ(hub_.local_members("chat"), 0u);
}

TEST_F(Leaving, AtTheEndOfAnInnerScopeWakesTheTask) {
  open([&](Request& request) -> Task<> {
    {
      auto room = Channel::named("chat").join(request, receiving());
      request.spawn(show(room));
    }
    note("scope left");
    co_await msgutil::receive_message(request);
  });
  EXPECT_THAT(seen(), ElementsAre("no more", "scope left"));
}

TEST_F(Leaving, MayEndTheTaskThatOwnsTheMembership) {
  Membership* shared = nullptr;
  const auto own = [](Leaving& test, Membership room, Membership*& place) -> Task<> {
    place = &room;
    co_await test.show(room);
  };
  open([&](Request& request) -> Task<> {
    request.spawn(own(*this, Channel::named("chat").join(request, receiving()), shared));
    shared->leave();
    note("left");
    co_await msgutil::receive_message(request);
  });
  EXPECT_THAT(seen(), ElementsAre("no more", "left"));
}

TEST_F(Leaving, WakesWhoWaitsForTheRecovery) {
  hub_.set_uplink(std::make_unique<Mute>());
  const auto recover = [](Leaving& test, Membership& room) -> Task<> {
    try {
      co_await room.recovery();
    } catch (const BadOperationException&) {
      test.note("no recovery");
    }
  };
  open([&](Request& request) -> Task<> {
    JoinOptions options = receiving();
    options.resume = Position{1, 1};
    auto room = Channel::named("chat").join(request, options);
    request.spawn(recover(*this, room));
    request.spawn(show(room));
    room.leave();
    note("left");
    co_await msgutil::receive_message(request);
  });
  EXPECT_THAT(seen(), ElementsAre("no recovery", "no more", "left"));
}

// The first that is told ends the connection, which tells the second.
TEST_F(Leaving, TellsEachWaitOnce) {
  hub_.set_uplink(std::make_unique<Mute>());
  const auto recover = [](Request& request, Membership& room) -> Task<> {
    bool raised = false;
    try {
      co_await room.recovery();
    } catch (const BadOperationException&) {
      raised = true;
    }
    if (raised) co_await msgutil::close_connection(request, close_code::going_away);
  };
  Connection& connection = open([&](Request& request) -> Task<> {
    JoinOptions options = receiving();
    options.resume = Position{1, 1};
    auto room = Channel::named("chat").join(request, options);
    request.spawn(recover(request, room));
    request.spawn(show(room));
    room.leave();
    note("left");
    co_return;
  });
  EXPECT_THAT(seen(), ElementsAre("terminated", "left"));
  EXPECT_THAT(connection.take_words(), ElementsAre("close:1001"));
}

TEST_F(Leaving, ReturningWhileATaskReceivesByReference) {
  Connection& connection = open([&](Request& request) -> Task<> {
    auto room = Channel::named("chat").join(request, receiving());
    request.spawn(show(room));
    co_await msgutil::receive_message(request);
  });
  publish("chat", "1");
  receive(connection, client_text("return"));
  EXPECT_THAT(seen(), ElementsAre("1", "no more"));
  EXPECT_EQ(hub_.local_members("chat"), 0u);
}

// --- threads ----------------------------------------------------------------------------------------

// The function returns, for whatever reason, while a thread of request.spawn() uses the membership.
TEST_F(Leaving, EndsTheThreadsThatWereSpawnedSince) {
  for (const char* how : {"return", "raise", "close", "vanish"}) {
    std::atomic<int> running = 0;
    std::atomic<bool> other_ended = false;
    Connection& connection = open_blocking([&](BlockingRequest& request) {
      request.spawn([&](std::stop_token) {
        ++running;
        try {
          request.sleep_for(1h);
        } catch (const ConnectionTerminatedException&) {
          other_ended = true;
        }
      });
      while (running != 1) std::this_thread::yield();
      auto room = Channel::named("chat").join(request, receiving());
      request.spawn([&](std::stop_token stop) {
        ++running;
        while (!stop.stop_requested()) room.publish("x");
        room.publish("still there");
        show(room);
      });
      request.spawn([&](std::stop_token) {
        ++running;
        while (room.receive()) {
        }
      });
      while (running != 3) std::this_thread::yield();
      const auto message = msgutil::receive_message(request);
      if (message && message->text() == "raise") throw UnsupportedFrameException("raised");
    });
    ASSERT_TRUE(loop_.run_until([&] { return running == 3; })) << how;
    if (how == std::string("close"))
      receive(connection, client_close());
    else if (how == std::string("vanish"))
      lose(connection);
    else
      receive(connection, client_text(how));
    lose(connection);
    ASSERT_TRUE(loop_.run_until([&] {
      source_->run();
      return connection.gone.load();
    })) << how;
    EXPECT_TRUE(other_ended) << how;
    EXPECT_EQ(hub_.local_members("chat"), 0u) << how;
  }
}

TEST_F(Leaving, InAnInnerScopeLeavesOtherThreadsAlone) {
  std::atomic<bool> running = false;
  Connection& connection = open_blocking([&](BlockingRequest& request) {
    request.spawn([&](std::stop_token) {
      running = true;
      note_outcome([&] { request.sleep_for(1h); });
    });
    while (!running) std::this_thread::yield();
    {
      auto room = Channel::named("chat").join(request, receiving());
      request.spawn([&](std::stop_token) { show(room); });
    }
    note("scope left");
    msgutil::receive_message(request);
  });
  ASSERT_TRUE(turn_until_seen(2));
  EXPECT_THAT(seen(), ElementsAre("terminated", "scope left"));
  lose(connection);
  ASSERT_TRUE(turn_until_seen(3));
}

TEST_F(Leaving, LeavesSpawnedThreadsToTheirScopes) {
  Connection& connection = open_blocking([&](BlockingRequest& request) {
    std::binary_semaphore running(0);
    auto room = std::make_unique<BlockingMembership>(Channel::named("chat").join(request, receiving()));
    SpawnedThread thread(request, [&](std::stop_token) {
      running.release();
      note_outcome([&] { request.sleep_for(1h); });
    });
    running.acquire();
    room.reset();
    note("left");
  });
  ASSERT_TRUE(turn_until_seen(2));
  EXPECT_THAT(seen(), ElementsAre("left", "ConnectionTerminated"));
  lose(connection);
}

// To have left is not to have ended who uses it.
TEST_F(Leaving, EndsThreadsAlsoOnceItHasLeft) {
  std::atomic<bool> running = false;
  Connection& connection = open_blocking([&](BlockingRequest& request) {
    {
      auto room = Channel::named("chat").join(request, receiving());
      request.spawn([&](std::stop_token stop) {
        running = true;
        while (!stop.stop_requested()) room.try_receive();
        note("ended");
      });
      while (!running) std::this_thread::yield();
      room.leave();
    }
    note("scope left");
    msgutil::receive_message(request);
  });
  ASSERT_TRUE(turn_until_seen(2));
  EXPECT_THAT(seen(), ElementsAre("ended", "scope left"));
  lose(connection);
}

TEST_F(Leaving, ByAssignmentEndsThemToo) {
  Connection& connection = open_blocking([&](BlockingRequest& request) {
    auto room = Channel::named("chat").join(request, receiving());
    request.spawn([&](std::stop_token) { show(room); });
    room = Channel::named("other").join(request, receiving());
    note("in " + room.name());
    room.publish("hello");
    note(room.receive()->message.payload());
    msgutil::receive_message(request);
  });
  ASSERT_TRUE(loop_.run_until([&] {
    source_->run();
    return seen().size() == 3;
  }));
  EXPECT_THAT(seen(), ElementsAre("terminated", "in other", "hello"));
  EXPECT_EQ(hub_.local_members("chat"), 0u);
  lose(connection);
}

TEST_F(Leaving, ExplicitlyWakesThreadsAndLetsThemGoOn) {
  std::atomic<bool> running = false, left = false;
  Connection& connection = open_blocking([&](BlockingRequest& request) {
    auto room = std::make_shared<BlockingMembership>(Channel::named("chat").join(request, receiving()));
    request.spawn([&, room](std::stop_token) {
      running = true;
      show(*room);
      note_outcome([&] { room->publish("x"); });
      left = true;
      note_outcome([&] { request.sleep_for(1h); });
    });
    while (!running) std::this_thread::yield();
    room->leave();
    EXPECT_FALSE(room->receive());
    EXPECT_EQ(room->name(), "chat");
    room.reset();
    msgutil::receive_message(request);
  });
  ASSERT_TRUE(loop_.run_until([&] { return left.load() && hub_.local_members("chat") == 0; }));
  EXPECT_THAT(seen(), ElementsAre("no more", "BadOperation"));
  lose(connection);
  ASSERT_TRUE(turn_until_seen(3));
  EXPECT_EQ(seen().back(), "ConnectionTerminated");
}

// Two threads, each with the last hold of a membership that was joined before the other was spawned:
// neither waits for the other.
TEST_F(Leaving, OnSpawnedThreadsWaitsForNoSibling) {
  std::atomic<int> running = 0, ended = 0;
  Connection& connection = open_blocking([&](BlockingRequest& request) {
    auto one = std::make_shared<BlockingMembership>(Channel::named("1").join(request, receiving()));
    auto two = std::make_shared<BlockingMembership>(Channel::named("2").join(request, receiving()));
    for (auto* each : {&one, &two})
      request.spawn([&running, &ended, room = std::move(*each)](std::stop_token) mutable {
        ++running;
        while (room->receive()) {
        }
        room.reset();
        ++ended;
      });
    msgutil::receive_message(request);
  });
  ASSERT_TRUE(loop_.run_until([&] { return running == 2; }));
  receive(connection, client_close());
  ASSERT_TRUE(loop_.run_until([&] { return ended == 2; }));
  lose(connection);
}

TEST_F(Leaving, EndsAThreadThatWaitsForTheRecovery) {
  hub_.set_uplink(std::make_unique<Mute>());
  std::atomic<bool> running = false;
  Connection& connection = open_blocking([&](BlockingRequest& request) {
    {
      JoinOptions options = receiving();
      options.resume = Position{1, 1};
      auto room = Channel::named("chat").join(request, options);
      request.spawn([&](std::stop_token) {
        running = true;
        note_outcome([&] { room.recovery(); });
      });
      while (!running) std::this_thread::yield();
    }
    note("scope left");
    msgutil::receive_message(request);
  });
  ASSERT_TRUE(turn_until_seen(2));
  EXPECT_THAT(seen(), ElementsAre("ConnectionTerminated", "scope left"));
  lose(connection);
}

TEST_F(Leaving, ARecoveryRaisesWhenTheConnectionEnds) {
  hub_.set_uplink(std::make_unique<Mute>());
  std::atomic<bool> joined = false;
  Connection& connection = open_blocking([&](BlockingRequest& request) {
    JoinOptions options = receiving();
    options.resume = Position{1, 1};
    auto room = Channel::named("chat").join(request, options);
    joined = true;
    note_outcome([&] { room.recovery(); });
  });
  ASSERT_TRUE(loop_.run_until([&] { return joined.load(); }));
  lose(connection);
  ASSERT_TRUE(turn_until_seen(1));
  EXPECT_THAT(seen(), ElementsAre("ConnectionTerminated"));
}

// It outlives its connection and is destroyed by whoever has it.
TEST_F(Leaving, AMembershipThatOutlivesItsConnectionRaises) {
  std::optional<BlockingMembership> kept;
  Connection& connection = open_and_keep(kept);
  receive(connection, client_close());
  lose(connection);
  ASSERT_TRUE(loop_.run_until([&] { return connection.gone.load(); }));
  EXPECT_EQ(hub_.local_members("chat"), 0u);
  note_outcome([&] { kept->publish("x"); });
  EXPECT_FALSE(kept->receive());
  kept->leave();
  note_outcome([&] { kept->publish("x"); });
  kept.reset();
  settle();
  EXPECT_THAT(seen(), ElementsAre("joined", "ConnectionTerminated", "BadOperation"));
}

TEST_F(Leaving, ABlockingHandlersMembershipGoesThoughThereIsNoMemory) {
  std::atomic<bool> left = false;
  Connection& connection = open_blocking([&](BlockingRequest& request) {
    auto room = std::make_optional(Channel::named("chat").join(request, receiving()));
    {
      const NoMemory none;
      room.reset();
    }
    left = true;
    msgutil::receive_message(request);
  });
  ASSERT_TRUE(loop_.run_until([&] { return left && hub_.local_members("chat") == 0; }));
  receive(connection, client_close());
}

TEST_F(Leaving, ABlockingMembershipDoesNotLetAReactorWait) {
  std::optional<BlockingMembership> kept;
  Connection& connection = open_and_keep(kept);
  note_outcome([&] { kept->receive(); });
  receive(connection, client_close());
  lose(connection);
  ASSERT_TRUE(loop_.run_until([&] { return hub_.local_members("chat") == 0; }));
  kept.reset();
  settle();
  EXPECT_THAT(seen(), ElementsAre("joined", "BadOperation"));
}

// --- a receive that is given up ---------------------------------------------------------------------

TEST_F(Leaving, AReceiveThatIsGivenUpHasTakenNothingAndTheNextOneMayWait) {
  open([&](Request& request) -> Task<> {
    auto room = Channel::named("chat").join(request, receiving());
    auto first = co_await when_any(request, room.receive(), request.sleep_for(1s));
    note("index " + std::to_string(first.index()));
    co_await request.sleep_for(1s);
    co_await show(room);
  });
  loop_.advance(1s);
  publish("chat", "while nobody receives");
  loop_.run();
  EXPECT_THAT(seen(), ElementsAre("index 1"));
  loop_.advance(1s);
  publish("chat", "and then");
  loop_.run();
  EXPECT_THAT(seen(), ElementsAre("index 1", "while nobody receives", "and then"));
}

}  // namespace
}  // namespace cppwebsocket::testing
