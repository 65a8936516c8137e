// An administrator's rounds over a runtime's connections. Real threads, real time.
#include "runtime/administration/rounds.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <semaphore>

#include "runtime/support/session_fixture.hpp"
#include "runtime/support/socket_client.hpp"
#include "runtime/support/threads.hpp"

namespace cppwebsocket::testing {
namespace {

using namespace std::chrono_literals;
using runtime::Selection;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Rounds : public ::testing::Test {
 protected:
  SocketClient connect(Script script) {
    Connection& connection = connections_.emplace_back();
    connection.script = std::move(script);
    std::string_view why_not;
    auto session = runtime_.make_session(make_record(connection, log_), make_handler(connection), why_not);
    ids_.push_back(session->id());
    SocketClient client;
    open_session(connection, *session, client.transport());
    runtime_.hand_over(std::move(session));
    return client;
  }

  // When its handler has begun.
  std::vector<SocketClient> connect_many(std::size_t count) {
    std::vector<SocketClient> clients;
    for (std::size_t i = 0; i < count; ++i) {
      clients.push_back(connect({.transfer = echo}));
      clients.back().send(client_text("x"));
      clients.back().receive(3);
    }
    return clients;
  }

  static std::vector<std::uint64_t> ids_of(const runtime::Listed& listed) {
    std::vector<std::uint64_t> ids;
    for (const runtime::Sight& each : listed.connections) ids.push_back(each.id);
    return ids;
  }

  LogKeeper log_;
  std::deque<Connection> connections_;
  std::vector<std::uint64_t> ids_;
  std::counting_semaphore<> go_on_{0};
  runtime::Runtime runtime_{{.reactor_threads = 2}};
};

TEST_F(Rounds, ListsAPageOfTheConnectionsOfAllReactors) {
  const auto clients = connect_many(5);
  const runtime::Listed first = runtime::list_connections(runtime_, {}, 0, 3, 10s);
  EXPECT_EQ(first.count, 5u);
  EXPECT_EQ(first.silent, 0u);
  EXPECT_THAT(ids_of(first), ElementsAre(ids_[0], ids_[1], ids_[2]));
  const runtime::Listed second = runtime::list_connections(runtime_, {}, ids_[2], 3, 10s);
  EXPECT_EQ(second.count, 5u);
  EXPECT_THAT(ids_of(second), ElementsAre(ids_[3], ids_[4]));
  EXPECT_THAT(ids_of(runtime::list_connections(runtime_, {}, 0, 0, 10s)), IsEmpty());
}

TEST_F(Rounds, TellsWhatHasPassed) {
  auto clients = connect_many(1);
  const runtime::Listed listed = runtime::list_connections(runtime_, {}, 0, 1, 10s);
  ASSERT_EQ(listed.connections.size(), 1u);
  const runtime::Sight& sight = listed.connections.front();
  EXPECT_EQ(sight.messages_in, 1u);
  EXPECT_EQ(sight.messages_out, 1u);
  EXPECT_EQ(sight.bytes_in, 1u);
  EXPECT_TRUE(sight.is_open);
  EXPECT_EQ(sight.version, "websocket");
}

TEST_F(Rounds, ClosesThoseThatAreMeantAndCountsThem) {
  auto clients = connect_many(3);
  const Selection second{.id = ids_[1]};
  EXPECT_EQ(runtime::close_connections(runtime_, second, Close(4001), 10s).count, 1u);
  EXPECT_EQ(words(clients[1].receive(4)), Words{"close:4001"});
  // It has not answered, and is not closed once more.
  EXPECT_EQ(runtime::close_connections(runtime_, second, Close(4002), 10s).count, 0u);
  EXPECT_EQ(runtime::close_connections(runtime_, {.handler = "no-such"}, Close(4002), 10s).count, 0u);
  EXPECT_EQ(runtime::close_connections(runtime_, {}, Close(4002), 10s).count, 2u);
}

TEST_F(Rounds, ABusyReactorHoldsUpNobodyAndDoesNothingLater) {
  auto clients = connect_many(2);
  std::binary_semaphore begun{0};
  auto busy = connect({.transfer = [&](Request&) -> Task<> {
    begun.release();
    go_on_.acquire();
    co_return;
  }});
  begun.acquire();
  const runtime::Closed closed = runtime::close_connections(runtime_, {}, Close(4001), 50ms);
  EXPECT_EQ(closed.silent, 1u);
  EXPECT_EQ(closed.count, 1u);
  EXPECT_EQ(runtime::list_connections(runtime_, {}, 0, 10, 50ms).silent, 1u);
  const auto lags = runtime::call_reactors(runtime_, 50ms);
  EXPECT_EQ(std::count(lags.begin(), lags.end(), std::nullopt), 1);
  go_on_.release();
  EXPECT_THAT(runtime::call_reactors(runtime_, 10s), ::testing::Each(::testing::Ne(std::nullopt)));
  // The one beside the busy handler is open on.
  const runtime::Listed listed = runtime::list_connections(runtime_, {}, 0, 10, 10s);
  EXPECT_EQ(std::count_if(listed.connections.begin(), listed.connections.end(),
                          [&](const runtime::Sight& each) { return each.id <= ids_[1] && each.is_open; }),
            1);
}

}  // namespace
}  // namespace cppwebsocket::testing
