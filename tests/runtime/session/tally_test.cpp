// What is counted of a connection, and of its handler.
#include <gtest/gtest.h>

#include "runtime/support/session_fixture.hpp"

namespace cppwebsocket::testing {
namespace {

using namespace std::chrono_literals;

class TallyTest : public SessionFixture {
 protected:
  Connection& open_echo() {
    return open([](Request& request) -> Task<> {
      while (auto message = co_await msgutil::receive_message(request))
        co_await msgutil::send_message(request, std::move(*message));
    });
  }
  runtime::HandlerCounters& counters() { return loop_.counters(0); }
};

TEST_F(TallyTest, MessagesAndTheirPayloadAreCountedBothWays) {
  Connection& connection = open_echo();
  receive(connection, client_text("hello"));
  receive(connection, client_text(std::string(1000, 'x')) + client_frame(0x9, "ping"));
  const runtime::Tally& tally = connection.session->wire().tally();
  EXPECT_EQ(tally.messages_in, 2u);
  EXPECT_EQ(tally.messages_out, 2u);
  EXPECT_EQ(tally.bytes_in, 1005u);
  EXPECT_EQ(tally.bytes_out, 1005u);
  EXPECT_EQ(counters().messages_in, 2u);
  EXPECT_EQ(counters().bytes_out, 1005u);
  EXPECT_EQ(loop_.counters().in, 2 + 4 + 5u + 4 + 4 + 1000u + 2 + 4 + 4u);  // RFC 6455 §5.2
  EXPECT_EQ(loop_.counters().out, 2 + 5u + 4 + 1000u + 2 + 4u);
}

TEST_F(TallyTest, AMessageInFragmentsIsOne) {
  Connection& connection = open_echo();
  receive(connection, client_frame(0x1, "ab", false));
  EXPECT_EQ(connection.session->wire().tally().messages_in, 0u);
  receive(connection, client_frame(0x0, "cde", true));
  EXPECT_EQ(connection.session->wire().tally().messages_in, 1u);
  EXPECT_EQ(connection.session->wire().tally().bytes_in, 5u);
}

TEST_F(TallyTest, AnEndIsCountedByItsCode) {
  Connection& first = open_echo();
  open_echo();
  EXPECT_EQ(counters().open, 2u);
  loop_.advance(5s);
  EXPECT_NEAR(std::chrono::duration<double>(first.session->wire().tally().age(loop_.now())).count(), 5, 0.001);
  receive(first, client_close(1000));
  lose(first);
  EXPECT_EQ(counters().open, 1u);
  EXPECT_EQ(counters().opened, 2u);
  EXPECT_EQ(counters().closed[runtime::place_of(1000)], 1u);
  EXPECT_GE(counters().seconds, 4u);
}

TEST_F(TallyTest, AnExceptionOfTheHandlerIsCounted) {
  open([](Request&) -> Task<> {
    throw std::runtime_error("no");
    co_return;
  });
  EXPECT_EQ(counters().exceptions, 1u);
}

TEST_F(TallyTest, HowLongOutputWaitedIsNoted) {
  Connection& connection = open_echo();
  connection.peer->capacity = 0;
  receive(connection, client_text("hello"));
  loop_.advance(3s);
  EXPECT_EQ(connection.session->wire().waited(), 3s);
  connection.peer->capacity = 1000;
  loop_.run();
  EXPECT_EQ(loop_.counters().waits.all, 1u);
  ASSERT_TRUE(connection.session->record().seldom);
  EXPECT_EQ(connection.session->record().seldom->longest_wait, 3s);
}

}  // namespace
}  // namespace cppwebsocket::testing
