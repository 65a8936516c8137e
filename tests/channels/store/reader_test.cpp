// What a follower of a channel is given of what all children publish.
#include "channels/store/reader.hpp"

#include "channels/support/channel_story.hpp"

#include <atomic>
#include <map>
#include <thread>

#include <poll.h>

namespace cppwebsocket::testing {
namespace {

using namespace channels;

class Reader : public ::testing::Test {
 protected:
  Texts read(ChannelReader& reader) {
    while (reader.read(story_, 100)) {
    }
    return story_.take();
  }
  Texts read() { return read(reader_); }

  static bool is_woken(const ChannelReader& reader) {
    pollfd one{reader.wake_descriptor(), POLLIN, 0};
    return ::poll(&one, 1, 0) == 1;
  }

  // As much as pushes everything else out of the ring.
  static void flood(ChannelStore& store, std::uint32_t history = 0) {
    const std::string large(store.largest_payload(), 'x');
    for (int i = 0; i < 6; ++i) store.publish("flood", message(large, history));
  }

  std::unique_ptr<ChannelMemory> memory_ = ChannelMemory::create(1 << 20, 4);
  ChannelStore ann_{*memory_};
  ChannelStore bob_{*memory_};
  ChannelReader reader_{ann_, 0};
  Story story_;
};

TEST_F(Reader, GivesWhatAllChildrenPublishInTheChannelsOrder) {
  int owner = 0;
  EXPECT_EQ(reader_.follow("chat", &owner).owner, &owner);
  for (int i = 0; i < 10; ++i) (i % 3 ? ann_ : bob_).publish("chat", message(std::to_string(i)));
  bob_.publish("other", message("not for us"));
  EXPECT_EQ(read(), (Texts{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}));
  EXPECT_EQ(read(), Texts{});
}

TEST_F(Reader, GivesTheUserOfAMessageAndTheChannelOfAControlRecord) {
  reader_.follow("chat", nullptr);
  Record record = message("a", 10);
  record.remarks = "ann";
  bob_.publish("chat", record);
  EXPECT_EQ(read(), Texts{"a"});
  EXPECT_EQ(story_.last().remarks, "ann");
  bob_.publish("chat", of_kind(RecordKind::control, "note"));
  bob_.publish("chat", message("b", 10));
  EXPECT_EQ(read(), (Texts{"control chat note", "b"}));
  EXPECT_EQ(story_.last().remarks, "");
}

TEST_F(Reader, MakesTheChannelSoThatItsFirstFollowerCanResumeFromTheBeginning) {
  reader_.follow("chat", nullptr);
  const Position begin = ann_.position("chat");
  EXPECT_NE(begin.epoch, 0u);
  EXPECT_EQ(begin.offset, 0u);
  for (const char* text : {"a", "b", "c"}) bob_.publish("chat", message(text, 10));
  const StoredHistory missed = ann_.history("chat", begin, 100);
  EXPECT_TRUE(missed.complete);
  EXPECT_EQ(texts(missed), (Texts{"a", "b", "c"}));
}

TEST_F(Reader, GivesWhatIsPublishedAfterTheFollow) {
  reader_.follow("other", nullptr);
  ann_.publish("chat", message("before"));
  reader_.follow("chat", nullptr);
  ann_.publish("chat", message("after"));
  EXPECT_EQ(read(), Texts{"after"});
}

TEST_F(Reader, GivesNothingAfterTheUnfollow) {
  Follow& follow = reader_.follow("chat", nullptr);
  ann_.publish("chat", message("a"));
  reader_.unfollow(follow);
  EXPECT_EQ(read(), Texts{});
  reader_.follow("chat", nullptr);
  ann_.publish("chat", message("b"));
  EXPECT_EQ(read(), Texts{"b"});
}

TEST_F(Reader, KeepsAllOfARecord) {
  reader_.follow("chat", nullptr);
  Record sent;
  sent.message = Message::binary(std::string("\0\xff\x01", 3));
  sent.bound = {5, 60};
  sent.time_ms = 123;
  const Stored stored = bob_.publish("chat", sent);
  read();
  EXPECT_EQ(story_.last().position, stored.position);
  EXPECT_EQ(story_.last().origin, bob_.origin());
  EXPECT_EQ(story_.last().sequence, stored.sequence);
  EXPECT_EQ(story_.last().time_ms, 123);
  EXPECT_EQ(story_.last().bound, sent.bound);
  EXPECT_TRUE(story_.last().message.is_binary());
}

TEST_F(Reader, GoesRoundTheRingWithMessagesOfAnySize) {
  reader_.follow("chat", nullptr);
  for (std::size_t i = 0; i < 3'000; ++i) {
    const std::string text(i * 37 % 2'000, static_cast<char>('a' + i % 26));
    ann_.publish("chat", message(text, i % 2 ? 3 : 0));
    ASSERT_EQ(read(), Texts{text});
  }
}

TEST_F(Reader, ReadsAFewAtATime) {
  reader_.follow("chat", nullptr);
  for (int i = 0; i < 3; ++i) ann_.publish("chat", message(std::to_string(i)));
  EXPECT_TRUE(reader_.read(story_, 2));
  EXPECT_EQ(story_.take(), (Texts{"0", "1"}));
  EXPECT_FALSE(reader_.read(story_, 2));
  EXPECT_EQ(story_.take(), (Texts{"2"}));
}

TEST_F(Reader, TellsOfAGapWhenItWasOvertaken) {
  ChannelStore eve(*memory_, [](StoreNews, const std::string& text) {
    EXPECT_NE(text.find("overtaken"), std::string::npos);
  });
  ChannelReader slow(eve, 1);
  slow.follow("chat", nullptr);
  ann_.publish("chat", message("0"));
  EXPECT_EQ(read(slow), Texts{"0"});
  for (int i = 1; i <= 3; ++i) ann_.publish("chat", message("lost"));
  flood(ann_);
  bob_.publish("chat", message("4"));
  EXPECT_EQ(read(slow), (Texts{"gap 1-4", "4"}));
  EXPECT_EQ(eve.counters().overtaken, 1u);
  EXPECT_EQ(eve.counters().gaps, 1u);
  bob_.publish("chat", message("5"));
  EXPECT_EQ(read(slow), Texts{"5"});
}

TEST_F(Reader, TellsOfAGapEvenIfNothingFollowsIt) {
  reader_.follow("chat", nullptr);
  ann_.publish("chat", message("lost"));
  flood(ann_);
  EXPECT_EQ(read(), (Texts{"gap 0-1", "lost control"}));
}

TEST_F(Reader, RepairsWhatItWasOvertakenByFromOtherRings) {
  reader_.follow("chat", nullptr);
  bob_.publish("chat", message("1", 10));
  flood(ann_);
  EXPECT_EQ(read(), (Texts{"1", "lost control"}));
  EXPECT_EQ(ann_.counters().gaps, 0u);
}

TEST_F(Reader, FollowsAChannelIntoANewEpoch) {
  reader_.follow("chat", nullptr);
  ann_.publish("chat", numbered("a", {7, 500}));
  ann_.publish("chat", numbered("b", {7, 501}));
  EXPECT_EQ(read(), (Texts{"a", "b"}));
  bob_.publish("chat", numbered("c", {8, 1}, 2));
  EXPECT_EQ(read(), (Texts{"gap 501-0", "c"}));
  EXPECT_EQ(story_.last().position, (Position{8, 1}));
  bob_.publish("chat", numbered("d", {8, 4}, 2, 2));
  EXPECT_EQ(read(), (Texts{"gap 1-3", "d"}));
}

// What it had not given by then is lost, and who knows how much that was.
TEST_F(Reader, TellsAGapWhereAnEngineHasBegunAnew) {
  reader_.follow("chat", nullptr);
  bob_.publish("chat", numbered("x", {engine_epoch | 7, 1}));
  EXPECT_EQ(read(), Texts{"x"}) << "numbered by the store before";
  bob_.publish("chat", numbered("a", {engine_epoch | 8, 1}));
  bob_.publish("chat", numbered("b", {engine_epoch | 8, 2}));
  EXPECT_EQ(read(), (Texts{"gap 1-0", "a", "b"}));
  EXPECT_EQ(ann_.counters().gaps, 1u);
}

TEST_F(Reader, TellsWhatIsLostToThoseWhoHaveNotHadIt) {
  ChannelReader late(ann_, 0);
  reader_.follow("chat", nullptr);
  bob_.publish("chat", numbered("a", {7, 1}, bob_.origin(), 1));
  bob_.publish("chat", provisional("b", bob_.origin(), 2));
  EXPECT_EQ(read(), (Texts{"a", "b"}));
  late.follow("chat", nullptr);
  bob_.publish("chat", lost({7, 2}, bob_.origin(), 2));
  bob_.publish("chat", numbered("c", {7, 3}, bob_.origin(), 3));
  EXPECT_EQ(read(), Texts{"c"});
  EXPECT_EQ(read(late), (Texts{"gap 1-2", "c"}));
  bob_.publish("chat", lost({7, 4}, 99, 1));
  EXPECT_EQ(read(), Texts{"gap 3-4"});
}

TEST_F(Reader, FollowsAChannelThatWasForgottenAndTellsOfIt) {
  reader_.follow("chat", nullptr);
  ann_.publish("chat", message("a"));
  EXPECT_EQ(read(), Texts{"a"});
  const std::uint64_t epoch = ann_.position("chat").epoch;
  // Leaders keep their places: one day there is none but that of a channel with members.
  for (int i = 0; ann_.position("chat").epoch == epoch; ++i) ann_.try_lead(std::to_string(i));
  for (int i = 0; i < 20'000; ++i) ann_.stop_leading(std::to_string(i));
  bob_.publish("chat", message("b"));
  bob_.publish("chat", message("c"));
  EXPECT_EQ(read(), (Texts{"gap 1-0", "b", "c"}));
  EXPECT_NE(story_.last().position.epoch, epoch);
}

TEST_F(Reader, DeliversAProvisionalRecordOnce) {
  reader_.follow("chat", nullptr);
  ann_.publish("chat", provisional("a", ann_.origin(), 1));
  ann_.publish("chat", provisional("b", ann_.origin(), 2));
  EXPECT_EQ(read(), (Texts{"a", "b"}));
  EXPECT_EQ(story_.last().position, Position());
  bob_.publish("chat", numbered("a", {7, 1}, ann_.origin(), 1));
  bob_.publish("chat", numbered("b", {7, 2}, ann_.origin(), 2));
  bob_.publish("chat", numbered("c", {7, 3}, ann_.origin(), 3));
  bob_.publish("chat", numbered("d", {7, 4}, 99, 1));
  EXPECT_EQ(read(), (Texts{"c", "d"}));
  ann_.publish("chat", provisional("c", ann_.origin(), 3));  // a sibling's link had stored it
  ann_.publish("chat", provisional("e", ann_.origin(), 4));
  EXPECT_EQ(read(), Texts{"e"});
}

TEST_F(Reader, TakesForKnownOnlyWhatItHasGiven) {
  ann_.publish("chat", provisional("a", ann_.origin(), 1));
  ChannelReader late(ann_, 1);
  late.follow("chat", nullptr);
  ann_.publish("chat", provisional("b", ann_.origin(), 2));
  EXPECT_EQ(read(late), Texts{"b"});
  bob_.publish("chat", numbered("a", {7, 1}, ann_.origin(), 1));
  bob_.publish("chat", numbered("b", {7, 2}, ann_.origin(), 2));
  bob_.publish("chat", numbered("c", {7, 3}, ann_.origin(), 3));
  EXPECT_EQ(read(late), (Texts{"a", "c"})) << "others got it before";
}

TEST_F(Reader, GivesLooseRecordsToItsOwnChildOnly) {
  ChannelReader other(bob_, 0);
  reader_.follow("chat", nullptr);
  other.follow("chat", nullptr);
  ann_.publish("chat", of_kind(RecordKind::loose, "a"));
  EXPECT_EQ(read(), Texts{"a"});
  EXPECT_EQ(read(other), Texts{});
}

TEST_F(Reader, GivesControlRecordsToTheFirstReactorOfEachChild) {
  ChannelReader second(ann_, 1);
  ChannelReader other(bob_, 0);
  second.follow("chat", nullptr);
  ann_.publish("chat", of_kind(RecordKind::control, "hello"));
  EXPECT_EQ(read(), Texts{"control chat hello"});
  EXPECT_EQ(read(second), Texts{});
  EXPECT_EQ(read(other), Texts{"control chat hello"});
}

TEST_F(Reader, IsWokenOnlyWhileItSleeps) {
  ChannelReader second(bob_, 1);
  reader_.follow("chat", nullptr);
  bob_.publish("chat", message("a"));
  EXPECT_FALSE(is_woken(reader_));
  EXPECT_FALSE(reader_.prepare_to_wait());
  read();
  EXPECT_TRUE(reader_.prepare_to_wait());
  EXPECT_TRUE(second.prepare_to_wait());
  bob_.publish("chat", message("b"));
  EXPECT_TRUE(is_woken(reader_));
  EXPECT_FALSE(is_woken(second)) << "it follows nothing";
  reader_.waited();
  EXPECT_EQ(read(), Texts{"b"});
}

TEST_F(Reader, IsNotWokenByWhatItCannotHear) {
  ASSERT_TRUE(reader_.prepare_to_wait());
  bob_.publish("chat", of_kind(RecordKind::loose, "a"));
  EXPECT_FALSE(is_woken(reader_));
  ann_.publish("chat", of_kind(RecordKind::loose, "a"));
  EXPECT_TRUE(is_woken(reader_));
}

// Each writer's own sequence is in the message; the channel's is its position.
TEST_F(Reader, KeepsTheOrderWhileThreadsWriteAtOnce) {
  struct Check final : ChannelReader::Sink {
    void received(Follow&, Record&& record) override {
      EXPECT_EQ(record.position.offset, ++offset);
      EXPECT_EQ(record.message.payload(), std::to_string(++of_writer[record.origin]));
    }
    void gap(Follow&, Position from, Position to) override {
      offset = to.offset;
      lost += to.offset - from.offset;
    }
    void control(std::string_view, Record&&) override {}
    std::uint64_t offset = 0, lost = 0;
    std::map<std::uint64_t, int> of_writer;
  };
  constexpr int each = 2'000;
  const auto memory = ChannelMemory::create(16 << 20, 3);
  ChannelStore stores[3] = {ChannelStore(*memory), ChannelStore(*memory), ChannelStore(*memory)};
  std::atomic<int> following{0};
  std::vector<std::jthread> threads;
  Check checks[2];
  for (int i = 0; i < 2; ++i)
    threads.emplace_back([&, i] {
      ChannelReader reader(stores[i], 0);
      reader.follow("chat", nullptr);
      ++following;
      while (checks[i].offset < 3 * each)
        if (!reader.read(checks[i], 64)) std::this_thread::yield();
    });
  while (following < 2) std::this_thread::yield();
  for (ChannelStore& store : stores)
    threads.emplace_back([&store] {
      for (int i = 1; i <= each; ++i) store.publish("chat", message(std::to_string(i), 10));
    });
  threads.clear();
  for (const Check& check : checks) {
    EXPECT_EQ(check.offset, 3u * each);
    EXPECT_EQ(check.lost, 0u);
  }
}

}  // namespace
}  // namespace cppwebsocket::testing
