// Sessions whose wire format goes one way only.
#include <gmock/gmock.h>

#include "runtime/support/session_end_fixture.hpp"

namespace cppwebsocket::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class SessionEventStream : public SessionEnd {
 protected:
  Connection& open_stream(ConnectionLimits limits = {}) {
    return open({.transfer = noting(), .limits = limits, .version = Version::event_stream});
  }
};

TEST_F(SessionEventStream, SendsWhatTheHandlerSends) {
  Connection& connection = open({.transfer = [](Request& request) -> Task<> {
                                   co_await msgutil::send_message(request, "one");
                                   co_await msgutil::send_message(request, Message::binary("\1"));
                                   co_await echo(request);
                                 },
                                 .version = Version::event_stream});
  EXPECT_EQ(connection.peer->take_output(), "data: one\n\nevent: binary\ndata: AQ==\n\n");
}

TEST_F(SessionEventStream, ASilentClientIsSentCommentsAndIsNotTakenForDead) {
  Connection& connection = open_stream({.ping_interval = 10s});
  for (int i = 0; i < 20; ++i) {
    loop_.advance(9950ms);
    EXPECT_EQ(connection.peer->take_output(), "");
    loop_.advance(50ms);
    EXPECT_EQ(connection.peer->take_output(), ":\n");
  }
  EXPECT_FALSE(connection.gone);
}

TEST_F(SessionEventStream, TheEndOfItsInputIsTheClientsEnd) {
  Connection& connection = open_stream();
  receive(connection, "this means nothing");
  EXPECT_THAT(seen_, IsEmpty());
  lose(connection);
  EXPECT_THAT(seen_, ElementsAre("end 1005"));
  EXPECT_TRUE(connection.gone);
}

TEST_F(SessionEventStream, TheServersEndIsTheStreamsEnd) {
  Connection& connection = open_stream();
  connection.session->go_away_now();
  loop_.run();
  EXPECT_THAT(seen_, ElementsAre("terminated 1001"));
  EXPECT_TRUE(connection.peer->write_ended);
  EXPECT_EQ(connection.peer->take_output(), "");
}

}  // namespace
}  // namespace cppwebsocket::testing
