// The ticker of heartbeat is a task beside the handler: it must end with the connection.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "handlers/support/fake_request.hpp"
#include "handlers/support/handler_file.hpp"

namespace cppwebsocket::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

struct Heartbeat {
  explicit Heartbeat(std::string_view target = "/heartbeat") : request(target) {
    request.shake_hands(handler);
    request.transfer_data(handler);
  }
  HandlerFile handler{"heartbeat"};
  FakeRequest request;
};

TEST(Heartbeat, TicksEverySecond) {
  Heartbeat heartbeat;
  heartbeat.request.advance(999ms);
  EXPECT_THAT(heartbeat.request.sent(), IsEmpty());
  heartbeat.request.advance(2001ms);
  EXPECT_THAT(heartbeat.request.sent(),
              ElementsAre(Message("tick 1"), Message("tick 2"), Message("tick 3")));
}

TEST(Heartbeat, TicksAsOftenAsTheQuerySays) {
  Heartbeat heartbeat("/heartbeat?50");
  heartbeat.request.advance(200ms);
  EXPECT_THAT(heartbeat.request.sent(), SizeIs(4));
}

TEST(Heartbeat, TicksAtMostAHundredTimesASecond) {
  Heartbeat heartbeat("/heartbeat?0");
  heartbeat.request.advance(1s);
  EXPECT_THAT(heartbeat.request.sent(), SizeIs(100));
}

TEST(Heartbeat, EchoesBetweenTheTicks) {
  Heartbeat heartbeat;
  heartbeat.request.advance(1s);
  heartbeat.request.sends("hello");
  heartbeat.request.deliver();
  heartbeat.request.advance(1s);
  EXPECT_THAT(heartbeat.request.sent(),
              ElementsAre(Message("tick 1"), Message("hello"), Message("tick 2")));
}

TEST(Heartbeat, EndsItsTickerWhenThePeerCloses) {
  Heartbeat heartbeat;
  EXPECT_EQ(heartbeat.request.running_tasks(), 1u);
  heartbeat.request.closes(1000);
  heartbeat.request.deliver();
  EXPECT_TRUE(heartbeat.request.ended());
  EXPECT_EQ(heartbeat.request.running_tasks(), 0u);
  EXPECT_THAT(heartbeat.request.logged(), ElementsAre("heartbeat: the ticker has ended"));
  heartbeat.request.advance(5s);
  EXPECT_THAT(heartbeat.request.sent(), IsEmpty());
}

TEST(Heartbeat, EndsItsTickerWhenTheConnectionIsLost) {
  Heartbeat heartbeat;
  heartbeat.request.lose();
  EXPECT_EQ(heartbeat.request.running_tasks(), 0u);
  EXPECT_THAT(heartbeat.request.logged(), ElementsAre("heartbeat: the ticker has ended"));
}

}  // namespace
}  // namespace cppwebsocket::testing
