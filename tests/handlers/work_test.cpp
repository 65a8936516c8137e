// testing::Work: what a handler does without a connection, in both styles.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include <cppwebsocket/membership.hpp>
#include <cppwebsocket/msgutil.hpp>
#include <cppwebsocket/testing.hpp>

namespace cppwebsocket::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

Task<> tick(Background& background) {
  try {
    for (int number = 1; number < 4; ++number) {
      co_await background.sleep_for(1s);
      Channel::named("ticks").publish(std::to_string(number));
    }
  } catch (const StoppedException&) {
    background.log(LogLevel::info, "stopped");
    throw;
  }
  throw std::runtime_error("out of ticks");
}
void tick_blocking(BlockingBackground& background) {
  try {
    for (int number = 1; number < 4; ++number) {
      background.sleep_for(1s);
      Channel::named("ticks").publish(std::to_string(number));
    }
  } catch (const StoppedException&) {
    background.log(LogLevel::info, "stopped");
    throw;
  }
  throw std::runtime_error("out of ticks");
}
Task<> listen(Request& request) {
  const auto membership = Channel::named("ticks").join(request);
  while (auto message = co_await msgutil::receive_message(request)) {
  }
}

HandlerTable listener() {
  HandlerTable table{};
  table.abi = handler_abi;
  table.size = sizeof(HandlerTable);
  table.toolchain = handler_toolchain;
  table.do_extra_handshake = [](Request&) {};
  table.transfer_data = &listen;
  table.channels = &cppwebsocket::detail::channel_service;
  return table;
}
const HandlerTable& coroutine() noexcept {
  static const HandlerTable made = [] {
    HandlerTable table = listener();
    table.once_per_httpd = &tick;
    return table;
  }();
  return made;
}
const HandlerTable& blocking() noexcept {
  static const HandlerTable made = [] {
    HandlerTable table = listener();
    table.blocking_once_per_httpd = &tick_blocking;
    return table;
  }();
  return made;
}

struct WorkTest : ::testing::TestWithParam<HandlerSymbol> {
  Server server{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Styles, WorkTest, ::testing::Values(&coroutine, &blocking),
                         [](const auto& info) {
                           return std::string(info.param == &coroutine ? "Coroutine" : "Blocking");
                         });

TEST_P(WorkTest, PublishesToClientsAndRaises) {
  Client client(server, "/ticks");
  client.open();
  Work work(server, Work::once_per_httpd);
  server.advance(2s);
  client.expect("1");
  client.expect("2");
  client.expect_nothing();
  EXPECT_FALSE(work.has_ended());
  server.advance(1s);
  client.expect("3");
  EXPECT_TRUE(work.has_ended());
  EXPECT_THROW(work.rethrow(), std::runtime_error);
}

TEST_P(WorkTest, IsStopped) {
  Work work(server, Work::once_per_httpd);
  server.advance(1s);
  work.stop();
  EXPECT_TRUE(work.has_ended());
  EXPECT_THAT(work.logged(), ElementsAre("stopped"));
  work.rethrow();
}

TEST_P(WorkTest, IsNotThere) { EXPECT_THROW(Work(server, Work::once_per_child), Failure); }

}  // namespace
}  // namespace cppwebsocket::testing
