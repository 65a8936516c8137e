// A session on a transport that knows more than its descriptor shows, as that of TLS does.
#include <gmock/gmock.h>

#include "runtime/session/session.hpp"
#include "runtime/support/session_fixture.hpp"

namespace cppwebsocket::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class SessionTransport : public SessionFixture {
 protected:
  // Sends one message of `size` bytes as soon as it is told to, then echoes.
  Connection& open_sender(std::size_t size) {
    return open([size](Request& request) -> Task<> {
      co_await msgutil::receive_message(request);
      co_await msgutil::send_message(request, std::string(size, 'x'));
      co_await echo(request);
    });
  }
};

TEST_F(SessionTransport, InputThatNoDescriptorShowsIsRead) {
  Connection& connection = open(echo);
  connection.peer->hides_input = true;
  connection.peer->largest_read = 3;
  connection.peer->send(client_text("first") + client_text("second"));
  connection.session->on_ready(true, false, false);  // the descriptor showed the first bytes
  loop_.run();
  EXPECT_THAT(connection.take_words(), ElementsAre("text:first", "text:second"));
}

TEST_F(SessionTransport, EndThatNoDescriptorShowsIsSeen) {
  Connection& connection = open(echo);
  connection.peer->hides_input = true;
  connection.peer->at_end = true;
  connection.peer->send(client_text("last words"));
  connection.session->on_ready(true, false, false);
  loop_.run();
  EXPECT_THAT(connection.take_words(), ElementsAre("text:last words"));
  EXPECT_TRUE(connection.gone);
  EXPECT_TRUE(log_.has("the peer closed TCP without a closing handshake"));
}

TEST_F(SessionTransport, InputWaitsUntilTheHandlerTakesMessages) {
  Connection& connection = open([](Request& request) -> Task<> {
    co_await request.sleep_for(1s);
    co_await echo(request);
  });
  connection.peer->hides_input = true;
  std::string frames;
  for (int i = 0; i < 300; ++i) frames += client_text("m");  // the inbox takes 256
  connection.peer->largest_read = 70;
  connection.peer->send(frames);
  connection.session->on_ready(true, false, false);
  loop_.run();
  EXPECT_FALSE(connection.peer->input.empty());
  loop_.advance(1s);
  loop_.run();
  EXPECT_EQ(connection.take_words().size(), 300u);
}

TEST_F(SessionTransport, BytesThatItHoldsAreUnsent) {
  Connection& connection = open_sender(1000);
  connection.peer->capacity = 0;
  connection.peer->transport_buffer = 5000;
  receive(connection, client_text("go"));
  EXPECT_EQ(connection.peer->held.size(), 1004u);
  EXPECT_TRUE(loop_.interest(*connection.session).writable);
  connection.peer->capacity = FakePeer::unlimited;
  loop_.run();
  EXPECT_THAT(connection.take_words(), ElementsAre("text:" + std::string(1000, 'x')));
  EXPECT_FALSE(loop_.interest(*connection.session).writable);
}

TEST_F(SessionTransport, BytesThatItHoldsAreLostWithTheConnection) {
  Connection& connection = open_sender(1000);
  connection.peer->capacity = 0;
  connection.peer->transport_buffer = 500;
  receive(connection, client_text("go"));
  lose(connection);
  EXPECT_TRUE(log_.has("1004 bytes could not be delivered"));
}

TEST_F(SessionTransport, ShutdownComesBehindWhatItHolds) {
  Connection& connection = open(echo);
  connection.peer->capacity = 0;
  connection.peer->transport_buffer = 5000;
  receive(connection, client_close(1000));
  EXPECT_FALSE(connection.peer->write_ended);
  connection.peer->capacity = FakePeer::unlimited;
  loop_.run();
  EXPECT_THAT(connection.take_words(), ElementsAre("close:1000"));
  EXPECT_TRUE(connection.peer->write_ended);
}

TEST_F(SessionTransport, RefusedShutdownIsRepeatedWhenWritable) {
  Connection& connection = open(echo);
  connection.peer->shutdowns_refused = 2;
  connection.peer->send(client_close(1000));
  loop_.run_once();
  EXPECT_FALSE(connection.peer->write_ended);
  EXPECT_TRUE(loop_.interest(*connection.session).writable);
  loop_.run();
  EXPECT_TRUE(connection.peer->write_ended);
  EXPECT_FALSE(loop_.interest(*connection.session).writable);
}

}  // namespace
}  // namespace cppwebsocket::testing
