// The runtime over socket pairs: limits, and the ways to stop. Real threads, real time.
#include "runtime/runtime.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <mutex>
#include <semaphore>
#include <thread>

#include "runtime/support/session_fixture.hpp"
#include "runtime/support/socket_client.hpp"
#include "runtime/support/threads.hpp"

namespace cppwebsocket::testing {
namespace {

using namespace std::chrono_literals;
using runtime::Stop;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Runtime : public ::testing::Test {
 protected:
  void start(const runtime::RuntimeOptions& options) { runtime_.emplace(options); }

  // A connected client, or none and why_not_.
  std::optional<SocketClient> connect(Script script) {
    Connection& connection = connections_.emplace_back();
    connection.script = std::move(script);
    auto session =
        runtime_->make_session(make_record(connection, log_), make_handler(connection), why_not_);
    if (!session) return std::nullopt;
    ids_.push_back(session->id());
    std::optional<SocketClient> client(std::in_place);
    open_session(connection, *session, client->transport());
    runtime_->hand_over(std::move(session));
    return client;
  }

  std::function<void(std::string_view)> keep_reports() {
    return [this](std::string_view text) {
      std::lock_guard lock(mutex_);
      reports_.emplace_back(text);
    };
  }
  std::vector<std::string> reports() {
    std::lock_guard lock(mutex_);
    return reports_;
  }

  LogKeeper log_;
  std::deque<Connection> connections_;
  std::mutex mutex_;
  std::vector<std::string> reports_;  // GUARDED_BY(mutex_)
  std::string_view why_not_;
  std::vector<std::uint64_t> ids_;
  std::counting_semaphore<> go_on_{0};
  std::optional<runtime::Runtime> runtime_;
};

TEST_F(Runtime, CountsItsConnectionsAndRefusesOneTooMany) {
  start({.reactor_threads = 2, .max_connections = 3});
  std::vector<SocketClient> clients;
  for (int i = 0; i < 3; ++i) clients.push_back(*connect({.transfer = echo}));
  EXPECT_EQ(runtime_->connections(), 3u);
  EXPECT_FALSE(connect({.transfer = echo}));
  EXPECT_EQ(why_not_, "WebSocketMaxConnections is reached");
  EXPECT_EQ(runtime_->connections(), 3u);
  clients.pop_back();
  EXPECT_TRUE(eventually([&] { return runtime_->connections() == 2; }));
  clients.push_back(*connect({.transfer = echo}));
  clients.back().send(client_text("here"));
  EXPECT_THAT(words(clients.back().receive(6)), ElementsAre("text:here"));
  clients.clear();
  EXPECT_TRUE(eventually([&] { return runtime_->connections() == 0; }));
}

TEST_F(Runtime, ASessionThatIsNeverOpenedIsCountedOff) {
  start({.max_connections = 1});
  for (int i = 0; i < 5; ++i) {
    Connection& connection = connections_.emplace_back();
    connection.script.transfer = echo;
    auto session =
        runtime_->make_session(make_record(connection, log_), make_handler(connection), why_not_);
    ASSERT_TRUE(session) << why_not_;
    EXPECT_EQ(runtime_->connections(), 1u);
  }
  EXPECT_EQ(runtime_->connections(), 0u);
}

TEST_F(Runtime, RefusesABlockingConnectionTooMany) {
  start({.blocking_threads = 2});
  std::vector<SocketClient> clients;
  for (int i = 0; i < 2; ++i) clients.push_back(*connect({.blocking_transfer = blocking_echo}));
  EXPECT_FALSE(connect({.blocking_transfer = blocking_echo}));
  EXPECT_EQ(why_not_, "WebSocketBlockingThreads is reached");
  EXPECT_TRUE(connect({.transfer = echo}));  // which needs no thread
  clients.pop_back();
  std::optional<SocketClient> next;
  EXPECT_TRUE(eventually([&] {
    next = connect({.blocking_transfer = blocking_echo});
    return next.has_value();
  }));
  next->send(client_text("here"));
  EXPECT_THAT(words(next->receive(6)), ElementsAre("text:here"));
}

TEST_F(Runtime, GivesEachConnectionItsOwnNumber) {
  start({.reactor_threads = 3});
  for (int i = 0; i < 10; ++i) connect({.transfer = echo});
  std::sort(ids_.begin(), ids_.end());
  EXPECT_EQ(std::unique(ids_.begin(), ids_.end()), ids_.end());
}

TEST_F(Runtime, AStopRefusesTheNextAndWaitsForTheRest) {
  start({.reactor_threads = 2});
  auto client = connect({.transfer = echo});
  client->send(client_text("here"));
  client->receive(6);
  runtime_->begin_stop(Stop::at_once);
  EXPECT_FALSE(connect({.transfer = echo}));
  EXPECT_EQ(why_not_, "this child is stopping");
  EXPECT_THAT(words(client->receive(4)), ElementsAre("close:1001"));
  client->close();
  EXPECT_TRUE(runtime_->wait_stopped());
  EXPECT_EQ(runtime_->connections(), 0u);
}

TEST_F(Runtime, ASessionHandedOverAfterTheStopIsToldOfIt) {
  start({.stop = {.close_time = 10s}});
  Connection& connection = connections_.emplace_back();
  connection.script = {.transfer = echo};
  auto session =
      runtime_->make_session(make_record(connection, log_), make_handler(connection), why_not_);
  SocketClient client;
  open_session(connection, *session, client.transport());
  runtime_->begin_stop(Stop::at_once);
  std::thread waiting([&] { EXPECT_TRUE(runtime_->wait_stopped()); });  // there is one to come
  runtime_->hand_over(std::move(session));
  EXPECT_THAT(words(client.receive(4)), ElementsAre("close:1001"));
  client.close();
  waiting.join();
}

TEST_F(Runtime, AStopWaitsForHandlersOnlySoLong) {
  start({.stop = {.close_time = 20ms, .task_time = 10ms}, .report = keep_reports()});
  auto client = connect({.blocking_transfer = [&](BlockingRequest&) { go_on_.acquire(); }});
  runtime_->begin_stop(Stop::at_once);
  EXPECT_TRUE(runtime_->wait_stopped());
  EXPECT_THAT(reports(), ElementsAre(HasSubstr("answered the Close in time: 1"),
                                     HasSubstr("did not end with their connections: 1")));
  go_on_.release();
}

TEST_F(Runtime, AStopDoesNotWaitForAHandlerThatBlocksItsReactor) {
  start({.stop = {.close_time = 20ms, .task_time = 10ms}});
  std::binary_semaphore begun{0};
  auto client = connect({.transfer = [&](Request&) -> Task<> {
    begun.release();
    go_on_.acquire();
    co_return;
  }});
  begun.acquire();
  runtime_->begin_stop(Stop::at_once);
  EXPECT_FALSE(runtime_->wait_stopped());
  go_on_.release();
}

TEST_F(Runtime, AGracefulStopSpreadsTheClosesOverItsTime) {
  start({.reactor_threads = 2, .stop = {.drain_time = 400ms}});
  std::vector<SocketClient> clients;
  for (int i = 0; i < 40; ++i) clients.push_back(*connect({.transfer = echo}));
  const auto begin = std::chrono::steady_clock::now();
  runtime_->begin_stop(Stop::gracefully);
  std::vector<std::chrono::nanoseconds> when;
  std::mutex mutex;
  std::vector<std::thread> threads;
  for (SocketClient& client : clients)
    threads.emplace_back([&] {
      EXPECT_THAT(words(client.receive(4)), ElementsAre("close:1001"));
      client.close();
      std::lock_guard lock(mutex);
      when.push_back(std::chrono::steady_clock::now() - begin);
    });
  EXPECT_TRUE(runtime_->wait_stopped());
  for (std::thread& thread : threads) thread.join();
  std::sort(when.begin(), when.end());
  // Two reactors with twenty each: 20 ms apart, give or take one such step.
  EXPECT_LT(when.front(), 200ms);
  EXPECT_GT(when[20], 150ms);
  EXPECT_GT(when.back(), 340ms);
}

TEST_F(Runtime, AGracefulStopMayServeOnUntilItsEnd) {
  start({.stop = {.drain_time = 300ms, .keep_serving = true}});
  auto client = connect({.transfer = echo});
  const auto begin = std::chrono::steady_clock::now();
  runtime_->begin_stop(Stop::gracefully);
  auto during = connect({.transfer = echo});
  ASSERT_TRUE(during) << why_not_;
  for (SocketClient* each : {&*client, &*during}) {
    each->send(client_text("here"));
    EXPECT_THAT(words(each->receive(6)), ElementsAre("text:here"));
  }
  EXPECT_THAT(words(client->receive(4)), ElementsAre("close:1001"));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 269ms);
  EXPECT_THAT(words(during->receive(4)), ElementsAre("close:1001"));
  client->close();
  during->close();
  EXPECT_TRUE(runtime_->wait_stopped());
}

TEST_F(Runtime, AGracefulStopEndsWithItsLastConnection) {
  start({.stop = {.drain_time = 1h, .keep_serving = true}});
  auto client = connect({.transfer = echo});
  runtime_->begin_stop(Stop::gracefully);
  client->close();
  EXPECT_TRUE(runtime_->wait_stopped());
  EXPECT_FALSE(connect({.transfer = echo}));
  EXPECT_EQ(why_not_, "this child is stopping");
}

TEST_F(Runtime, AStopAtOnceCutsAGracefulOneShort) {
  start({.reactor_threads = 2, .stop = {.drain_time = 1h, .keep_serving = true}});
  auto client = connect({.transfer = echo});
  auto other = connect({.transfer = echo});
  runtime_->begin_stop(Stop::gracefully);
  std::thread waiting([&] { EXPECT_TRUE(runtime_->wait_stopped()); });
  client->send(client_text("here"));
  EXPECT_THAT(words(client->receive(6)), ElementsAre("text:here"));
  runtime_->begin_stop(Stop::at_once);
  runtime_->begin_stop(Stop::gracefully);  // changes nothing any more
  for (SocketClient* each : {&*client, &*other}) {
    EXPECT_THAT(words(each->receive(4)), ElementsAre("close:1001"));
    each->close();
  }
  waiting.join();
}

TEST_F(Runtime, AChildThatDrainsMakesRoomWhenItsPlaceIsNeeded) {
  std::atomic<bool> needed = false;
  std::atomic<int> asked = 0;
  start({.reactor_threads = 2,
         .stop = {.drain_time = 1h, .keep_serving = true},
         .place_is_needed = [&] {
           ++asked;
           return needed.load();
         }});
  auto client = connect({.transfer = echo});
  auto other = connect({.transfer = echo});
  EXPECT_EQ(asked, 0) << "it does not drain yet";
  runtime_->begin_stop(Stop::gracefully);
  EXPECT_TRUE(eventually([&] { return asked >= 4; }));  // two reactors, each again and again
  client->send(client_text("here"));
  EXPECT_THAT(words(client->receive(6)), ElementsAre("text:here"));
  EXPECT_EQ(runtime_->stop(), Stop::gracefully);
  needed = true;
  for (SocketClient* each : {&*client, &*other}) {
    EXPECT_THAT(words(each->receive(4)), ElementsAre("close:1001"));
    each->close();
  }
  EXPECT_EQ(runtime_->stop(), Stop::soon);
  EXPECT_TRUE(runtime_->wait_stopped());
}

TEST_F(Runtime, AStopSoonSpreadsTheClosesOverItsShortTime) {
  start({.stop = {.drain_time = 1h, .soon_time = 400ms}});
  std::vector<SocketClient> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(*connect({.transfer = echo}));
  runtime_->begin_stop(Stop::gracefully);
  const auto begin = std::chrono::steady_clock::now();
  runtime_->begin_stop(Stop::soon);
  for (SocketClient& client : clients) {
    EXPECT_THAT(words(client.receive(4)), ElementsAre("close:1001"));
    client.close();
  }
  EXPECT_GT(std::chrono::steady_clock::now() - begin, 340ms);
  EXPECT_TRUE(runtime_->wait_stopped());
}

TEST_F(Runtime, AStopSoonDoesNotWaitForPeersThatDoNotAnswer) {
  start({.stop = {.drain_time = 1h, .soon_time = 20ms, .soon_close_time = 100ms, .task_time = 0ms},
         .report = keep_reports()});
  auto client = connect({.transfer = echo, .limits = {.close_timeout = 1h}});
  runtime_->begin_stop(Stop::gracefully);
  runtime_->begin_stop(Stop::soon);
  EXPECT_TRUE(runtime_->wait_stopped());
  EXPECT_THAT(words(client->receive_all()), ElementsAre("close:1001"));
  EXPECT_THAT(reports(), ElementsAre(HasSubstr("connections cut off")));
}

TEST_F(Runtime, AStopSoonProlongsNothing) {
  start({.stop = {.drain_time = 100ms,
                  .drain_close_time = 100ms,
                  .soon_time = 1h,
                  .soon_close_time = 1h},
         .place_is_needed = [] { return true; }});
  auto client = connect({.transfer = echo, .limits = {.close_timeout = 1h}});
  runtime_->begin_stop(Stop::gracefully);
  EXPECT_TRUE(runtime_->wait_stopped());
  EXPECT_EQ(runtime_->stop(), Stop::soon);
  EXPECT_THAT(words(client->receive_all()), ElementsAre("close:1001"));
}

TEST_F(Runtime, AStopAtOnceCutsAStopSoonShort) {
  start({.stop = {.drain_time = 1h, .keep_serving = true, .soon_time = 1h}});
  auto client = connect({.transfer = echo});
  runtime_->begin_stop(Stop::gracefully);
  runtime_->begin_stop(Stop::soon);
  runtime_->begin_stop(Stop::gracefully);  // changes nothing any more
  EXPECT_EQ(runtime_->stop(), Stop::soon);
  runtime_->begin_stop(Stop::at_once);
  EXPECT_THAT(words(client->receive(4)), ElementsAre("close:1001"));
  client->close();
  EXPECT_TRUE(runtime_->wait_stopped());
}

TEST_F(Runtime, AGoodbyeThatTakesTooLongStillLeavesTimeForTheClose) {
  start({.stop = {.close_time = 200ms}});
  auto client = connect({.transfer = echo, .going_away = [](Request& request) -> Task<> {
                           co_await msgutil::send_message(request, "bye");
                           co_await request.sleep_for(1h);
                         }});
  client->send(client_text("here"));
  client->receive(6);
  runtime_->begin_stop(Stop::at_once);
  EXPECT_THAT(words(client->receive(5 + 4)), ElementsAre("text:bye", "close:1001"));
  client->close();
  EXPECT_TRUE(runtime_->wait_stopped());
}

}  // namespace
}  // namespace cppwebsocket::testing
