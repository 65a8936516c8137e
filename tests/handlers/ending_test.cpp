// Handlers that end connections: close, abort, abort_handshake, internal_error.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "handlers/support/fake_request.hpp"
#include "handlers/support/handler_file.hpp"

namespace cppwebsocket::testing {
namespace {

// How the close handler closes when it is sent `text`.
struct CloseOf {
  explicit CloseOf(Message text) {
    request.shake_hands(handler);
    request.sends(std::move(text));
    request.transfer_data(handler);
  }
  HandlerFile handler{"close"};
  FakeRequest request{"/close"};
};

TEST(Close, ClosesWithTheCodeAndReasonThatItIsSent) {
  CloseOf close("4001 see you later");
  close.request.rethrow();
  ASSERT_TRUE(close.request.closed_with());
  EXPECT_EQ(close.request.closed_with()->code(), 4001);
  EXPECT_EQ(close.request.closed_with()->reason(), "see you later");
  EXPECT_TRUE(close.request.ended());
}

TEST(Close, NeedsNoReason) {
  CloseOf close("1000");
  close.request.rethrow();
  ASSERT_TRUE(close.request.closed_with());
  EXPECT_EQ(close.request.closed_with()->code(), 1000);
  EXPECT_EQ(close.request.closed_with()->reason(), "");
}

TEST(Close, DoesNotTakeWhatIsNoCode) {
  for (const char* text : {"", "hello", "1000x", "-1", "70000 too large", " 1000"}) {
    CloseOf close(text);
    EXPECT_THROW(close.request.rethrow(), UnsupportedFrameException) << text;
    EXPECT_FALSE(close.request.closed_with()) << text;
  }
}

TEST(Close, RaisesForACodeThatMayNotBeSent) {
  CloseOf close("1005 no");
  EXPECT_THROW(close.request.rethrow(), BadOperationException);
}

TEST(Close, AnswersThePeersCloseWithItsOwnCodeAndReason) {
  const HandlerFile handler("close");
  FakeRequest request("/close");
  request.shake_hands(handler);
  request.closes(4002, "enough");
  request.transfer_data(handler);
  EXPECT_TRUE(request.ended());
  const HandlerTable& table = handler;
  ASSERT_NE(table.passive_closing_handshake, nullptr);
  const Close answer = table.passive_closing_handshake(request);
  EXPECT_EQ(answer.code(), 4002);
  EXPECT_EQ(answer.reason(), "enough");
}

TEST(Close, AnswersACloseWithoutACodeInKind) {
  const HandlerFile handler("close");
  FakeRequest request("/close");
  request.shake_hands(handler);
  request.closes(close_code::no_status_received);
  const HandlerTable& table = handler;
  EXPECT_EQ(table.passive_closing_handshake(request).code(), std::nullopt);
}

TEST(Abort, DropsTheOpenConnection) {
  const HandlerFile handler("abort");
  FakeRequest request("/abort");
  request.shake_hands(handler);
  request.transfer_data(handler);
  EXPECT_THROW(request.rethrow(), AbortedByUserException);
  EXPECT_FALSE(request.closed_with());
}

TEST(AbortHandshake, DropsTheConnectionInsteadOfAnAnswer) {
  const HandlerFile handler("abort_handshake");
  FakeRequest request("/abort_handshake");
  EXPECT_THROW(request.shake_hands(handler), AbortedByUserException);
}

TEST(InternalError, RaisesWhatNobodyExpects) {
  const HandlerFile handler("internal_error");
  FakeRequest request("/internal_error");
  request.shake_hands(handler);
  request.transfer_data(handler);
  EXPECT_THROW(request.rethrow(), std::logic_error);
}

TEST(OtherHandlers, LeaveTheAnswerToThePeersCloseToTheServer) {
  for (const char* name : {"echo", "echo_noext", "bench", "heartbeat", "subprotocol"}) {
    const HandlerFile handler(name);
    const HandlerTable& table = handler;
    EXPECT_EQ(table.passive_closing_handshake, nullptr) << name;
  }
}

}  // namespace
}  // namespace cppwebsocket::testing
