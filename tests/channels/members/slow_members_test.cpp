// Members whose clients do not take what comes.
#include "channels/support/channel_fixture.hpp"
#include "channels/support/channel_story.hpp"

#include <malloc.h>

namespace cppwebsocket::testing {
namespace {

class SlowMembers : public ChannelFixture {
 protected:
  static JoinOptions with(SlowPolicy slow, std::size_t max_queued = 40) {
    JoinOptions options;
    options.slow = slow;
    options.max_queued = max_queued;
    return options;
  }
  void publish_numbers(int from, int to) {
    for (int i = from; i <= to; ++i)
      publish("chat", "message " + std::to_string(i));  // 9 bytes, a frame of 11
  }
  Words numbers(std::initializer_list<int> all) {
    Words words;
    for (const int i : all) words.push_back("text:message " + std::to_string(i));
    return words;
  }
  void take_again(Connection& connection) {
    connection.peer->capacity = FakePeer::unlimited;
    settle();
  }
};

TEST_F(SlowMembers, GetEverythingThatFitsIntoTheirQueue) {
  Connection& slow = member("chat", with(SlowPolicy::close));
  slow.peer->capacity = 5;  // in the middle of a frame
  publish_numbers(1, 4);
  EXPECT_EQ(slow.peer->output.size(), 5u);
  take_again(slow);
  EXPECT_EQ(slow.take_words(), numbers({1, 2, 3, 4}));
}

TEST_F(SlowMembers, MissTheOldestIfTheyWant) {
  Connection& slow = member("chat", with(SlowPolicy::drop_oldest));
  slow.peer->capacity = 0;
  publish_numbers(1, 8);
  take_again(slow);
  const Words words = slow.take_words();
  EXPECT_EQ(words.front(), "text:message 1");  // it was on its way
  EXPECT_EQ(Words(words.end() - 3, words.end()), numbers({6, 7, 8}));
  EXPECT_LT(words.size(), 8u);
  EXPECT_EQ(hub_.counters().dropped, 8 - words.size());
}

TEST_F(SlowMembers, MissTheNewestIfTheyWant) {
  Connection& slow = member("chat", with(SlowPolicy::drop_newest));
  slow.peer->capacity = 0;
  publish_numbers(1, 8);
  take_again(slow);
  EXPECT_EQ(slow.take_words(), numbers({1, 2, 3, 4}));
  EXPECT_EQ(hub_.counters().dropped, 4u);
  publish_numbers(9, 9);
  EXPECT_EQ(slow.take_words(), numbers({9}));
}

TEST_F(SlowMembers, AreClosedOtherwise) {
  Connection& slow = member("chat", with(SlowPolicy::close));
  slow.peer->capacity = 0;
  publish_numbers(1, 8);
  EXPECT_EQ(hub_.counters().closed_slow, 1u);
  take_again(slow);
  const Words words = slow.take_words();
  EXPECT_EQ(words.front(), "text:message 1");
  EXPECT_EQ(words.back(), "close:1013 too slow for the channel");
}

TEST_F(SlowMembers, AreAlsoClosedWhereTheyCannotBeToldWhatIsLost) {
  Connection& strict = member("chat", with(SlowPolicy::close));
  Connection& content = member("chat", with(SlowPolicy::drop_oldest));
  store_.publish("chat", lost({7, 1}));
  store_.publish("chat", numbered("a", {7, 2}));
  settle();
  EXPECT_EQ(strict.take_words(), Words{"close:1013 messages were lost"});
  EXPECT_EQ(content.take_words(), Words{"text:a"});
  EXPECT_EQ(hub_.counters().dropped, 2u);
}

TEST_F(SlowMembers, DoNotDelayTheOthers) {
  Connection& slow = member("chat", with(SlowPolicy::drop_oldest));
  Connection& quick = member("chat");
  slow.peer->capacity = 0;
  publish_numbers(1, 100);
  EXPECT_EQ(quick.take_words().size(), 100u);
}

TEST_F(SlowMembers, AreToldOfTheirGapsInJson) {
  JoinOptions options = with(SlowPolicy::drop_oldest, 200);
  options.json = true;
  Connection& slow = member("chat", options);
  slow.peer->capacity = 0;
  publish_numbers(1, 8);
  take_again(slow);
  const Words words = slow.take_words();
  int gaps = 0;
  for (const std::string& each : words) gaps += each.find("\"type\":\"gap\"") != std::string::npos;
  EXPECT_EQ(gaps, 1);
  EXPECT_NE(words.back().find("message 8"), std::string::npos);
}

TEST_F(SlowMembers, GetOneMessageHoweverLarge) {
  Connection& slow = member("chat", with(SlowPolicy::close, 10));
  const std::string large(1000, 'x');
  slow.peer->capacity = 0;
  publish("chat", large);
  take_again(slow);
  EXPECT_EQ(slow.take_words(), Words{"text:" + large});
}

TEST_F(SlowMembers, GetWhatWaitsBeforeTheHandlersNextMessage) {
  Connection& slow = open([](Request& request) -> Task<> {
    auto room = Channel::named("chat").join(request);
    while (auto message = co_await msgutil::receive_message(request))
      co_await msgutil::send_message(request, "the handler's");
  });
  slow.peer->capacity = 0;
  publish_numbers(1, 2);
  receive(slow, client_text("say something"));
  publish_numbers(3, 3);
  take_again(slow);
  EXPECT_EQ(slow.take_words(),
            (Words{"text:message 1", "text:message 2", "text:the handler's", "text:message 3"}));
}

TEST_F(SlowMembers, LoseTheConnectionInTheMiddleOfADelivery) {
  Connection& lost = member("chat");
  Connection& quick = member("chat");
  lost.peer->write_error = EPIPE;
  publish_numbers(1, 2);
  EXPECT_TRUE(lost.gone);
  EXPECT_EQ(quick.take_words(), numbers({1, 2}));
  EXPECT_EQ(hub_.local_members("chat"), 1u);
}

// What is left of a batch is referred to, unless that would keep far more than waits.
TEST_F(SlowMembers, KeepNoLargeMessagesForTheSakeOfSmallOnes) {
  Connection& slow = member("chat", with(SlowPolicy::drop_newest, 15'000));
  slow.peer->capacity = 0;
  publish("chat", "on its way");
  publish("chat", "the first that waits");
  const auto in_use = [] { return mallinfo2().uordblks; };
  const auto before = in_use();
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(Channel::named("chat").publish(std::string(20'000, 'x')));
    Channel::named("chat").publish("small " + std::to_string(i));
    settle();
  }
  EXPECT_LT(in_use() - before, 500'000u);
  take_again(slow);
  EXPECT_EQ(slow.take_words().back(), "text:small 99");
}

TEST_F(SlowMembers, WithATransportThatHoldsBytesGetAllInOrder) {
  Connection& slow = member("chat", with(SlowPolicy::close, 1000));
  slow.peer->capacity = 3;
  slow.peer->transport_buffer = 15;
  publish_numbers(1, 6);
  take_again(slow);
  EXPECT_EQ(slow.take_words(), numbers({1, 2, 3, 4, 5, 6}));
}

}  // namespace
}  // namespace cppwebsocket::testing
