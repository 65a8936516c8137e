// Connections that end by the clock: pings without answer, idleness.
#include <gmock/gmock.h>


#include "runtime/support/session_end_fixture.hpp"

namespace cppwebsocket::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_F(SessionEnd, AnIdlePeerIsPingedAfterTheIntervalAndDeadAfterTwice) {
  Connection& connection = open({.transfer = noting(), .limits = {.ping_interval = 10s}});
  loop_.advance(9999ms);
  EXPECT_THAT(connection.take_words(), IsEmpty());
  loop_.advance(1ms);
  EXPECT_THAT(connection.take_words(), ElementsAre("ping:"));
  loop_.advance(9999ms);
  EXPECT_FALSE(connection.gone);
  loop_.advance(1ms);
  EXPECT_THAT(seen_, ElementsAre("terminated 1006"));
  EXPECT_TRUE(connection.gone);
}

TEST_F(SessionEnd, AnyByteIsASignOfLife) {
  Connection& connection = open({.transfer = noting(), .limits = {.ping_interval = 10s}});
  const std::string frame = client_text("hello");
  for (char byte : frame) {
    loop_.advance(9s);
    receive(connection, std::string(1, byte));
  }
  EXPECT_THAT(connection.take_words(), IsEmpty());
  for (int i = 0; i < 5; ++i) {
    loop_.advance(10s);
    EXPECT_THAT(connection.take_words(), ElementsAre("ping:"));
    loop_.advance(9s);
    receive(connection, client_frame(pong, ""));
  }
  EXPECT_FALSE(connection.gone);
}

TEST_F(SessionEnd, WhatWeSendIsNoSignOfLifeOfThePeer) {
  Connection& connection = open({.transfer = [](Request& request) -> Task<> {
                                   for (;;) {
                                     co_await msgutil::send_message(request, "tick");
                                     co_await request.sleep_for(3s);
                                   }
                                 },
                                 .limits = {.ping_interval = 10s}});
  loop_.advance(20s);
  EXPECT_TRUE(connection.gone);
}

TEST_F(SessionEnd, ASlowPeerThatTakesBytesIsNotDead) {
  Connection& connection =
      open({.transfer = [](Request& request) -> Task<> {
              co_await msgutil::receive_message(request);
              co_await msgutil::send_message(request, std::string(1'000'000, 'x'));
              co_await echo(request);
            },
            .limits = {.ping_interval = 10s}});
  connection.peer->capacity = 0;
  receive(connection, client_text("go"));
  for (int i = 0; i < 30; ++i) {
    loop_.advance(8s);
    connection.peer->capacity = 10'000;
    loop_.run();
  }
  EXPECT_FALSE(connection.gone);
  loop_.advance(21s);
  EXPECT_TRUE(connection.gone);
}

TEST_F(SessionEnd, PausedReadingIsNotThePeersSilence) {
  Connection& connection = open({.transfer = [&](Request& request) -> Task<> {
                                   co_await request.sleep_for(1h);
                                   co_await note_all(request);
                                 },
                                 .limits = {.ping_interval = 10s}});
  for (int i = 0; i < 1000; ++i) connection.peer->send(client_text("x"));
  loop_.advance(1h);
  EXPECT_FALSE(connection.gone);
  EXPECT_EQ(seen_.size(), 1000u);
}

TEST_F(SessionEnd, NoPingsAtAllWithAnIntervalOfZero) {
  Connection& connection = open({.transfer = noting(), .limits = {.ping_interval = 0s}});
  loop_.advance(24h);
  EXPECT_EQ(connection.peer->output, "");
  EXPECT_FALSE(connection.gone);
  EXPECT_FALSE(loop_.has_timers());
}

TEST_F(SessionEnd, AnIdleConnectionClosesWith1001) {
  Connection& connection =
      open({.transfer = noting(), .limits = {.ping_interval = 1s, .idle_timeout = 10s}});
  for (int i = 0; i < 9; ++i) {
    loop_.advance(1s);
    receive(connection, client_frame(pong, ""));  // pongs are no messages
  }
  EXPECT_THAT(seen_, IsEmpty());
  connection.take_words();
  loop_.advance(1s);
  EXPECT_THAT(connection.take_words(), ::testing::Contains(HasSubstr("close:1001")));
  EXPECT_THAT(seen_, ElementsAre(HasSubstr("terminated")));
}

TEST_F(SessionEnd, MessagesEitherWayAreNotIdle) {
  Connection& connection = open({.transfer = [](Request& request) -> Task<> {
                                   for (int i = 0; i < 5; ++i) {
                                     co_await request.sleep_for(9s);
                                     co_await msgutil::send_message(request, "x");
                                   }
                                   co_await echo(request);
                                 },
                                 .limits = {.ping_interval = 0s, .idle_timeout = 10s}});
  loop_.advance(50s);
  EXPECT_EQ(connection.take_words(), Words(5, "text:x"));
  receive(connection, client_text("y"));
  loop_.advance(9s);
  EXPECT_THAT(connection.take_words(), ElementsAre("text:y"));
}

TEST_F(SessionEnd, AMessageThatDoesNotComeToItsEndClosesWith1008) {
  Connection& connection =
      open({.transfer = noting(), .limits = {.ping_interval = 0s}, .message_timeout = 60s});
  receive(connection, client_text("whole"));
  loop_.advance(1h);
  EXPECT_EQ(connection.peer->output, "");  // none is coming, so there is no hurry
  receive(connection, client_frame(text, "begun", false));
  loop_.advance(30s);
  receive(connection, client_frame(ping, "") + client_frame(continuation, "", false));
  loop_.advance(29s);
  EXPECT_THAT(connection.take_words(), ElementsAre("pong:"));
  loop_.advance(1s);
  EXPECT_THAT(connection.take_words(), ElementsAre("close:1008 a message took too long to arrive"));
}

TEST_F(SessionEnd, ALargeMessageHasASecondMoreForEachKibibyteOfIt) {
  Connection& connection =
      open({.transfer = echo, .limits = {.ping_interval = 0s}, .message_timeout = 60s});
  const std::string frame = client_text(std::string(200 << 10, 'x'));
  for (std::size_t at = 0; at < frame.size(); at += 1200) {  // 171 seconds
    receive(connection, frame.substr(at, 1200));
    loop_.advance(1s);
  }
  EXPECT_EQ(connection.take_words().size(), 1u);
  // And for the next one it begins anew.
  receive(connection, client_text("y") + client_text("z").substr(0, 3));
  loop_.advance(59s);
  receive(connection, client_text("z").substr(3));
  EXPECT_THAT(connection.take_words(), ElementsAre("text:y", "text:z"));
}

TEST_F(SessionEnd, WhileTheHandlerDoesNotReceiveAMessageHasTime) {
  Connection& connection = open({.transfer =
                                     [](Request& request) -> Task<> {
                                       co_await request.sleep_for(1h);
                                       co_await echo(request);
                                     },
                                 .limits = {.ping_interval = 0s},
                                 .message_timeout = 60s});
  const std::string large = client_text(std::string(40'000, 'x'));
  receive(connection, large + large + large.substr(0, 10'000));  // with which the inbox is full
  receive(connection, large.substr(10'000, 10'000));
  loop_.advance(1h);
  receive(connection, large.substr(20'000));
  EXPECT_EQ(connection.take_words().size(), 3u);
}

TEST_F(SessionEnd, ALongMessageOnItsWayIsNotIdle) {
  Connection& connection =
      open({.transfer = echo, .limits = {.ping_interval = 0s, .idle_timeout = 10s}});
  const std::string frame = client_text("a long message");
  for (char byte : frame) {
    loop_.advance(9s);
    receive(connection, std::string(1, byte));
  }
  EXPECT_THAT(connection.take_words(), ElementsAre("text:a long message"));
}

}  // namespace
}  // namespace cppwebsocket::testing
