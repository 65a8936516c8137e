#include "channels/backplane/nats/refusals.hpp"

#include <gtest/gtest.h>

#include "channels/backplane/nats/subjects.hpp"

namespace cppwebsocket::channels {
namespace {

using enum RecordKind;

TEST(NatsRefusalsTest, HoldsMessagesBackOnceTheirChannelWasRefused) {
  NatsRefusals refusals;
  EXPECT_TRUE(refusals.may_send("chat", loose));
  EXPECT_TRUE(refusals.may_send("chat", loose));
  EXPECT_EQ(refusals.refused("chat"), loose);
  EXPECT_EQ(refusals.refused("chat"), loose);
  EXPECT_FALSE(refusals.may_send("chat", loose));
  EXPECT_FALSE(refusals.may_send("chat", control));
  EXPECT_TRUE(refusals.may_send("news", loose));
}

TEST(NatsRefusalsTest, TellsWhatWasRefused) {
  NatsRefusals refusals;
  EXPECT_TRUE(refusals.may_send("chat", control));
  EXPECT_TRUE(refusals.may_send("chat", missed));
  EXPECT_TRUE(refusals.may_send("chat", loose));
  EXPECT_EQ(refusals.refused("chat"), missed);
  EXPECT_EQ(refusals.refused("chat"), control);
  EXPECT_EQ(refusals.refused("chat"), loose);
}

TEST(NatsRefusalsTest, TakesWhatWasNotRefusedForTaken) {
  NatsRefusals refusals;
  EXPECT_TRUE(refusals.may_send("chat", control));
  refusals.next_round();
  refusals.next_round();
  EXPECT_TRUE(refusals.may_send("chat", loose));
  EXPECT_EQ(refusals.refused("chat"), loose);
}

TEST(NatsRefusalsTest, TriesAgainForAsLongAsItIsRefused) {
  NatsRefusals refusals;
  refusals.refused("chat");
  for (int i = 0; i < 5; ++i) {
    refusals.next_round();
    EXPECT_FALSE(refusals.may_send("chat", loose));
    EXPECT_TRUE(refusals.may_send("chat", missed)) << "that tries it";
    EXPECT_EQ(refusals.refused("chat"), missed);
  }
  refusals.next_round();
  EXPECT_TRUE(refusals.may_send("chat", missed));
  refusals.next_round();
  EXPECT_TRUE(refusals.may_send("chat", loose)) << "not refused for a round";
}

TEST(NatsRefusalsTest, BeginsAnewWithALink) {
  NatsRefusals refusals;
  EXPECT_TRUE(refusals.may_send("chat", missed));
  refusals.refused("chat");
  refusals.clear();
  EXPECT_TRUE(refusals.may_send("chat", loose));
  EXPECT_EQ(refusals.refused("chat"), loose);
}

TEST(NatsSubjectsTest, AreReadBack) {
  for (const std::string channel : {"chat", "a.b *>", "=", "\xc3\xa4", "x=3d"})
    EXPECT_EQ(channel_of("cppws.", subject_of("cppws.", channel)), channel);
  EXPECT_FALSE(channel_of("cppws.", "others.chat"));
  EXPECT_FALSE(channel_of("cppws.", "cppws.a=3"));
  EXPECT_FALSE(channel_of("cppws.", "cppws.a=xy"));
}

}  // namespace
}  // namespace cppwebsocket::channels
