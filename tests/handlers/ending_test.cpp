// Handlers that end connections: close, abort, abort_handshake, internal_error.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cppwebsocket/testing.hpp>

#include "handlers/support/handler_file.hpp"

namespace cppwebsocket::testing {
namespace {

// How the close handler closes when it is sent `text`.
struct CloseOf {
  explicit CloseOf(Message text) {
    request.open();
    request.send(std::move(text));
  }
  Server server{file_of("close")};
  Client request{server, "/close"};
};

TEST(Close, ClosesWithTheCodeAndReasonThatItIsSent) {
  for (const auto& [text, expected] :
       {std::pair("4001 see you later", Close(4001, "see you later")), {"1000", Close(1000)}}) {
    CloseOf close(text);
    close.request.rethrow();
    ASSERT_TRUE(close.request.closed_with()) << text;
    EXPECT_EQ(close.request.closed_with()->code(), expected.code()) << text;
    EXPECT_EQ(close.request.closed_with()->reason(), expected.reason()) << text;
    EXPECT_TRUE(close.request.has_ended()) << text;
  }
}

TEST(Close, DoesNotTakeWhatIsNoCode) {
  for (const char* text : {"", "hello", "1000x", "-1", "70000 too large", " 1000"}) {
    CloseOf close(text);
    EXPECT_THROW(close.request.rethrow(), UnsupportedFrameException) << text;
    EXPECT_NO_THROW(close.request.expect_close(1003)) << text;
  }
}

TEST(Close, RaisesForACodeThatMayNotBeSent) {
  CloseOf close("1005 no");
  EXPECT_THROW(close.request.rethrow(), BadOperationException);
}

TEST(Close, AnswersThePeersCloseWithItsOwnCodeAndReason) {
  Server server(file_of("close"));
  Client request(server, "/close");
  request.open();
  request.close(4002, "enough");
  EXPECT_TRUE(request.has_ended());
  ASSERT_TRUE(request.closed_with());
  EXPECT_EQ(request.closed_with()->code(), 4002);
  EXPECT_EQ(request.closed_with()->reason(), "enough");
}

TEST(Close, AnswersACloseWithoutACodeInKind) {
  Server server(file_of("close"));
  Client request(server, "/close");
  request.open();
  request.close(close_code::no_status_received);
  ASSERT_TRUE(request.closed_with());
  EXPECT_EQ(request.closed_with()->code(), std::nullopt);
}

TEST(Abort, DropsTheOpenConnection) {
  Server server(file_of("abort"));
  Client request(server, "/abort");
  request.open();
  EXPECT_THROW(request.rethrow(), AbortedByUserException);
  EXPECT_FALSE(request.closed_with());
}

TEST(AbortHandshake, DropsTheConnectionInsteadOfAnAnswer) {
  Server server(file_of("abort_handshake"));
  Client request(server, "/abort_handshake");
  EXPECT_THROW(request.open(), AbortedByUserException);
}

TEST(InternalError, RaisesWhatNobodyExpects) {
  Server server(file_of("internal_error"));
  Client request(server, "/internal_error");
  request.open();
  EXPECT_THROW(request.rethrow(), std::logic_error);
}

TEST(OtherHandlers, LeaveTheAnswerToThePeersCloseToTheServer) {
  for (const char* name : {"echo", "echo_noext", "bench", "heartbeat", "subprotocol"}) {
    const Server server(file_of(name));
    EXPECT_EQ(server.handler().passive_closing_handshake, nullptr) << name;
  }
}

}  // namespace
}  // namespace cppwebsocket::testing
