// Turns of a session: input, output, back-pressure in both directions.
#include "runtime/session/session.hpp"

#include <gmock/gmock.h>

#include "runtime/support/session_fixture.hpp"

namespace cppwebsocket::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Session : public SessionFixture {};

std::string numbered(int count) {
  std::string frames;
  for (int i = 0; i < count; ++i) frames += client_text(std::to_string(i));
  return frames;
}

Words numbered_words(int count) {
  Words all;
  for (int i = 0; i < count; ++i) all.push_back("text:" + std::to_string(i));
  return all;
}

TEST_F(Session, EchoesTextAndBinary) {
  Connection& connection = open(echo);
  receive(connection, client_text("hello") + client_frame(binary, "\x01\x02"));
  EXPECT_THAT(connection.take_words(), ElementsAre("text:hello", "binary:\x01\x02"));
}

TEST_F(Session, JoinsFragmentsAndAnswersThePingBetweenThem) {
  Connection& connection = open(echo);
  receive(connection, client_frame(text, "hel", false) + client_frame(ping, "x") +
                          client_frame(continuation, "lo"));
  EXPECT_THAT(connection.take_words(), ElementsAre("pong:x", "text:hello"));
}

TEST_F(Session, AnswersToPipelinedFramesLeaveInOneWrite) {
  Connection& connection = open(echo);
  receive(connection, numbered(500));
  EXPECT_EQ(connection.peer->writes, 1u);
  EXPECT_EQ(connection.take_words(), numbered_words(500));
}

TEST_F(Session, FramesThatArriveByteByByteAreTheSameMessages) {
  Connection& connection = open(echo);
  connection.peer->largest_read = 1;
  receive(connection, numbered(20));
  EXPECT_EQ(connection.take_words(), numbered_words(20));
}

TEST_F(Session, BytesBehindTheHandshakeAreHandledFirst) {
  Connection& connection = open({.transfer = echo, .already_read = client_text("early")});
  EXPECT_THAT(connection.take_words(), ElementsAre("text:early"));
  receive(connection, client_text("late"));
  EXPECT_THAT(connection.take_words(), ElementsAre("text:late"));
}

TEST_F(Session, HalfAFrameBehindTheHandshakeIsContinuedFromTheSocket) {
  const std::string frame = client_text("split here");
  Connection& connection = open({.transfer = echo, .already_read = frame.substr(0, 9)});
  EXPECT_THAT(connection.take_words(), IsEmpty());
  receive(connection, frame.substr(9));
  EXPECT_THAT(connection.take_words(), ElementsAre("text:split here"));
}

TEST_F(Session, WhatTheHandlerSendsFirstGoesOutAtOnce) {
  Connection& connection = open([](Request& request) -> Task<> {
    co_await msgutil::send_message(request, "welcome");
    co_await echo(request);
  });
  EXPECT_THAT(connection.take_words(), ElementsAre("text:welcome"));
}

// --- a handler that is slower than its peer ----------------------------------------------------

Task<> sleep_then_echo(Request& request) {
  co_await request.sleep_for(1s);
  co_await echo(request);
}

TEST_F(Session, AFullInboxStopsReadingAndLosesNothing) {
  constexpr int count = 3000;
  Connection& connection = open(sleep_then_echo);
  connection.peer->largest_read = 1000;
  receive(connection, numbered(count));
  EXPECT_FALSE(connection.peer->input.empty());
  EXPECT_FALSE(loop_.interest(*connection.session).readable);

  loop_.advance(1s);
  EXPECT_TRUE(connection.peer->input.empty());
  EXPECT_TRUE(loop_.interest(*connection.session).readable);
  EXPECT_EQ(connection.take_words(), numbered_words(count));
}

TEST_F(Session, TheInboxIsFullByBytesToo) {
  const std::string large(40'000, 'x');
  Connection& connection = open(sleep_then_echo);
  for (int i = 0; i < 5; ++i) receive(connection, client_text(large));
  EXPECT_FALSE(loop_.interest(*connection.session).readable);
  EXPECT_FALSE(connection.peer->input.empty());
  loop_.advance(1s);
  EXPECT_EQ(connection.take_words(), Words(5, "text:" + large));
}

TEST_F(Session, ReadAheadBehindAFullInboxIsHandledWithoutMoreInput) {
  // One read of 64 KiB holds many more small messages than the inbox: the rest waits in the
  // session.
  Connection& connection = open(sleep_then_echo);
  receive(connection, numbered(2000));
  EXPECT_TRUE(connection.peer->input.empty());
  loop_.advance(1s);
  EXPECT_EQ(connection.take_words(), numbered_words(2000));
}

TEST_F(Session, AHandlerThatTakesMessagesOneByOneGetsThemInOrder) {
  Connection& connection = open([](Request& request) -> Task<> {
    while (auto message = co_await msgutil::receive_message(request)) {
      co_await request.sleep_for(1ms);
      co_await msgutil::send_message(request, std::move(*message));
    }
  });
  receive(connection, numbered(1500));
  loop_.advance(2s);
  EXPECT_EQ(connection.take_words(), numbered_words(1500));
}

// --- a peer that is slower than its handler ----------------------------------------------------

TEST_F(Session, PartialWritesAreContinued) {
  Connection& connection = open(echo);
  connection.peer->largest_write = 7;
  receive(connection, numbered(300));
  EXPECT_GT(connection.peer->writes, 100u);
  EXPECT_EQ(connection.take_words(), numbered_words(300));
}

TEST_F(Session, ASlowPeerMakesSendWaitAndADrainedOneWakesIt) {
  int sent = 0;
  Connection& connection = open([&](Request& request) -> Task<> {
    co_await msgutil::receive_message(request);
    for (;; ++sent) co_await msgutil::send_message(request, std::string(10'000, 'x'));
  });
  connection.peer->capacity = 0;
  receive(connection, client_text("go"));
  const int before = sent;
  loop_.run();
  EXPECT_EQ(sent, before);
  EXPECT_GT(connection.session->buffered_amount(), connection.session->limits().send_buffer_size);

  connection.peer->capacity = 10'000'000;
  loop_.run();
  EXPECT_GT(sent, before + 900);
}

TEST_F(Session, SeveralWaitingSendersAllGetTheirTurnInOrder) {
  Connection& connection = open([&](Request& request) -> Task<> {
    co_await msgutil::receive_message(request);
    for (char name = 'a'; name <= 'd'; ++name)
      request.spawn([](Request& each, char letter) -> Task<> {
        for (int i = 0; i < 3; ++i)
          co_await msgutil::send_message(each, std::string(70'000, letter));
      }(request, name));
    co_await echo(request);
  });
  connection.peer->capacity = 0;
  receive(connection, client_text("go"));
  for (int i = 0; i < 12; ++i) {
    connection.peer->capacity = 100'000;
    loop_.run();
  }
  connection.peer->capacity = FakePeer::unlimited;
  loop_.run();
  std::string order;
  for (const ServerFrame& frame : server_frames(connection.peer->take_output()))
    order += frame.payload[0];
  EXPECT_EQ(order, "abcdabcdabcd");
}

TEST_F(Session, APeerThatDoesNotReadItsAnswersIsNotReadFrom) {
  const std::string large(50'000, 'x');
  Connection& connection = open(echo);
  connection.peer->capacity = 0;
  for (int i = 0; i < 10; ++i) connection.peer->send(client_text(large));
  loop_.run();
  EXPECT_FALSE(loop_.interest(*connection.session).readable);
  EXPECT_FALSE(connection.peer->input.empty());
  connection.peer->capacity = FakePeer::unlimited;
  loop_.run();
  EXPECT_EQ(connection.take_words(), Words(10, "text:" + large));
}

TEST_F(Session, PongsForAPeerThatDoesNotReadAreBoundedAndTheLastOneIsSent) {
  Connection& connection = open(echo);
  connection.peer->capacity = 0;
  for (int i = 0; i < 20'000; ++i)
    connection.peer->send(client_frame(ping, std::string(100, 'p') + std::to_string(i)));
  loop_.run();
  EXPECT_TRUE(connection.peer->input.empty());
  EXPECT_LT(connection.session->buffered_amount(), 70'000u);
  connection.peer->capacity = FakePeer::unlimited;
  loop_.run();
  const Words pongs = connection.take_words();
  EXPECT_LT(pongs.size(), 1000u);
  EXPECT_EQ(pongs[0], "pong:" + std::string(100, 'p') + "0");
  EXPECT_EQ(pongs.back(), "pong:" + std::string(100, 'p') + "19999");
}

TEST_F(Session, AHandlerThatOnlyStreamsOutStillHearsPingsAndTheClose) {
  Connection& connection = open([](Request& request) -> Task<> {
    co_await msgutil::receive_message(request);
    for (;;) co_await msgutil::send_message(request, std::string(10'000, 'x'));
  });
  connection.peer->capacity = 0;
  receive(connection, client_text("go"));
  connection.peer->send(client_frame(ping, "are you there?") + client_close(4001));
  for (int i = 0; i < 100 && !connection.peer->write_ended; ++i) {
    connection.peer->capacity = 30'000;  // never as much as there is to send
    loop_.run();
    if (i == 1) loop_.advance(5s);  // it has called receive: the Close is answered at the timeout
  }
  EXPECT_TRUE(connection.peer->write_ended);
  const Words all = connection.take_words();
  EXPECT_THAT(all, ::testing::Contains("pong:are you there?"));
  EXPECT_EQ(all.back(), "close:4001");
}

TEST_F(Session, AHandlerThatSendsWithoutEndDoesNotHogTheLoop) {
  Connection& greedy = open([](Request& request) -> Task<> {
    co_await msgutil::receive_message(request);
    for (;;) co_await msgutil::send_message(request, std::string(30'000, 'x'));
  });
  Connection& modest = open(echo);
  greedy.peer->send(client_text("go"));
  modest.peer->send(client_text("me too"));
  loop_.run_once();  // returns although the greedy one could go on
  loop_.run_once();
  EXPECT_THAT(modest.take_words(), ElementsAre("text:me too"));
  const std::size_t before = greedy.peer->output.size();
  loop_.run_once();  // and goes on in the next turn, without new input
  EXPECT_GT(greedy.peer->output.size(), before);
  greedy.peer->capacity = 0;
}

TEST_F(Session, BufferedAmountIsWhatTheKernelHasNotTaken) {
  Connection& connection = open([](Request& request) -> Task<> {
    co_await msgutil::send_message(request, std::string(1000, 'x'));
    co_await echo(request);
  });
  EXPECT_EQ(connection.session->buffered_amount(), 0u);
  connection.peer->capacity = 4;
  receive(connection, client_text("12345678"));
  EXPECT_EQ(connection.session->buffered_amount(), 6u);
}

// --- pings and pongs ---------------------------------------------------------------------------

TEST_F(Session, PingAndPongHandlersSeeTheBodies) {
  Words seen;
  Connection& connection = open({.transfer = echo, .handshake = [&](Request& request) {
                                   request.on_ping_handler([&](std::string_view body) {
                                     seen.push_back("ping " + std::string(body));
                                   });
                                   request.on_pong_handler([&](std::string_view body) {
                                     seen.push_back("pong " + std::string(body));
                                   });
                                 }});
  receive(connection, client_frame(ping, "1") + client_frame(pong, "2") + client_frame(ping, ""));
  EXPECT_THAT(seen, ElementsAre("ping 1", "pong 2", "ping "));
  EXPECT_THAT(connection.take_words(), ElementsAre("pong:1", "pong:"));
}

TEST_F(Session, WhatAPingHandlerRaisesClosesWith1011) {
  Connection& connection = open({.transfer = echo, .handshake = [&](Request& request) {
                                   request.on_ping_handler([](std::string_view) {
                                     throw std::runtime_error("in the ping handler");
                                   });
                                 }});
  receive(connection, client_frame(ping, "1"));
  EXPECT_THAT(connection.take_words(), ElementsAre("pong:1", "close:1011"));
  EXPECT_TRUE(log_.has("in the ping handler"));
}

TEST_F(Session, TheBytesBehindAPingWhoseHandlerRaisesAreNotLost) {
  Connection& connection =
      open({.transfer = echo, .handshake = [&](Request& request) {
              request.on_ping_handler([](std::string_view) { throw std::runtime_error("no"); });
            }});
  receive(connection, client_frame(ping, "1") + client_close(1011));
  EXPECT_THAT(connection.take_words(), ElementsAre("pong:1", "close:1011"));
  EXPECT_TRUE(connection.peer->write_ended);  // the peer's Close, in the same read, was seen
}

TEST_F(Session, AConnectionThatCannotBeWatchedIsLostAlone) {
  Connection& connection = open(sleep_then_echo);
  loop_.watch_fails = true;
  connection.peer->capacity = 0;
  receive(connection, numbered(1000));  // the inbox fills: a change of interest
  loop_.run();
  EXPECT_TRUE(connection.gone);
  loop_.watch_fails = false;
}

}  // namespace
}  // namespace cppwebsocket::testing
