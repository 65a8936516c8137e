// How connections of the drafts end.
#include <gmock/gmock.h>


#include "runtime/support/session_end_fixture.hpp"

namespace cppwebsocket::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

std::string draft_frame(std::string_view text) {
  return std::string("\0", 1).append(text).append("\xff");
}
const std::string draft_close("\xff\0", 2);

TEST_F(SessionEnd, Draft75EndsCleanlyWithTheStream) {
  Connection& connection = open({.transfer = noting(), .version = Version::draft75});
  receive(connection, draft_frame("hello"));
  lose(connection);
  EXPECT_THAT(seen_, ElementsAre("hello", "end 1005"));
  EXPECT_EQ(connection.peer->output, "");
  EXPECT_TRUE(connection.gone);
}

TEST_F(SessionEnd, Draft75InTheMiddleOfAFrameIsLost) {
  Connection& connection = open({.transfer = noting(), .version = Version::draft75});
  receive(connection, std::string("\0hel", 4));
  lose(connection);
  EXPECT_THAT(seen_, ElementsAre("terminated 1006"));
}

TEST_F(SessionEnd, Draft75ClosesByEndingTheStream) {
  Connection& connection = open({.transfer = [&](Request& request) -> Task<> {
                                   co_await msgutil::send_message(request, "bye");
                                   co_await msgutil::close_connection(request);
                                   seen_.push_back("closed");
                                 },
                                 .version = Version::draft75});
  EXPECT_THAT(seen_, ElementsAre("closed"));
  EXPECT_EQ(connection.peer->output, draft_frame("bye"));
  EXPECT_TRUE(connection.peer->write_ended);
}

TEST_F(SessionEnd, Draft76HasTheClosingHandshake) {
  Connection& connection = open({.transfer = noting(), .version = Version::draft76});
  receive(connection, draft_frame("hello") + draft_close);
  EXPECT_THAT(seen_, ElementsAre("hello", "end 1005"));
  EXPECT_EQ(connection.peer->output, draft_close);
  EXPECT_TRUE(connection.peer->write_ended);
}

TEST_F(SessionEnd, TheDraftsHaveNeitherBinaryNorPings) {
  for (Version version : {Version::draft75, Version::draft76}) {
    Connection& connection =
        open({.transfer = [&](Request& request) -> Task<> {
                try {
                  co_await msgutil::send_message(request, Message::binary("x"));
                } catch (const BadOperationException&) {
                  seen_.push_back("no binary");
                }
                try {
                  co_await msgutil::send_ping(request);
                } catch (const BadOperationException&) {
                  seen_.push_back("no ping");
                }
                co_await echo(request);
              },
              .version = version});
    loop_.advance(10min);
    EXPECT_FALSE(connection.gone);  // nor is it pinged, nor taken for dead
    EXPECT_EQ(connection.peer->output, "");
  }
  EXPECT_THAT(seen_, ElementsAre("no binary", "no ping", "no binary", "no ping"));
}

}  // namespace
}  // namespace cppwebsocket::testing
