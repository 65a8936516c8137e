// The states of a connection, each reached by the part that ends it.
#include "runtime/session/ending.hpp"

#include <gmock/gmock.h>

#include "runtime/support/session_end_fixture.hpp"

namespace cppwebsocket::testing {
namespace {

using namespace std::chrono_literals;
using runtime::Ending;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using State = runtime::Ending::State;

class EndingTest : public SessionEnd {
 protected:
  Connection& open_noting(ConnectionLimits limits = {}) {
    return open({.transfer = noting(), .limits = limits});
  }
  // In a turn, as everything that ends a connection.
  template <typename Body>
  void turn(Connection& connection, Body body) {
    connection.session->turn([&] { body(connection.session->ending()); });
  }
  // What LogLevel debug shows of the changes.
  std::vector<std::string> changes() const {
    std::vector<std::string> all;
    for (const std::string& line : log_.lines(LogLevel::debug))
      if (line.find(" -> ") != std::string::npos) all.push_back(line);
    return all;
  }
};

TEST_F(EndingTest, EachChangeOfTheWireIsLoggedOnceWithItsCause) {
  Connection& connection = open_noting();
  turn(connection, [](Ending& ending) { ending.close_now(Close(4000)); });
  EXPECT_EQ(connection.session->ending().state(), State::closing);
  turn(connection, [](Ending& ending) { ending.close_now(Close(4001)); });  // has begun
  receive(connection, client_close(4000));
  EXPECT_EQ(connection.session->ending().state(), State::lingering);
  lose(connection);
  EXPECT_TRUE(connection.gone);
  EXPECT_THAT(connection.take_words(), ElementsAre("close:4000"));
  EXPECT_THAT(changes(),
              ElementsAre("debug: OPEN -> CLOSING (closed by the handler)",
                          "debug: CLOSING -> LINGERING (the peer has answered our Close with 4000)",
                          "debug: LINGERING -> GONE (the peer has closed TCP)"));
}

TEST_F(EndingTest, AWireIsDroppedOnce) {
  Connection& connection = open_noting();
  turn(connection, [](Ending& ending) {
    ending.drop("first");
    ending.drop("second");
    ending.end(std::make_exception_ptr(ConnectionTerminatedException("gone")));
  });
  EXPECT_TRUE(connection.peer->closed);
  EXPECT_THAT(changes(), ElementsAre("debug: OPEN -> GONE (first)"));
}

TEST_F(EndingTest, TheHandlerHearsOfTheFirstEndOnly) {
  Connection& connection = open([this](Request& request) -> Task<> {
    try {
      co_await request.sleep_for(1h);
    } catch (const ConnectionTerminatedException& e) {
      seen_.push_back(e.what());
    }
  });
  turn(connection, [](Ending& ending) {
    ending.lose("first");
    ending.lose("second");
  });
  EXPECT_THAT(seen_, ElementsAre("first"));
}

TEST_F(EndingTest, TheFirstCloseCodeCounts) {
  Connection& connection = open_noting();
  turn(connection, [](Ending& ending) {
    ending.record_close(1001, {});
    ending.lose("and then");
  });
  EXPECT_THAT(seen_, ElementsAre("terminated 1001"));
}

TEST_F(EndingTest, TheDeadlineOfACloseBeginsAnewWithEachByteThatThePeerTakes) {
  Connection& connection = open_noting({.close_timeout = 3s});
  connection.peer->capacity = 0;
  turn(connection, [](Ending& ending) { ending.close_now(Close(4000)); });
  EXPECT_LT(std::chrono::abs(connection.session->ending().deadline() - loop_.now() - 3s), 2ms);
  loop_.advance(2s);
  connection.peer->capacity = 1;
  loop_.run();
  EXPECT_LT(std::chrono::abs(connection.session->ending().deadline() - loop_.now() - 3s), 2ms);
}

TEST_F(EndingTest, LingersForTwoSecondsAtMost) {
  Connection& connection = open_noting({.close_timeout = 1h});
  receive(connection, client_close());
  EXPECT_EQ(connection.session->ending().state(), State::lingering);
  EXPECT_LT(std::chrono::abs(connection.session->ending().deadline() - loop_.now() - 2s), 2ms);
}

TEST_F(EndingTest, WhatIsUnsentWhenTheWireGoesIsTold) {
  Connection& connection = open_noting();
  connection.peer->capacity = 0;
  turn(connection, [&](Ending& ending) {
    connection.session->wire().send("lost", true);
    ending.lose("nobody there");
  });
  EXPECT_TRUE(log_.has("6 bytes could not be delivered"));
}

TEST_F(EndingTest, AWaitingCloseKeepsTheStateOpenUntilItIsAnswered) {
  Connection& connection = open([](Request& request) -> Task<> {
    co_await msgutil::receive_message(request);
    co_await request.sleep_for(1s);  // and owes an answer
    co_await msgutil::receive_message(request);
  });
  receive(connection, client_text("one") + client_close(4000));
  const Ending& ending = connection.session->ending();
  EXPECT_TRUE(ending.peer_close_waits());
  EXPECT_TRUE(ending.is_open());
  loop_.advance(1s);
  EXPECT_FALSE(ending.peer_close_waits());
  EXPECT_TRUE(ending.is_lingering());
  EXPECT_THAT(connection.take_words(), ElementsAre("close:4000"));
}

TEST_F(EndingTest, ATaskThatFailsClosesWithItsCodeOnceOnly) {
  Connection& connection = open_noting();
  turn(connection, [](Ending& ending) {
    ending.report(std::make_exception_ptr(UnsupportedFrameException("no binary here")));
    ending.report(std::make_exception_ptr(InvalidUTF8Exception("nor that")));
  });
  EXPECT_THAT(connection.take_words(), ElementsAre("close:1003"));
}

}  // namespace
}  // namespace cppwebsocket::testing
