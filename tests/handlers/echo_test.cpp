// echo, echo_noext and echo_blocking.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cppwebsocket/testing.hpp>

#include "handlers/support/handler_file.hpp"

namespace cppwebsocket::testing {
namespace {

using ::testing::ElementsAre;

constexpr const char* peaches = "もももすももももものうち";
const Message zeroes = Message::binary(std::string("\0\xff\0", 3));

TEST(Echo, SendsTextsAndBinariesBackInTheirOrder) {
  Server server(file_of("echo"));
  Client request(server, "/echo");
  request.open();
  request.send(peaches);
  request.send(zeroes);
  request.send("");
  request.close(1000);
  EXPECT_THAT(request.received(), ElementsAre(Message(peaches), zeroes, Message("")));
  EXPECT_TRUE(request.has_ended());
  EXPECT_NO_THROW(request.rethrow());
  EXPECT_TRUE(request.extensions_enabled());
}

TEST(Echo, WaitsForTheNextMessage) {
  Server server(file_of("echo"));
  Client request(server, "/echo");
  request.open();
  EXPECT_FALSE(request.has_ended());
  request.send("one");
  EXPECT_THAT(request.received(), ElementsAre(Message("one")));
  EXPECT_FALSE(request.has_ended());
  request.close(1001);
  EXPECT_TRUE(request.has_ended());
}

TEST(Echo, EndsWithALostConnection) {
  Server server(file_of("echo"));
  Client request(server, "/echo");
  request.open();
  request.lose();
  EXPECT_TRUE(request.has_ended());
  EXPECT_THROW(request.rethrow(), ConnectionTerminatedException);
}

TEST(EchoNoext, TurnsExtensionsOffAndEchoes) {
  Server server(file_of("echo_noext"));
  Client request(server, "/echo_noext");
  request.open();
  EXPECT_FALSE(request.extensions_enabled());
  request.send(peaches);
  request.close(1000);
  EXPECT_THAT(request.received(), ElementsAre(Message(peaches)));
}

TEST(EchoBlocking, SendsTextsAndBinariesBackInTheirOrder) {
  Server server(file_of("echo_blocking"));
  Client request(server, "/echo_blocking");
  request.open();
  request.send(peaches);
  request.send(zeroes);
  request.close(1000);
  EXPECT_THAT(request.received(), ElementsAre(Message(peaches), zeroes));
}

TEST(EchoBlocking, EndsWithALostConnection) {
  Server server(file_of("echo_blocking"));
  Client request(server, "/echo_blocking");
  request.open();
  request.lose();
  EXPECT_THROW(request.rethrow(), ConnectionTerminatedException);
}

}  // namespace
}  // namespace cppwebsocket::testing
