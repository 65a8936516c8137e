#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cppwebsocket/testing.hpp>

#include "handlers/support/handler_file.hpp"

namespace cppwebsocket::testing {
namespace {

using ::testing::ElementsAre;

struct Bench {
  explicit Bench(std::vector<Message> script) {
    request.open();
    for (Message& message : script) request.send(std::move(message));
    request.close(1000);
  }
  Server server{file_of("bench")};
  Client request{server, "/bench"};
};

TEST(Bench, TurnsExtensionsOff) { EXPECT_FALSE(Bench({}).request.extensions_enabled()); }

TEST(Bench, SendsAsManyBytesAsAreToBeReceived) {
  Bench bench({"receive 5", "receive 0"});
  bench.request.rethrow();
  EXPECT_THAT(bench.request.received(), ElementsAre(Message::binary("aaaaa"), Message::binary("")));
}

TEST(Bench, CountsTheBytesThatAreSent) {
  Bench bench({"send", Message::binary(std::string(70'000, 'x')), "send", "あ"});
  bench.request.rethrow();
  EXPECT_THAT(bench.request.received(), ElementsAre(Message("70000"), Message("3")));
}

TEST(Bench, EndsWhenThePeerClosesInsteadOfSending) {
  Bench bench({"send"});
  bench.request.rethrow();
  EXPECT_TRUE(bench.request.has_ended());
  EXPECT_TRUE(bench.request.received().empty());
}

TEST(Bench, DoesNotTakeOtherCommands) {
  for (const char* command : {"", "receive", "receive x", "receive 5 ", "receive -1", "sendx"}) {
    Bench bench({command});
    EXPECT_THROW(bench.request.rethrow(), UnsupportedFrameException) << command;
  }
}

TEST(Bench, MakesNoMessageAboveTheLimit) {
  const std::size_t limit = ConnectionLimits().max_message_size;
  Bench within({"receive " + std::to_string(limit)});
  within.request.rethrow();
  EXPECT_EQ(within.request.received().at(0).size(), limit);
  Bench above({"receive " + std::to_string(limit + 1)});
  EXPECT_THROW(above.request.rethrow(), UnsupportedFrameException);
}

}  // namespace
}  // namespace cppwebsocket::testing
