// Sender (sender.hpp): a connection as other threads see it.
#include "runtime/session/remote_control.hpp"

#include <gmock/gmock.h>

#include <thread>

#include "runtime/support/session_fixture.hpp"

namespace cppwebsocket::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class SenderTest : public SessionFixture {
 protected:
  // An echo whose sender is in sender_.
  std::function<Task<>(Request&)> echo_with_sender() {
    return [this](Request& request) -> Task<> {
      sender_ = request.sender();
      co_await echo(request);
    };
  }

  Sender sender_;
};

TEST_F(SenderTest, WithoutAConnectionIsClosed) {
  EXPECT_EQ(sender_.send("x"), SendResult::closed);
  sender_.close();
  EXPECT_EQ(sender_.buffered_amount(), 0u);
  EXPECT_FALSE(sender_.is_open());
}

TEST_F(SenderTest, SendsInTheOrderOfTheCalls) {
  Connection& connection = open(echo_with_sender());
  for (const char* text : {"a", "b", "c"}) EXPECT_EQ(sender_.send(text), SendResult::accepted);
  EXPECT_EQ(sender_.send(Message::binary("d")), SendResult::accepted);
  EXPECT_EQ(connection.peer->output, "");
  loop_.run();
  EXPECT_THAT(connection.take_words(), ElementsAre("text:a", "text:b", "text:c", "binary:d"));
}

TEST_F(SenderTest, ManyThreadsSendEachInItsOrder) {
  constexpr int threads = 4, each = 500;
  Connection& connection = open(echo_with_sender());
  std::vector<std::thread> all;
  for (int t = 0; t < threads; ++t)
    all.emplace_back([sender = sender_, t] {
      for (int i = 0; i < each; ++i)
        while (sender.send(std::to_string(t) + " " + std::to_string(i)) != SendResult::accepted)
          std::this_thread::yield();
    });
  Words words;
  EXPECT_TRUE(loop_.run_until([&] {
    for (std::string& word : connection.take_words()) words.push_back(std::move(word));
    return words.size() == threads * each;
  }));
  for (std::thread& thread : all) thread.join();
  int next[threads] = {};
  for (const std::string& word : words) {
    const int t = word[5] - '0';
    EXPECT_EQ(word, "text:" + std::to_string(t) + " " + std::to_string(next[t]++));
  }
}

TEST_F(SenderTest, IsFullAboveTheSendBuffer) {
  Connection& connection =
      open({.transfer = echo_with_sender(), .limits = {.send_buffer_size = 1000}});
  connection.peer->capacity = 0;
  EXPECT_EQ(sender_.send(std::string(600, 'x')), SendResult::accepted);
  EXPECT_EQ(sender_.send(std::string(600, 'y')), SendResult::full);  // not yet with the session
  loop_.run();
  EXPECT_EQ(sender_.send(std::string(600, 'y')), SendResult::full);  // with it, not with the kernel
  EXPECT_GE(sender_.buffered_amount(), 600u);
  EXPECT_EQ(sender_.send(std::string(300, 'z')), SendResult::accepted);
  connection.peer->capacity = FakePeer::unlimited;
  loop_.run();
  EXPECT_EQ(sender_.buffered_amount(), 0u);
  EXPECT_THAT(connection.take_words(),
              ElementsAre("text:" + std::string(600, 'x'), "text:" + std::string(300, 'z')));
}

TEST_F(SenderTest, AMessageLargerThanTheBufferGoesAlone) {
  open({.transfer = echo_with_sender(), .limits = {.send_buffer_size = 1000}});
  EXPECT_EQ(sender_.send(std::string(5000, 'x')), SendResult::accepted);
  EXPECT_EQ(sender_.send("y"), SendResult::full);
  loop_.run();
  EXPECT_EQ(sender_.send("y"), SendResult::accepted);
}

TEST_F(SenderTest, InvalidTextRaisesAndSendsNothing) {
  Connection& connection = open(echo_with_sender());
  EXPECT_THROW(sender_.send("\xff"), InvalidUTF8Exception);
  EXPECT_EQ(sender_.buffered_amount(), 0u);
  loop_.run();
  EXPECT_EQ(connection.peer->output, "");
}

TEST_F(SenderTest, ClosesBehindWhatWasSentBefore) {
  Connection& connection = open(echo_with_sender());
  sender_.send("last");
  sender_.close(4000, "bye");
  sender_.close(4001);
  EXPECT_EQ(sender_.send("too late"), SendResult::closed);
  EXPECT_FALSE(sender_.is_open());
  loop_.run();
  EXPECT_THAT(connection.take_words(), ElementsAre("text:last", "close:4000 bye"));
  receive(connection, client_close(4000));
  lose(connection);
  EXPECT_TRUE(connection.gone);
}

TEST_F(SenderTest, CloseRaisesWhatMayNotBeSent) {
  open(echo_with_sender());
  EXPECT_THROW(sender_.close(1006), BadOperationException);
  EXPECT_THROW(sender_.close(1000, std::string(124, 'x')), BadOperationException);
  EXPECT_THROW(sender_.close(1000, "\xff"), BadOperationException);
  EXPECT_TRUE(sender_.is_open());
}

TEST_F(SenderTest, ACloseWithThePeersCloseUnreadEndsTheHandler) {
  Words seen;
  Connection& connection = open([&](Request& request) -> Task<> {
    sender_ = request.sender();
    co_await msgutil::receive_message(request);
    try {
      co_await request.sleep_for(1h);
    } catch (const ConnectionTerminatedException&) {
      seen.push_back("told");
    }
    while (auto message = co_await msgutil::receive_message(request)) seen.push_back("message");
    seen.push_back("end");
  });
  receive(connection, client_text("1") + client_text("2") + client_close());
  EXPECT_THAT(seen, IsEmpty());
  sender_.close(4000);
  loop_.run();
  EXPECT_THAT(connection.take_words(), ElementsAre("close:4000"));
  EXPECT_THAT(seen, ElementsAre("told", "message", "end"));
  lose(connection);
  EXPECT_TRUE(connection.gone);
}

TEST_F(SenderTest, ACloseOfADraftWithoutAHandshakeEndsTheHandler) {
  Connection& connection = open({.transfer = echo_with_sender(), .version = Version::draft75});
  sender_.close();
  loop_.run();
  EXPECT_TRUE(connection.peer->write_ended);
  lose(connection);
  EXPECT_TRUE(connection.gone);
}

TEST_F(SenderTest, WholeMessagesAreHeldBackBehindFragments) {
  Connection& connection = open([&](Request& request) -> Task<> {
    sender_ = request.sender();
    co_await msgutil::send_message(request, "frag", false);
    co_await msgutil::receive_message(request);
    co_await msgutil::send_message(request, "ment");
    co_await echo(request);
  });
  sender_.send("one");
  sender_.send("two");
  loop_.run();
  EXPECT_THAT(connection.take_words(), ElementsAre("text…:frag"));
  EXPECT_EQ(sender_.buffered_amount(), 6u);
  receive(connection, client_text("go"));
  EXPECT_THAT(connection.take_words(), ElementsAre("more:ment", "text:one", "text:two"));
  EXPECT_EQ(sender_.buffered_amount(), 0u);
}

TEST_F(SenderTest, WhatIsHeldBackIsBounded) {
  Connection& connection = open({.transfer = [&](Request& request) -> Task<> {
                                   sender_ = request.sender();
                                   co_await msgutil::send_message(request, "fragment", false);
                                   co_await msgutil::receive_message(request);
                                 },
                                 .limits = {.send_buffer_size = 1000}});
  int accepted = 0;
  for (int i = 0; i < 100; ++i, loop_.run())
    accepted += sender_.send(std::string(100, 'x')) == SendResult::accepted;
  EXPECT_EQ(accepted, 10);
  receive(connection, client_text("go"));  // the handler returns in the middle of its message
  EXPECT_THAT(connection.take_words(), ElementsAre("text…:fragment", "close:1000"));
  EXPECT_TRUE(log_.has("10 messages behind an unfinished one are not sent"));
}

TEST_F(SenderTest, AfterTheEndOfTheSessionDoesNothing) {
  Connection& connection = open(echo_with_sender());
  lose(connection);
  EXPECT_TRUE(connection.gone);
  EXPECT_EQ(sender_.send("x"), SendResult::closed);
  sender_.close();
  EXPECT_EQ(sender_.buffered_amount(), 0u);
  EXPECT_FALSE(sender_.is_open());
  loop_.run();
}

TEST_F(SenderTest, AMessageOnItsWayWhenTheSessionEndsIsDropped) {
  Connection& connection = open(echo_with_sender());
  EXPECT_EQ(sender_.send("x"), SendResult::accepted);
  sender_.close();
  connection.peer->read_error = ECONNRESET;
  connection.session->on_ready(true, false, false);  // before the post is run
  loop_.run();
  EXPECT_TRUE(connection.gone);
}

TEST_F(SenderTest, BinaryToADraftIsABadOperation) {
  open({.transfer = echo_with_sender(), .version = Version::draft76});
  EXPECT_THROW(sender_.send(Message::binary("x")), BadOperationException);
}

}  // namespace
}  // namespace cppwebsocket::testing
