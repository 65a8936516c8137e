// A runtime whose event threads a handler holds up: who was given to them, and who comes.
#include "runtime/runtime.hpp"

#include <gmock/gmock.h>

#include <semaphore>
#include <thread>

#include "runtime/support/session_fixture.hpp"
#include "runtime/support/socket_client.hpp"
#include "runtime/support/threads.hpp"

namespace cppwebsocket::testing {
namespace {

using namespace std::chrono_literals;
using runtime::WatchNews;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class StalledRuntime : public ::testing::Test, protected Notes {
 protected:
  // A connection that has got its 101 and whose reactor does not know of it yet.
  struct Opened {
    std::unique_ptr<runtime::Session> session;
    SocketClient client;
  };

  void start(std::size_t reactors, std::size_t blocking_threads = 8) {
    runtime_.emplace(runtime::RuntimeOptions{.reactor_threads = reactors, .blocking_threads = blocking_threads});
    runtime::WatchdogOptions options;
    options.warning = 100ms;
    options.timeout = 0ms;
    options.tell = [this](WatchNews news, std::string_view text) {
      note((news == WatchNews::stalled ? "stalled: " : news == WatchNews::goes_on ? "goes on: " : "threads: ") +
           std::string(text));
    };
    runtime_->watch(std::move(options));
  }
  std::optional<Opened> open(Script script) {
    Connection& connection = connections_.emplace_back();
    connection.script = std::move(script);
    auto session = runtime_->make_session(make_record(connection, log_), make_handler(connection), why_not_);
    if (!session) return std::nullopt;
    std::optional<Opened> opened(std::in_place);
    open_session(connection, *session, opened->client.transport());
    opened->session = std::move(session);
    return opened;
  }
  // Holds the thread of its reactor until go_on_.
  Script holds_up() {
    return {.transfer = [this](Request&) -> Task<> {
      held_.release();
      go_on_.acquire();
      co_return;
    }};
  }
  void TearDown() override { go_on_.release(8); }

  LogKeeper log_;
  std::deque<Connection> connections_;
  std::string_view why_not_;
  std::counting_semaphore<> held_{0}, go_on_{0};
  std::optional<runtime::Runtime> runtime_;
};

TEST_F(StalledRuntime, WhoWasGivenToAThreadThatIsHeldUpIsServedByAnother) {
  start(2);
  auto harmful = open(holds_up());
  std::vector<Opened> others;
  for (int i = 0; i < 4; ++i) others.push_back(std::move(*open({.transfer = echo})));  // two of them for it
  runtime_->hand_over(std::move(harmful->session));
  held_.acquire();
  for (auto& [session, client] : others) {
    runtime_->hand_over(std::move(session));
    client.send(client_text("here"));
  }
  for (auto& [session, client] : others) EXPECT_THAT(words(client.receive(6)), ElementsAre("text:here"));
  EXPECT_TRUE(eventually([&] { return seen().size() == 1; }));
  EXPECT_THAT(seen()[0], HasSubstr("stalled: an event thread has been held up for 0."));
  go_on_.release();
  EXPECT_TRUE(eventually([&] { return seen().size() == 2; }));
  EXPECT_THAT(seen()[1], HasSubstr("goes on: "));
}

TEST_F(StalledRuntime, WhoComesGoesToAnotherThread) {
  start(2);
  auto harmful = open(holds_up());
  runtime_->hand_over(std::move(harmful->session));
  held_.acquire();
  std::this_thread::sleep_for(30ms);  // a round that takes so long is to be avoided, known as a stall or not
  for (int i = 0; i < 4; ++i) {
    auto other = open({.transfer = echo});
    runtime_->hand_over(std::move(other->session));
    other->client.send(client_text("here"));
    EXPECT_THAT(words(other->client.receive(6)), ElementsAre("text:here"));
  }
}

TEST_F(StalledRuntime, WithoutAnotherThreadTheyAreSentAway) {
  start(1);
  auto harmful = open(holds_up());
  auto early = open({.transfer = echo});
  runtime_->hand_over(std::move(harmful->session));
  held_.acquire();
  runtime_->hand_over(std::move(early->session));
  EXPECT_EQ(words(early->client.receive_all()), Words{"close:1013 this server is busy"});
  EXPECT_FALSE(open({.transfer = echo}));
  EXPECT_THAT(std::string(why_not_), HasSubstr("held up"));
  EXPECT_EQ(runtime_->connections(), 1u);
  EXPECT_EQ(runtime_->first_reactor().watched().stalls(), 1u);
  EXPECT_TRUE(runtime_->first_reactor().watched().is_stalled());
  go_on_.release();
  EXPECT_TRUE(eventually([&] { return !runtime_->first_reactor().watched().is_stalled(); }));
  EXPECT_TRUE(open({.transfer = echo}));
}

TEST_F(StalledRuntime, ThreadsOfBlockingHandlersThatAreAllTakenAreToldOfOnce) {
  start(1, 2);
  std::vector<Opened> taken;
  for (int i = 0; i < 2; ++i) {
    taken.push_back(std::move(*open({.blocking_transfer = blocking_echo})));
    runtime_->hand_over(std::move(taken.back().session));
  }
  EXPECT_TRUE(eventually([&] { return seen().size() == 1; }));
  EXPECT_THAT(seen()[0], HasSubstr("threads: all 2 threads"));
  EXPECT_THAT(seen()[0], HasSubstr("handler test_wsh.so holds 2"));
  std::this_thread::sleep_for(300ms);
  EXPECT_EQ(seen().size(), 1u);
}

TEST_F(StalledRuntime, ARetiringOneTakesNobodyAndTellsEveryone) {
  start(2);
  auto client = open({.transfer = echo});
  runtime_->hand_over(std::move(client->session));
  client->client.send(client_text("here"));
  client->client.receive(6);
  runtime_->retire();
  EXPECT_FALSE(open({.transfer = echo}));
  EXPECT_EQ(words(client->client.receive(4)), Words{"close:1001"});
}

}  // namespace
}  // namespace cppwebsocket::testing
