// The ticker of heartbeat is a task beside the handler: it must end with the connection.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cppwebsocket/testing.hpp>

#include "handlers/support/handler_file.hpp"

namespace cppwebsocket::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

struct Heartbeat {
  explicit Heartbeat(const char* target = "/heartbeat") : request(server, target) {
    request.open();
  }
  Server server{file_of("heartbeat")};
  Client request;
};

TEST(Heartbeat, TicksEverySecond) {
  Heartbeat heartbeat;
  heartbeat.server.advance(999ms);
  EXPECT_THAT(heartbeat.request.received(), IsEmpty());
  heartbeat.server.advance(2001ms);
  EXPECT_THAT(heartbeat.request.received(),
              ElementsAre(Message("tick 1"), Message("tick 2"), Message("tick 3")));
}

TEST(Heartbeat, TicksAsOftenAsTheQuerySaysUpToAHundredTimesASecond) {
  for (const auto& [target, ticks] : {std::pair("/heartbeat?50", 20), {"/heartbeat?0", 100}}) {
    Heartbeat heartbeat(target);
    heartbeat.server.advance(1s);
    EXPECT_THAT(heartbeat.request.received(), SizeIs(ticks)) << target;
  }
}

TEST(Heartbeat, EchoesBetweenTheTicks) {
  Heartbeat heartbeat;
  heartbeat.server.advance(1s);
  heartbeat.request.send("hello");
  heartbeat.server.advance(1s);
  EXPECT_THAT(heartbeat.request.received(),
              ElementsAre(Message("tick 1"), Message("hello"), Message("tick 2")));
}

TEST(Heartbeat, EndsItsTickerWhenThePeerCloses) {
  Heartbeat heartbeat;
  EXPECT_EQ(heartbeat.request.running_tasks(), 2u);
  heartbeat.request.close(1000);
  EXPECT_TRUE(heartbeat.request.has_ended());
  EXPECT_EQ(heartbeat.request.running_tasks(), 0u);
  EXPECT_THAT(heartbeat.request.logged(), ElementsAre("heartbeat: the ticker has ended"));
  heartbeat.server.advance(5s);
  EXPECT_THAT(heartbeat.request.received(), IsEmpty());
}

TEST(Heartbeat, EndsItsTickerWhenTheConnectionIsLost) {
  Heartbeat heartbeat;
  heartbeat.request.lose();
  EXPECT_EQ(heartbeat.request.running_tasks(), 0u);
  EXPECT_THAT(heartbeat.request.logged(), ElementsAre("heartbeat: the ticker has ended"));
}

}  // namespace
}  // namespace cppwebsocket::testing
