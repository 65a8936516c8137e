// testing.hpp itself: what it promises to those who test handlers, in both styles.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cppwebsocket/blocking_msgutil.hpp>
#include <cppwebsocket/msgutil.hpp>
#include <cppwebsocket/testing.hpp>

#include "handlers/support/handler_file.hpp"

namespace cppwebsocket::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// --- handlers, in the words of their clients -----------------------------------------------------------

const char* word_of(Allowed allowed) noexcept {
  return allowed == Allowed::yes ? "yes" : allowed == Allowed::no ? "no" : "unknown";
}

// Says what it waits for by what it is sent.
Task<> sleep_beside(Request& request) {
  co_await request.sleep_for(1s);
  co_await msgutil::send_message(request, "slept");
}
Task<> obey(Request& request) {
  auto room = Channel::named("room").join(request, {.presence = "someone", .receive = true});
  while (auto message = co_await msgutil::receive_message(request)) {
    const std::string word = message->payload();
    if (word == "sleep") request.spawn(sleep_beside(request));
    if (word == "fail") throw UnsupportedFrameException("as told");
    if (word == "close") co_await msgutil::close_connection(request, 4005);
    if (word == "until") request.close_at(std::chrono::system_clock::time_point(1h));
    if (word == "publish") room.publish("news");
    if (word == "sign") Channel::named("room", {.tell_publisher = true}).join(request).publish("signed");
    if (word == "ask") {
      const Allowed allowed = co_await request.is_allowed("/room", "POST");
      co_await msgutil::send_message(request, word_of(allowed));
    }
    if (word == "news")
      if (auto news = co_await room.receive()) co_await msgutil::send_message(request, std::move(news->message));
    if (word == "who")
      if (auto news = co_await room.receive()) {
        const std::string publisher = news->publisher.empty() ? "nobody" : news->publisher;
        co_await msgutil::send_message(request, publisher);
      }
    if (word == "wait") try {
        co_await msgutil::receive_message(request, 5s);
      } catch (const TimeoutException&) {
        request.log(LogLevel::info, "timed out");
      }
  }
}
void obey_blocking(BlockingRequest& request) {
  auto room = Channel::named("room").join(request, {.presence = "someone", .receive = true});
  while (auto message = msgutil::receive_message(request)) {
    const std::string word = message->payload();
    if (word == "sleep")
      request.spawn([&request](std::stop_token) {
        request.sleep_for(1s);
        msgutil::send_message(request, "slept");
      });
    if (word == "fail") throw UnsupportedFrameException("as told");
    if (word == "close") msgutil::close_connection(request, 4005);
    if (word == "until") request.close_at(std::chrono::system_clock::time_point(1h));
    if (word == "publish") room.publish("news");
    if (word == "sign") Channel::named("room", {.tell_publisher = true}).join(request).publish("signed");
    if (word == "ask") msgutil::send_message(request, word_of(request.is_allowed("/room", "POST")));
    if (word == "news")
      if (auto news = room.receive()) msgutil::send_message(request, std::move(news->message));
    if (word == "who")
      if (auto news = room.receive())
        msgutil::send_message(request, news->publisher.empty() ? "nobody" : news->publisher);
    if (word == "wait") try {
        msgutil::receive_message(request, 5s);
      } catch (const TimeoutException&) {
        request.log(LogLevel::info, "timed out");
      }
  }
}
Task<> say_goodbye(Request& request) { co_await msgutil::send_message(request, "goodbye"); }

const HandlerTable& coroutine() noexcept {
  static const HandlerTable made = {handler_abi, sizeof(HandlerTable), handler_toolchain,
                                    [](Request&) {}, &obey, nullptr, &say_goodbye, nullptr, nullptr, nullptr,
                                    nullptr, &cppwebsocket::detail::channel_service};
  return made;
}
const HandlerTable& blocking() noexcept {
  static const HandlerTable made = {
      handler_abi, sizeof(HandlerTable), handler_toolchain, nullptr, nullptr, nullptr, nullptr,
      [](BlockingRequest&) {}, &obey_blocking, nullptr,
      [](BlockingRequest& request) { msgutil::send_message(request, "goodbye"); },
      &cppwebsocket::detail::channel_service};
  return made;
}

struct Testing : ::testing::TestWithParam<HandlerSymbol> {
  Testing() { client.open(); }
  Server server{GetParam()};
  Client client{server, "/obey?now"};
};

INSTANTIATE_TEST_SUITE_P(Styles, Testing, ::testing::Values(&coroutine, &blocking), [](const auto& info) {
  return std::string(info.param == &coroutine ? "Coroutine" : "Blocking");
});

// --- what it promises ------------------------------------------------------------------------------------

TEST_P(Testing, TimeGoesByWhenTheTestSaysSo) {
  client.send("sleep");
  EXPECT_EQ(client.running_tasks(), 2u);
  server.advance(999ms);
  client.expect_nothing();
  server.advance(1ms);
  client.expect("slept");
  EXPECT_EQ(client.running_tasks(), 1u);
}

TEST_P(Testing, AReceiveTimesOut) {
  client.send("wait");
  server.advance(4999ms);
  EXPECT_THAT(client.logged(), IsEmpty());
  server.advance(1ms);
  EXPECT_THAT(client.logged(), ElementsAre("timed out"));
  client.close();
  client.expect_close(1000);
}

TEST_P(Testing, AReceiveThatWasInTimeDoesNotTimeOut) {
  client.send("wait");
  server.advance(4999ms);
  client.send("in time");
  server.advance(1h);
  EXPECT_THAT(client.logged(), IsEmpty());
  EXPECT_FALSE(client.has_ended());
}

TEST_P(Testing, AnExceptionBecomesItsCloseCode) {
  client.send("fail");
  client.expect_close(1003);
  EXPECT_TRUE(client.has_ended());
  EXPECT_THROW(client.rethrow(), UnsupportedFrameException);
}

TEST_P(Testing, ALostConnectionEndsWhatWaits) {
  client.send("sleep");
  client.lose();
  EXPECT_TRUE(client.has_ended());
  EXPECT_EQ(client.running_tasks(), 0u);
  EXPECT_THROW(client.rethrow(), ConnectionTerminatedException);
  EXPECT_FALSE(client.closed_with());
  EXPECT_EQ(server.members("room"), 0u);
}

TEST_P(Testing, TheHandlersOwnCloseIsSeen) {
  client.send("close");
  client.expect_close(4005);
}

TEST_P(Testing, AServerThatStopsLetsTheHandlerSayGoodbye) {
  client.is_sent_away();
  client.expect("goodbye");
  client.expect_close(1001);
  EXPECT_TRUE(client.has_ended());
}

TEST_P(Testing, ChannelsReachOthersAndTellWhoIsThere) {
  Client other(server, "/obey");
  other.open();
  EXPECT_EQ(server.members("room"), 2u);
  EXPECT_EQ(server.presence("room").size(), 2u);
  other.send("news");
  other.expect_nothing();
  client.send("publish");
  other.expect("news");
  other.close();
  EXPECT_EQ(server.members("room"), 1u);
}

TEST_P(Testing, AChannelTellsWhoHasPublishedWhereItIsTo) {
  Client other(server, "/obey"), ann(server, "/obey");
  ann.is_user("ann");
  other.open();
  ann.open();
  for (const auto& [word, publisher] : {std::pair("sign", "ann"), std::pair("publish", "nobody")}) {
    other.send("who");
    ann.send(word);
    other.expect(publisher);
  }
}

TEST_P(Testing, TheTimeThatAHandlerGivesIsKept) {
  EXPECT_FALSE(client.closes_at());
  client.send("until");
  EXPECT_EQ(client.closes_at(), std::chrono::system_clock::time_point(1h));
}

TEST_P(Testing, TheTestItselfCanPublish) {
  client.send("news");
  server.publish("room", "from the test");
  client.expect("from the test");
}

TEST_P(Testing, TheTestSaysWhatHttpdAllows) {
  client.send("ask");
  client.expect("yes");
  client.is_allowed("/room", Allowed::no);  // to GET, which is not what is asked about
  client.send("ask");
  client.expect("yes");
  for (const auto answer : {Allowed::no, Allowed::unknown}) {
    client.is_allowed("/room", answer, "POST");
    client.send("ask");
    client.expect(word_of(answer));
  }
}

TEST(Handlers, ThoseThatNeverAskKeepNothingForIt) {
  EXPECT_FALSE(*Server(file_of("echo")).handler().asks_httpd);
  EXPECT_FALSE(*Server(file_of("echo_blocking")).handler().asks_httpd);
}

TEST_P(Testing, WhatWasExpectedIsToldWithWhatCame) {
  const auto said = [](auto function) {
    try {
      function();
    } catch (const Failure& failure) {
      return std::string(failure.what());
    }
    return std::string("nothing");
  };
  EXPECT_THAT(said([&] { client.expect("hello"); }), HasSubstr("expected the text \"hello\", but no message came"));
  client.send("sleep");
  server.advance(1s);
  EXPECT_THAT(said([&] { client.expect_nothing(); }), HasSubstr("the text \"slept\" came"));
  EXPECT_THAT(said([&] { client.expect("hello"); }), HasSubstr("but the text \"slept\" came"));
  EXPECT_THAT(said([&] { client.expect_close(1000); }), HasSubstr("none came"));
  client.send("fail");
  EXPECT_THAT(said([&] { client.expect_close(1000); }), HasSubstr("it has 1003"));
  EXPECT_THAT(said([&] { client.expect("more"); }), HasSubstr("the handler has ended with: as told"));
  Client early(server, "/obey");
  EXPECT_THAT(said([&] { early.send("hello"); }), HasSubstr("call open() first"));
}

// --- channels that write to clients themselves: handlers/chat_wsh.cpp ---------------------------------------

TEST(TestingOfChannels, HistoryResumptionAndEventsComeInJson) {
  Server server(file_of("chat"));
  Client ann(server, "/chat");
  ann.open();
  ann.send("room\nAnn\n");
  ann.send("one");
  EXPECT_THAT(ann.received().at(0).payload(), HasSubstr("\"type\":\"subscribed\""));
  EXPECT_THAT(ann.received().back().payload(), HasSubstr("\"type\":\"message\""));
  EXPECT_THAT(ann.received().back().payload(), HasSubstr("one"));
  Client bob(server, "/chat");
  bob.open();
  bob.send("room\nBob\n");
  EXPECT_THAT(ann.received().back().payload(), HasSubstr("\"type\":\"joined\""));
  EXPECT_THAT(bob.received().back().payload(), HasSubstr("one"));
  bob.close();
  EXPECT_THAT(ann.received().back().payload(), HasSubstr("\"type\":\"left\""));
}

TEST(TestingOfFiles, OneThatCannotBeOpenedIsToldWithTheReason) {
  EXPECT_THROW(Server("no_such_wsh.so"), Failure);
}

}  // namespace
}  // namespace cppwebsocket::testing
