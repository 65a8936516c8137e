// testing.hpp for handlers that receive in fragments, in both styles.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cppwebsocket/blocking_msgutil.hpp>
#include <cppwebsocket/msgutil.hpp>
#include <cppwebsocket/testing.hpp>

namespace cppwebsocket::testing {
namespace {

using ::testing::ElementsAre;

// Says of each part how large it is, and "." where a message ends. Behind "whole" comes one that it gathers.
Task<> tell_parts(Request& request) {
  while (auto fragment = co_await msgutil::receive_fragment(request)) {
    std::string told = std::to_string(fragment->part.size()) + (fragment->end ? "." : "");
    co_await msgutil::send_message(request, std::move(told));
    if (fragment->part.text() != "whole") continue;
    auto message = co_await msgutil::receive_message(request);
    co_await msgutil::send_message(request, std::move(*message));
  }
}
void tell_parts_blocking(BlockingRequest& request) {
  while (auto fragment = msgutil::receive_fragment(request)) {
    msgutil::send_message(request, std::to_string(fragment->part.size()) + (fragment->end ? "." : ""));
    if (fragment->part.text() == "whole") msgutil::send_message(request, *msgutil::receive_message(request));
  }
}

const HandlerTable& coroutine() noexcept {
  static const HandlerTable made = {handler_abi, sizeof(HandlerTable), handler_toolchain,
                                    [](Request& request) { request.receive_in_fragments(1 << 20); },
                                    &tell_parts, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr,
                                    &cppwebsocket::detail::channel_service};
  return made;
}
const HandlerTable& blocking() noexcept {
  static const HandlerTable made = {
      handler_abi, sizeof(HandlerTable), handler_toolchain, nullptr, nullptr, nullptr, nullptr,
      [](BlockingRequest& request) { request.receive_in_fragments(1 << 20); }, &tell_parts_blocking, nullptr,
      nullptr, &cppwebsocket::detail::channel_service};
  return made;
}
const HandlerTable& in_whole_messages() noexcept {
  static HandlerTable made = coroutine();
  made.do_extra_handshake = [](Request&) {};
  return made;
}

class TestingFragments : public ::testing::TestWithParam<HandlerSymbol> {};
INSTANTIATE_TEST_SUITE_P(BothStyles, TestingFragments, ::testing::Values(&coroutine, &blocking));

TEST_P(TestingFragments, EachThatIsSentIsOne) {
  Server server(GetParam());
  Client client(server, "/parts");
  client.open();
  client.send(Message::binary("one"), false);
  client.expect("3");
  client.send(Message::binary("four"));
  client.send("next");
  EXPECT_THAT(client.received(), ElementsAre(Message("3"), Message("4."), Message("4.")));
}

TEST_P(TestingFragments, AReceiveOfAWholeMessageGetsThemJoined) {
  Server server(GetParam());
  Client client(server, "/parts");
  client.open();
  client.send("whole");
  client.expect("5.");
  client.send("one ", false);
  client.send("message", false);
  client.expect_nothing();
  client.send("");
  client.expect("one message");
}

TEST_P(TestingFragments, ACloseInTheMiddleIsTheEnd) {
  Server server(GetParam());
  Client client(server, "/parts");
  client.open();
  client.send("begun", false);
  client.close(4000);
  client.expect_close(4000);
  EXPECT_TRUE(client.has_ended());
}

TEST(TestingFragments, OthersGetWholeMessages) {
  Server server(&in_whole_messages);
  Client client(server, "/parts");
  client.open();
  client.send("one ", false);
  client.expect_nothing();
  client.send("two");
  client.expect("7.");
}

}  // namespace
}  // namespace cppwebsocket::testing
