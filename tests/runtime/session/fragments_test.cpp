// Messages that a handler receives in fragments, in both styles: back-pressure, limits, ends in the middle.
#include <gmock/gmock.h>

#include <atomic>
#include <semaphore>

#include "protocol/support/deflate_peer.hpp"
#include "runtime/session/inbox.hpp"
#include "runtime/support/session_fixture.hpp"
#include "runtime/support/threads.hpp"

namespace cppwebsocket::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::size_t most = 64 << 20;  // bytes
const auto in_fragments = [](auto& request) { request.receive_in_fragments(most); };

Task<> echo_parts(Request& request) {
  while (auto fragment = co_await msgutil::receive_fragment(request))
    co_await msgutil::send_message(request, std::move(fragment->part), fragment->end);
}
void echo_parts_blocking(BlockingRequest& request) {
  while (auto fragment = msgutil::receive_fragment(request))
    msgutil::send_message(request, std::move(fragment->part), fragment->end);
}

// The messages in `bytes`, with fragments joined; "…" behind what is not complete.
Words joined_words(std::string_view bytes) {
  Words all;
  bool begun = false;
  for (const ServerFrame& frame : server_frames(bytes)) {
    if (frame.opcode > binary) continue;
    if (!begun) all.emplace_back(frame.opcode == text ? "text:" : "binary:");
    all.back() += frame.payload;
    begun = !frame.fin;
  }
  if (begun) all.back() += "…";
  return all;
}

class Fragments : public SessionFixture, protected Notes {
 protected:
  Connection& open_parts(std::function<Task<>(Request&)> transfer, Script script = {}) {
    script.handshake = in_fragments;
    script.transfer = std::move(transfer);
    return open(std::move(script));
  }
  Connection& open_blocking_parts(std::function<void(BlockingRequest&)> transfer, Script script = {}) {
    script.blocking_handshake = in_fragments;
    script.blocking_transfer = std::move(transfer);
    return open(std::move(script));
  }
  [[nodiscard]] bool turn_until_seen(std::size_t count) {
    return loop_.run_until([&] { return seen().size() >= count; });
  }
  // Notes what comes: each part's size, "+" where more follows, and how it ends.
  Task<> note_parts(Request& request) {
    try {
      while (auto fragment = co_await msgutil::receive_fragment(request))
        note(std::to_string(fragment->part.size()) + (fragment->end ? "" : "+"));
      note("closed");
    } catch (const ConnectionTerminatedException&) {
      note("terminated");
    }
  }
};

// --- the coroutine style ---------------------------------------------------------------------------

TEST_F(Fragments, EachComesAsSoonAsItIsHere) {
  Connection& connection = open_parts([&](Request& request) { return note_parts(request); });
  const std::string frame = client_text(std::string(1000, 'x'));
  receive(connection, frame.substr(0, 508));
  receive(connection, frame.substr(508) + client_text("whole"));
  EXPECT_THAT(seen(), ElementsAre("500+", "500", "5"));
}

TEST_F(Fragments, PingsInBetweenAreAnswered) {
  Connection& connection = open_parts(echo_parts);
  receive(connection, client_frame(text, "hel", false) + client_frame(ping, "x") +
                          client_frame(continuation, "lo"));
  EXPECT_EQ(joined_words(connection.peer->output), Words{"text:hello"});
  EXPECT_THAT(words(connection.peer->output), ::testing::Contains("pong:x"));
}

TEST_F(Fragments, AnEchoOfAnySizeIsTheSame) {
  std::string payload;
  for (int i = 0; payload.size() < 3'000'000; ++i) payload += std::to_string(i) + " 語";
  Connection& connection = open_parts(echo_parts);
  receive(connection, client_text(payload) + client_text("next"));
  EXPECT_TRUE(joined_words(connection.peer->output) == (Words{"text:" + payload, "text:next"}));
}

TEST_F(Fragments, WhoTakesNoneIsNotReadFor) {
  std::size_t taken = 0;
  Connection& connection = open_parts([&](Request& request) -> Task<> {
    co_await request.sleep_for(1s);
    while (auto fragment = co_await msgutil::receive_fragment(request)) {
      taken += fragment->part.size();
      EXPECT_LE(fragment->part.size(), 2 * runtime::Inbox::max_bytes);
      co_await request.sleep_for(1s);
    }
  });
  const std::string frame = client_frame(binary, std::string(10 << 20, 'x'));
  receive(connection, frame);
  const auto read = [&] { return frame.size() - connection.peer->input.size(); };
  EXPECT_LT(read(), 200'000U);
  for (int i = 0; i < 20; ++i) {
    loop_.advance(1s);
    EXPECT_LT(read() - taken, 200'000U);
  }
  EXPECT_GT(taken, 1'000'000U);
  loop_.advance(200s);
  EXPECT_EQ(taken, std::size_t{10 << 20});
}

TEST_F(Fragments, WhatInflatesToMuchIsAsSlow) {
  std::size_t taken = 0, largest = 0;
  Connection& connection = open_parts(
      [&](Request& request) -> Task<> {
        while (auto fragment = co_await msgutil::receive_fragment(request)) {
          taken += fragment->part.size();
          largest = std::max(largest, fragment->part.size());
          co_await request.sleep_for(1s);
        }
      },
      {.deflate = protocol::test::no_takeover});
  protocol::test::Peer client(protocol::test::no_takeover);
  std::string frame = client_frame(binary, client.compress(std::string(5 << 20, '\0')));
  frame[0] = static_cast<char>(frame[0] | 0x40);
  receive(connection, frame);
  EXPECT_LT(taken, 200'000U);
  loop_.advance(100s);
  EXPECT_EQ(taken, std::size_t{5 << 20});
  EXPECT_LT(largest, 200'000U);
}

TEST_F(Fragments, AReceiveOfAWholeMessageGathersIt) {
  Connection& connection = open_parts(echo);
  const std::string payload(500'000, 'x');
  receive(connection, client_text(payload) + client_text("next"));
  EXPECT_TRUE(connection.take_words() == (Words{"text:" + payload, "text:next"}));
}

TEST_F(Fragments, AReceiveOfAWholeMessageGathersWhatHasComeBefore) {
  Connection& connection = open_parts([&](Request& request) -> Task<> {
    co_await request.sleep_for(1s);
    auto fragment = co_await msgutil::receive_fragment(request);
    const std::size_t size = fragment->part.size();
    auto rest = co_await msgutil::receive_message(request);
    note(std::to_string(size + rest->size()));
    co_await note_parts(request);
  });
  receive(connection, client_text(std::string(300'000, 'x')) + client_text("next"));
  loop_.advance(1s);
  EXPECT_THAT(seen(), ElementsAre("300000", "4"));
}

TEST_F(Fragments, WhatIsGatheredIsBoundedBy1009) {
  for (const bool sleeps : {false, true}) {
    Connection& connection = open_parts(
        [&](Request& request) -> Task<> {
          if (sleeps) co_await request.sleep_for(1s);
          co_await echo(request);
        },
        {.limits = {.max_message_size = 1000}});
    receive(connection, client_text(std::string(1000, 'x')) + client_text(std::string(1001, 'x')));
    loop_.advance(1s);
    EXPECT_THAT(connection.take_words(), ElementsAre("text:" + std::string(1000, 'x'), HasSubstr("close:1009")));
  }
}

TEST_F(Fragments, AMessageAboveTheHandlersOwnLimitClosesWith1009) {
  Connection& connection = open({.transfer = [&](Request& request) { return note_parts(request); },
                                 .handshake = [](Request& request) { request.receive_in_fragments(10); }});
  receive(connection, client_text(std::string(10, 'x')) + client_text(std::string(11, 'x')));
  EXPECT_THAT(connection.take_words(), ElementsAre(HasSubstr("close:1009")));
  EXPECT_THAT(seen(), ElementsAre("10", "terminated"));
}

TEST_F(Fragments, OnOtherConnectionsEachMessageIsOne) {
  Connection& connection = open([&](Request& request) { return note_parts(request); });
  receive(connection, client_frame(text, "hel", false) + client_frame(continuation, "lo"));
  EXPECT_THAT(seen(), ElementsAre("5"));
}

TEST_F(Fragments, AReceiveMayTimeOutInTheMiddle) {
  Connection& connection = open_parts([&](Request& request) -> Task<> {
    auto first = co_await msgutil::receive_fragment(request, 1h);
    try {
      co_await msgutil::receive_fragment(request, 1ms);
    } catch (const TimeoutException&) {
      note("timeout");
    }
    co_await note_parts(request);
  });
  receive(connection, client_frame(text, "hel", false));
  loop_.advance(1s);
  receive(connection, client_frame(continuation, "lo"));
  EXPECT_THAT(seen(), ElementsAre("timeout", "2"));
}

// --- ends in the middle -----------------------------------------------------------------------------

TEST_F(Fragments, AHandlerThatReturnsInTheMiddleClosesAndTheRestIsDropped) {
  Connection& connection = open_parts([](Request& request) -> Task<> {
    auto first = co_await msgutil::receive_fragment(request);
    co_await msgutil::send_message(request, "enough");
  });
  const std::string frame = client_frame(binary, std::string(1 << 20, 'x'));
  receive(connection, frame.substr(0, 1000));
  EXPECT_THAT(connection.take_words(), ElementsAre("text:enough", "close:1000"));
  receive(connection, frame.substr(1000));
  EXPECT_TRUE(connection.peer->input.empty());
  EXPECT_FALSE(connection.peer->write_ended);
  receive(connection, client_close(1000));
  EXPECT_TRUE(connection.peer->write_ended);
  lose(connection);
  EXPECT_TRUE(connection.gone);
}

TEST_F(Fragments, AnExceptionInTheMiddleClosesWithItsCode) {
  Connection& connection = open_parts([](Request& request) -> Task<> {
    auto first = co_await msgutil::receive_fragment(request);
    throw UnsupportedFrameException("no such thing");
  });
  receive(connection, client_frame(binary, "begun", false) + client_frame(continuation, "more", false));
  EXPECT_THAT(connection.take_words(), ElementsAre("close:1003"));
}

TEST_F(Fragments, ACloseInTheMiddleEndsCleanly) {
  Connection& connection = open_parts([&](Request& request) { return note_parts(request); });
  receive(connection, client_frame(binary, "begun", false) + client_close(1000));
  EXPECT_THAT(seen(), ElementsAre("5+", "closed"));
  EXPECT_THAT(connection.take_words(), ElementsAre("close:1000"));
}

TEST_F(Fragments, ACloseInTheMiddleOfWhatIsGatheredEndsCleanly) {
  for (const bool sleeps : {false, true}) {
    Connection& connection = open_parts([&](Request& request) -> Task<> {
      if (sleeps) co_await request.sleep_for(1s);
      auto message = co_await msgutil::receive_message(request);
      note(message ? "a message" : "closed");
    });
    receive(connection, client_frame(binary, "begun", false) + client_close(1000));
    loop_.advance(1s);
    EXPECT_EQ(seen().back(), "closed");
    EXPECT_THAT(connection.take_words(), ElementsAre("close:1000"));
  }
}

TEST_F(Fragments, ALossInTheMiddleRaisesBehindWhatHasCome) {
  Connection& connection = open_parts([&](Request& request) { return note_parts(request); });
  receive(connection, client_frame(binary, "begun", false));
  lose(connection);
  EXPECT_THAT(seen(), ElementsAre("5+", "terminated"));
  EXPECT_TRUE(connection.gone);
}

TEST_F(Fragments, APeerThatStallsInTheMiddleIsClosedWith1008) {
  Connection& connection = open_parts([&](Request& request) { return note_parts(request); },
                                      {.limits = {.ping_interval = 0s}, .message_timeout = 60s});
  receive(connection, client_frame(binary, std::string(2048, 'x'), false));
  loop_.advance(61s);
  EXPECT_THAT(connection.take_words(), ElementsAre());
  loop_.advance(1s);  // it has a second more for each KiB that has come
  EXPECT_THAT(connection.take_words(), ElementsAre(HasSubstr("close:1008")));
}

TEST_F(Fragments, WhileTheHandlerTakesNoneThePeerHasTime) {
  Connection& connection = open_parts(
      [&](Request& request) -> Task<> {
        co_await request.sleep_for(24h);
        co_await note_parts(request);
      },
      {.limits = {.ping_interval = 0s}, .message_timeout = 60s});
  receive(connection, client_frame(binary, std::string(100'000, 'x'), false));
  loop_.advance(24h);
  receive(connection, client_frame(continuation, "end"));
  EXPECT_EQ(seen().back(), "3");
}

// --- the drafts --------------------------------------------------------------------------------------

TEST_F(Fragments, ADraftsTextComesInThem) {
  Connection& connection = open_parts(echo_parts, {.version = Version::draft76});
  const std::string text(200'000, 'x');
  receive(connection, std::string(1, '\0') + text + "\xff");
  EXPECT_TRUE(connection.peer->output == std::string(1, '\0') + text + "\xff");
}

// --- the blocking style ------------------------------------------------------------------------------

TEST_F(Fragments, ABlockingEchoOfAnySizeIsTheSame) {
  Connection& connection = open_blocking_parts(echo_parts_blocking);
  const std::string payload(3'000'000, 'x');
  receive(connection, client_text(payload) + client_text("next"));
  ASSERT_TRUE(loop_.run_until([&] { return connection.peer->output.size() > payload.size() + 6 &&
                                           connection.peer->output.ends_with("next"); }));
  EXPECT_TRUE(joined_words(connection.peer->output) == (Words{"text:" + payload, "text:next"}));
}

TEST_F(Fragments, ABlockingHandlerThatTakesNoneIsNotReadFor) {
  std::counting_semaphore<> may_go{0};
  std::atomic<std::size_t> taken = 0;
  Connection& connection = open_blocking_parts([&](BlockingRequest& request) {
    may_go.acquire();
    while (auto fragment = msgutil::receive_fragment(request)) {
      taken += fragment->part.size();
      if (fragment->end) note("end");
    }
  });
  const std::string frame = client_frame(binary, std::string(10 << 20, 'x'));
  receive(connection, frame);
  EXPECT_GT(connection.peer->input.size(), frame.size() - 200'000);
  may_go.release();
  ASSERT_TRUE(turn_until_seen(1));
  EXPECT_EQ(taken, std::size_t{10 << 20});
}

TEST_F(Fragments, ABlockingReceiveOfAWholeMessageGathersIt) {
  std::counting_semaphore<> may_go{0};
  Connection& connection = open_blocking_parts([&](BlockingRequest& request) {
    may_go.acquire();
    auto fragment = msgutil::receive_fragment(request);
    auto rest = msgutil::receive_message(request);
    note(std::to_string(fragment->part.size() + rest->size()));
    note(msgutil::receive_message(request)->payload());
    try {
      msgutil::receive_message(request);
    } catch (const ConnectionTerminatedException&) {
      note("terminated");
    }
  });
  receive(connection, client_text(std::string(500'000, 'x')) + client_text("next") +
                          client_text(std::string((1 << 20) + 1, 'x')));
  may_go.release();
  ASSERT_TRUE(turn_until_seen(3));
  EXPECT_THAT(seen(), ElementsAre("500000", "next", "terminated"));
  EXPECT_THAT(connection.take_words(), ElementsAre(HasSubstr("close:1009")));
}

TEST_F(Fragments, ACloseInTheMiddleEndsABlockingReceiveCleanly) {
  for (const bool whole : {false, true}) {
    const std::size_t before = seen().size();
    Connection& connection = open_blocking_parts([&](BlockingRequest& request) {
      if (whole)
        note(msgutil::receive_message(request) ? "a message" : "closed");
      else
        note(msgutil::receive_fragment(request) && !msgutil::receive_fragment(request) ? "closed" : "more");
    });
    receive(connection, client_frame(binary, "begun", false) + client_close(1000));
    ASSERT_TRUE(turn_until_seen(before + 1));
    EXPECT_EQ(seen().back(), "closed");
    ASSERT_TRUE(loop_.run_until([&] { return !connection.peer->output.empty(); }));
    EXPECT_THAT(connection.take_words(), ElementsAre("close:1000"));
  }
}

}  // namespace
}  // namespace cppwebsocket::testing
