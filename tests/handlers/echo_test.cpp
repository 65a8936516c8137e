// echo, echo_noext and echo_blocking.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "handlers/support/fake_blocking_request.hpp"
#include "handlers/support/fake_request.hpp"
#include "handlers/support/handler_file.hpp"

namespace cppwebsocket::testing {
namespace {

using ::testing::ElementsAre;

constexpr const char* peaches = "もももすももももものうち";
const Message zeroes = Message::binary(std::string("\0\xff\0", 3));

TEST(Echo, SendsTextsAndBinariesBackInTheirOrder) {
  const HandlerFile handler("echo");
  FakeRequest request("/echo");
  request.shake_hands(handler);
  request.sends(peaches);
  request.sends(zeroes);
  request.sends("");
  request.closes(1000);
  request.transfer_data(handler);
  EXPECT_THAT(request.sent(), ElementsAre(Message(peaches), zeroes, Message("")));
  EXPECT_TRUE(request.ended());
  EXPECT_NO_THROW(request.rethrow());
  EXPECT_TRUE(request.extensions_enabled());
}

TEST(Echo, WaitsForTheNextMessage) {
  const HandlerFile handler("echo");
  FakeRequest request("/echo");
  request.shake_hands(handler);
  request.transfer_data(handler);
  EXPECT_FALSE(request.ended());
  request.sends("one");
  request.deliver();
  EXPECT_THAT(request.sent(), ElementsAre(Message("one")));
  EXPECT_FALSE(request.ended());
  request.closes(1001);
  request.deliver();
  EXPECT_TRUE(request.ended());
}

TEST(Echo, EndsWithALostConnection) {
  const HandlerFile handler("echo");
  FakeRequest request("/echo");
  request.shake_hands(handler);
  request.transfer_data(handler);
  request.lose();
  EXPECT_TRUE(request.ended());
  EXPECT_THROW(request.rethrow(), ConnectionTerminatedException);
}

TEST(EchoNoext, TurnsExtensionsOffAndEchoes) {
  const HandlerFile handler("echo_noext");
  FakeRequest request("/echo_noext");
  request.shake_hands(handler);
  EXPECT_FALSE(request.extensions_enabled());
  request.sends(peaches);
  request.closes(1000);
  request.transfer_data(handler);
  EXPECT_THAT(request.sent(), ElementsAre(Message(peaches)));
}

TEST(EchoBlocking, SendsTextsAndBinariesBackInTheirOrder) {
  const HandlerFile handler("echo_blocking");
  FakeBlockingRequest request("/echo_blocking");
  request.shake_hands(handler);
  request.sends(peaches);
  request.sends(zeroes);
  request.closes(1000);
  request.transfer_data(handler);
  EXPECT_THAT(request.sent(), ElementsAre(Message(peaches), zeroes));
}

TEST(EchoBlocking, EndsWithALostConnection) {
  const HandlerFile handler("echo_blocking");
  FakeBlockingRequest request("/echo_blocking");
  request.shake_hands(handler);
  EXPECT_THROW(request.transfer_data(handler), ConnectionTerminatedException);
}

}  // namespace
}  // namespace cppwebsocket::testing
