// A history that is deleted, and who is told what.
#include "channels/store/past.hpp"
#include "channels/store/reader.hpp"

#include "channels/support/channel_story.hpp"

namespace cppwebsocket::testing {
namespace {

using namespace channels;

class Deletion : public ::testing::Test {
 protected:
  Texts read() {
    while (reader_.read(story_, 100)) {
    }
    return story_.take();
  }

  std::unique_ptr<ChannelMemory> memory_ = ChannelMemory::create(1 << 20, 4);
  ChannelStore ann_{*memory_};
  ChannelStore bob_{*memory_};
  ChannelReader reader_{ann_, 0};
  Story story_;
};

TEST_F(Deletion, LeavesNothingOfThePastAndTheNumbersAsTheyAre) {
  std::vector<Position> at;
  for (const char* text : {"a", "b", "c"}) at.push_back(ann_.publish("chat", message(text, 10)).position);
  const auto deleted = bob_.delete_history("chat");
  ASSERT_TRUE(deleted);
  EXPECT_EQ(deleted->messages, 3u);
  EXPECT_EQ(deleted->position, at[2]);
  EXPECT_EQ(texts(ann_.history("chat", std::nullopt, 10)), Texts{});
  EXPECT_EQ(texts(ann_.page_before("chat", at[2], 10)), Texts{});
  EXPECT_FALSE(ann_.page_before("chat", at[2], 10).complete);
  EXPECT_FALSE(ann_.page_after("chat", at[1], 10).complete);
  EXPECT_FALSE(ann_.extent("chat", at[1], 10).complete);
  EXPECT_TRUE(ann_.extent("chat", at[2], 10).complete);  // who has had all misses nothing
  EXPECT_EQ(ann_.publish("chat", message("d")).position, (Position{at[2].epoch, 4}));
  EXPECT_EQ(texts(bob_.history("chat", std::nullopt, 10)), Texts{"d"});
  EXPECT_EQ(texts(bob_.history("chat", at[2], 10)), Texts{"d"});
  EXPECT_TRUE(bob_.history("chat", at[2], 10).complete);
  EXPECT_FALSE(bob_.history("chat", at[1], 10).complete);
  EXPECT_FALSE(bob_.history("chat", Position{at[2].epoch, 0}, 10).complete);
}

TEST_F(Deletion, CountsWhatAClientCouldHaveHad) {
  EXPECT_EQ(ann_.delete_history("chat")->messages, 0u);
  EXPECT_EQ(ann_.delete_history("chat")->position, Position());
  for (const char* text : {"a", "b", "c"}) ann_.publish("chat", message(text, 2));
  EXPECT_EQ(ann_.delete_history("chat")->messages, 2u);
  EXPECT_EQ(ann_.delete_history("chat")->messages, 0u);
  EXPECT_EQ(ann_.delete_history("chat")->position.offset, 3u);

  Record old = message("old", 10, 60);
  old.time_ms = 1;
  ann_.publish("chat", old);
  EXPECT_EQ(ann_.delete_history("chat")->messages, 0u);
  ann_.publish("chat", numbered("first", {7, 1}));
  ann_.publish("chat", lost({7, 2}));
  EXPECT_EQ(ann_.delete_history("chat")->messages, 1u);
}

// What was published without a history would become one with the next bound.
TEST_F(Deletion, IsOfAChannelWithoutAHistoryToo) {
  ann_.publish("chat", message("a"));
  EXPECT_EQ(ann_.delete_history("chat")->messages, 0u);
  ann_.publish("chat", message("b", 10));
  EXPECT_EQ(texts(ann_.history("chat", std::nullopt, 10)), Texts{"b"});
}

TEST_F(Deletion, DisturbsNobodyWhoHasAll) {
  reader_.follow("chat", nullptr);
  ann_.publish("chat", message("a", 10));
  EXPECT_EQ(read(), Texts{"a"});
  bob_.delete_history("chat");
  EXPECT_EQ(read(), Texts{});
  bob_.publish("chat", message("b", 10));
  EXPECT_EQ(read(), Texts{"b"});
}

// Also where nothing before the first that is left would look like the channel's beginning.
TEST_F(Deletion, IsAGapForWhoeverIsBehind) {
  reader_.follow("chat", nullptr);
  bob_.publish("chat", message("a", 10));
  bob_.publish("chat", message("b", 10));
  bob_.delete_history("chat");
  ann_.publish("chat", message("c", 10));  // in the ring that is read first
  EXPECT_EQ(read(), (Texts{"gap 0-2", "c"}));
  Past past(ann_, "chat");
  bool is_first = true;
  const Past::Piece piece = past.after({ann_.position("chat").epoch, 2});
  EXPECT_EQ(past.read(piece, is_first).size(), 1u);
  EXPECT_FALSE(is_first);
}

// The keeper copies what a channel holds to save it from being overwritten, and not what it held.
TEST_F(Deletion, IsNotUndoneByWhatKeepsHistories) {
  const auto small = ChannelMemory::create(ChannelMemory::least_bytes(2), 2);
  ChannelStore store(*small);
  for (const char* text : {"a", "b", "c"}) store.publish("quiet", message(text, 10));
  store.delete_history("quiet");
  store.publish("quiet", message("d", 10));
  for (int i = 0; i < 2'000; ++i) store.publish("busy", message("x", 10));
  EXPECT_EQ(texts(store.history("quiet", std::nullopt, 10)), Texts{"d"});
}

}  // namespace
}  // namespace cppwebsocket::testing
