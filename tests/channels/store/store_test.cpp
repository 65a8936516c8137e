// What a child publishes into shared memory, and what can be looked up there.
#include "channels/store/store.hpp"

#include "channels/support/channel_story.hpp"

#include <set>
#include <stdexcept>

namespace cppwebsocket::testing {
namespace {

using namespace channels;

class Store : public ::testing::Test {
 protected:
  std::unique_ptr<ChannelMemory> memory_ = ChannelMemory::create(1 << 20, 4);
  ChannelStore ann_{*memory_};
  ChannelStore bob_{*memory_};
};

TEST_F(Store, NumbersTheMessagesOfAllChildrenInOneOrder) {
  EXPECT_EQ(ann_.position("chat"), Position());
  const Stored first = ann_.publish("chat", message("a"));
  const Stored second = bob_.publish("chat", message("b"));
  EXPECT_EQ(first.result, StoreResult::stored);
  EXPECT_EQ(first.position.offset, 1u);
  EXPECT_EQ(second.position.offset, 2u);
  EXPECT_EQ(first.position.epoch, second.position.epoch);
  EXPECT_NE(first.position.epoch, 0u);
  EXPECT_EQ(ann_.position("chat"), second.position);
  EXPECT_EQ(bob_.publish("other", message("c")).position.offset, 1u);
  EXPECT_EQ(ann_.publish("chat", message("d")).sequence, first.sequence + 1);
}

TEST_F(Store, GivesTheHistoryOldestFirst) {
  for (int i = 1; i <= 5; ++i) (i % 2 ? ann_ : bob_).publish("chat", message(std::to_string(i), 3));
  const StoredHistory all = ann_.history("chat", std::nullopt, 100);
  EXPECT_EQ(texts(all), (Texts{"3", "4", "5"}));
  EXPECT_EQ(all.newest.offset, 5u);
  EXPECT_EQ(texts(ann_.history("chat", std::nullopt, 2)), (Texts{"4", "5"}));
  EXPECT_EQ(all.records[0].origin, ann_.origin());
  EXPECT_EQ(all.records[1].origin, bob_.origin());
  EXPECT_EQ(texts(ann_.history("unknown", std::nullopt, 2)), Texts{});
}

TEST_F(Store, GivesTheUserWithTheMessage) {
  Record record = message("a", 10);
  record.remarks = "ann";
  const Position first = ann_.publish("chat", record).position;
  record.remarks = std::string(longest_remarks, 'x');
  ann_.publish("chat", record);
  bob_.publish("chat", message("nobody's", 10));
  for (const StoredHistory& each :
       {bob_.history("chat", std::nullopt, 10), bob_.page_after("chat", {first.epoch, 0}, 10),
        bob_.page_before("chat", {first.epoch, 4}, 10)}) {
    ASSERT_EQ(each.records.size(), 3u);
    EXPECT_EQ(each.records[0].remarks, "ann");
    EXPECT_EQ(each.records[0].message.payload(), "a");
    EXPECT_EQ(each.records[1].remarks, std::string(longest_remarks, 'x'));
    EXPECT_EQ(each.records[2].remarks, "");
    EXPECT_EQ(each.records[2].message.payload(), "nobody's");
  }
  record.remarks += 'x';
  EXPECT_EQ(ann_.publish("chat", record).result, StoreResult::too_large);
}

TEST_F(Store, IsReadPageByPage) {
  std::vector<Position> at;
  for (int i = 1; i <= 1'000; ++i)
    at.push_back((i % 2 ? ann_ : bob_).publish("chat", message(std::to_string(i), 900)).position);
  Texts all;
  Position behind = at[199];  // the oldest that is held begins at 101
  for (;;) {
    const StoredHistory page = ann_.page_after("chat", behind, 70);
    EXPECT_TRUE(page.complete);
    EXPECT_EQ(page.newest, at.back());
    if (page.records.empty()) break;
    EXPECT_LE(page.records.size(), 70u);
    for (const std::string& each : texts(page)) all.push_back(each);
    behind = page.records.back().position;
  }
  ASSERT_EQ(all.size(), 800u);
  for (int i = 0; i < 800; ++i) EXPECT_EQ(all[static_cast<std::size_t>(i)], std::to_string(201 + i));

  EXPECT_EQ(texts(ann_.page_before("chat", at[999], 2)), (Texts{"998", "999"}));
  EXPECT_TRUE(ann_.page_before("chat", at[999], 2).complete);
  EXPECT_EQ(texts(ann_.page_before("chat", at[101], 70)), (Texts{"101"}));
  EXPECT_FALSE(ann_.page_before("chat", at[101], 70).complete);  // what was before is gone
}

TEST_F(Store, APageTellsWhatIsMissing) {
  std::vector<Position> at;
  for (int i = 1; i <= 5; ++i)
    at.push_back(ann_.publish("chat", message(std::to_string(i), 3)).position);
  EXPECT_EQ(texts(ann_.page_after("chat", at[0], 2)), (Texts{"3", "4"}));
  EXPECT_FALSE(ann_.page_after("chat", at[0], 2).complete);  // 2 is
  EXPECT_TRUE(ann_.page_after("chat", at[1], 2).complete);
  EXPECT_TRUE(ann_.page_after("chat", at[4], 2).complete);
  const Position other{at[0].epoch + 1, 3};
  EXPECT_FALSE(ann_.page_after("chat", other, 2).complete);
  EXPECT_EQ(texts(ann_.page_after("chat", other, 2)), Texts{});
  EXPECT_FALSE(ann_.page_after("chat", {at[4].epoch, 9}, 2).complete);  // not yet published
  EXPECT_EQ(texts(ann_.page_before("chat", {at[4].epoch, 1}, 2)), Texts{});
  EXPECT_TRUE(ann_.page_before("chat", {at[4].epoch, 1}, 2).complete);
  EXPECT_FALSE(ann_.page_before("chat", {at[4].epoch, 9}, 2).complete);
  EXPECT_FALSE(ann_.page_before("chat", other, 2).complete);
  EXPECT_FALSE(ann_.page_after("unknown", at[0], 2).complete);
}

TEST_F(Store, KeepsNoHistoryUnlessItWasAsked) {
  const Position first = ann_.publish("chat", message("a")).position;
  EXPECT_EQ(texts(ann_.history("chat", std::nullopt, 100)), Texts{});
  EXPECT_TRUE(ann_.history("chat", first, 100).complete);
  ann_.publish("chat", message("b"));
  EXPECT_FALSE(ann_.history("chat", first, 100).complete);
}

TEST_F(Store, KeepsTheBoundThatAPublisherHasSet) {
  ann_.publish("chat", message("a", 10));
  bob_.publish("chat", message("b"));
  EXPECT_EQ(texts(bob_.history("chat", std::nullopt, 100)), (Texts{"a", "b"}));
}

TEST_F(Store, TellsWhetherAnythingIsMissing) {
  std::vector<Position> at;
  for (int i = 1; i <= 5; ++i)
    at.push_back(ann_.publish("chat", message(std::to_string(i), 3)).position);
  EXPECT_TRUE(bob_.history("chat", at[1], 100).complete);
  EXPECT_EQ(texts(bob_.history("chat", at[1], 100)), (Texts{"3", "4", "5"}));
  EXPECT_EQ(texts(bob_.history("chat", at[3], 100)), (Texts{"5"}));
  EXPECT_TRUE(bob_.history("chat", at[4], 100).complete);
  EXPECT_EQ(texts(bob_.history("chat", at[4], 100)), Texts{});
  EXPECT_FALSE(bob_.history("chat", at[0], 100).complete);
  EXPECT_FALSE(bob_.history("chat", at[1], 2).complete);
  EXPECT_FALSE(bob_.history("chat", Position{at[0].epoch + 1, 5}, 100).complete);
  EXPECT_FALSE(bob_.history("chat", Position{at[0].epoch, 6}, 100).complete);
  EXPECT_FALSE(bob_.history("unknown", at[0], 100).complete);
}

TEST_F(Store, KeepsAPlaceForWhatIsLost) {
  ann_.publish("chat", numbered("a", {7, 1}));
  EXPECT_EQ(ann_.publish("chat", lost({7, 2}, 1, 2)).result, StoreResult::stored);
  bob_.publish("chat", numbered("c", {7, 3}, 1, 3));
  EXPECT_EQ(texts(ann_.history("chat", std::nullopt, 100)), (Texts{"a", "c"}));
  EXPECT_EQ(texts(ann_.history("chat", Position{7, 1}, 100)), Texts{"c"});
  EXPECT_FALSE(ann_.history("chat", Position{7, 1}, 100).complete);
  EXPECT_TRUE(ann_.history("chat", Position{7, 2}, 100).complete) << "he was told of it";
}

TEST_F(Store, ForgetsWhatIsTooOld) {
  Record old = message("old", 10, 60);
  old.time_ms = 1'000;
  ann_.publish("chat", old);
  const Position before = ann_.position("chat");
  ann_.publish("chat", message("new", 10, 60));
  EXPECT_EQ(texts(ann_.history("chat", std::nullopt, 100)), (Texts{"new"}));
  EXPECT_TRUE(ann_.history("chat", before, 100).complete);
  EXPECT_FALSE(ann_.history("chat", Position{before.epoch, 0}, 100).complete);
}

TEST_F(Store, LosesWhatTheRingHasOverwritten) {
  const std::string large(ann_.largest_payload() / 2, 'x');
  for (int i = 0; i < 50; ++i) ann_.publish("chat", message(large + std::to_string(i), 1000));
  const StoredHistory kept = ann_.history("chat", std::nullopt, 1000);
  ASSERT_GE(kept.records.size(), 4u);
  ASSERT_LT(kept.records.size(), 50u);
  EXPECT_EQ(kept.records.back().message.payload(), large + "49");
  EXPECT_EQ(kept.records.front().position.offset, 51 - kept.records.size());
  EXPECT_FALSE(ann_.history("chat", Position{kept.newest.epoch, 0}, 1000).complete);
}

TEST_F(Store, KeepsAHistoryFromABusyChannelWithoutOne) {
  ann_.publish("chat", message("keep me", 5));
  for (int i = 0; i < 20'000; ++i) ann_.publish("ticks", message("tick"));
  EXPECT_EQ(texts(ann_.history("chat", std::nullopt, 5)), (Texts{"keep me"}));
}

TEST_F(Store, RefusesWhatIsTooLarge) {
  const std::string most(ann_.largest_payload(), 'x');
  EXPECT_EQ(ann_.publish("chat", message(most)).result, StoreResult::stored);
  EXPECT_EQ(ann_.publish("chat", message(most + "x")).result, StoreResult::too_large);
  EXPECT_EQ(ann_.publish(std::string(256, 'n'), message("")).result, StoreResult::too_large);
  EXPECT_EQ(ann_.publish(std::string(255, 'n'), message("")).result, StoreResult::stored);
  EXPECT_EQ(ann_.position("chat").offset, 1u);
}

TEST_F(Store, TakesTheNumbersOfAnotherMachine) {
  EXPECT_EQ(ann_.publish("chat", numbered("a", {7, 500})).result, StoreResult::stored);
  EXPECT_EQ(bob_.publish("chat", numbered("a", {7, 500})).result, StoreResult::already_there);
  EXPECT_EQ(bob_.publish("chat", numbered("z", {7, 400})).result, StoreResult::already_there);
  EXPECT_EQ(bob_.publish("chat", numbered("b", {7, 501})).result, StoreResult::stored);
  EXPECT_EQ(ann_.position("chat"), (Position{7, 501}));
  EXPECT_EQ(texts(ann_.history("chat", Position{7, 499}, 10)), (Texts{"a", "b"}));
  EXPECT_TRUE(ann_.history("chat", Position{7, 499}, 10).complete);
  EXPECT_FALSE(ann_.history("chat", Position{7, 498}, 10).complete);
  EXPECT_EQ(ann_.publish("chat", numbered("c", {8, 1})).position, (Position{8, 1}));
  EXPECT_EQ(texts(ann_.history("chat", std::nullopt, 10)), (Texts{"c"}));
}

TEST_F(Store, KeepsTheOriginOfNumberedRecords) {
  Record far = numbered("a", {7, 1});
  far.origin = 99;
  far.sequence = 42;
  EXPECT_EQ(ann_.publish("chat", far).sequence, 42u);
  const auto kept = ann_.history("chat", std::nullopt, 1);
  EXPECT_EQ(kept.records.at(0).origin, 99u);
  EXPECT_EQ(kept.records.at(0).sequence, 42u);
}

TEST_F(Store, LeavesOutOfTheHistoryWhatHasNoNumber) {
  ann_.publish("chat", message("a", 10));
  for (const RecordKind kind : {RecordKind::provisional, RecordKind::loose, RecordKind::control}) {
    const Stored stored = ann_.publish("chat", of_kind(kind, "x"));
    EXPECT_EQ(stored.result, StoreResult::stored);
    EXPECT_EQ(stored.position, Position());
  }
  EXPECT_EQ(texts(ann_.history("chat", std::nullopt, 10)), (Texts{"a"}));
  EXPECT_EQ(ann_.position("chat").offset, 1u);
}

TEST_F(Store, HasOneLeaderPerChannelWhileItLives) {
  EXPECT_TRUE(ann_.try_lead("ticks"));
  EXPECT_TRUE(ann_.try_lead("ticks"));
  EXPECT_TRUE(ann_.leads("ticks"));
  EXPECT_FALSE(bob_.try_lead("ticks"));
  bob_.stop_leading("ticks");
  EXPECT_TRUE(ann_.leads("ticks"));
  ann_.stop_leading("ticks");
  EXPECT_FALSE(ann_.leads("ticks"));
  {
    ChannelStore eve(*memory_);
    EXPECT_TRUE(eve.try_lead("ticks"));
    EXPECT_FALSE(bob_.try_lead("ticks"));
    EXPECT_TRUE(bob_.is_alive(eve.origin()));
    EXPECT_EQ(bob_.living(), (std::vector{ann_.origin(), bob_.origin(), eve.origin()}));
  }
  EXPECT_EQ(bob_.living(), (std::vector{ann_.origin(), bob_.origin()}));
  EXPECT_TRUE(bob_.try_lead("ticks"));
}

TEST_F(Store, ForgetsTheMostSilentChannelWhenTheTableIsFull) {
  const Position first = ann_.publish("0", message("a", 5)).position;
  ann_.try_lead("led");
  for (int i = 1; i < 20'000; ++i)
    ASSERT_EQ(ann_.publish(std::to_string(i), message("a")).result, StoreResult::stored);
  EXPECT_GT(ann_.counters().evicted, 10'000u);
  EXPECT_LE(ann_.counters().channels, (1u << 20) / 4 / 64);
  EXPECT_TRUE(ann_.leads("led"));
  // Whichever was forgotten begins anew.
  std::size_t begun_anew = 0;
  for (int i = 0; i < 100; ++i)
    begun_anew += ann_.publish(std::to_string(i), message("b")).position.offset == 1;
  EXPECT_GT(begun_anew, 0u);
  const Position again = ann_.publish("0", message("c", 5)).position;
  if (again.epoch != first.epoch) {
    EXPECT_FALSE(ann_.history("0", first, 10).complete);
  }
}

TEST_F(Store, HasNoRoomBesideLeadersThatLive) {
  std::size_t led = 0;
  while (led < 100'000 && ann_.try_lead(std::to_string(led))) ++led;
  ASSERT_LT(led, 100'000u);
  std::size_t refused = 0;
  for (int i = 0; i < 20'000; ++i)
    refused += ann_.publish("x" + std::to_string(i), message("a")).result == StoreResult::no_room;
  EXPECT_EQ(ann_.counters().refused, refused);
  EXPECT_GT(refused, 0u);
}

TEST(StoreOfDefaultSize, HoldsAHundredThousandChannels) {
  const auto memory = ChannelMemory::create(64 << 20, 16);
  ChannelStore store(*memory);
  constexpr int many = 100'000;
  for (int i = 0; i < many; ++i) store.publish("room/" + std::to_string(i), message("a"));
  for (int i = 0; i < many; ++i)
    ASSERT_EQ(store.publish("room/" + std::to_string(i), message("b")).position.offset, 2u);
  EXPECT_EQ(store.counters().channels, std::uint64_t{many});
  EXPECT_EQ(store.counters().evicted, 0u);
}

TEST(Seats, AreGivenOutAndTakenBack) {
  const auto memory = ChannelMemory::create(1 << 20, 2);
  std::set<std::uint64_t> origins;
  for (int i = 0; i < 3; ++i) {
    ChannelStore one(*memory);
    ChannelStore two(*memory);
    EXPECT_NE(one.seat(), two.seat());
    EXPECT_THROW(ChannelStore{*memory}, std::runtime_error);
    EXPECT_EQ(memory->taken_seats(), 2u);
    origins.insert({one.origin(), two.origin()});
  }
  EXPECT_EQ(origins.size(), 6u);
  EXPECT_EQ(memory->taken_seats(), 0u);
}

TEST(Seats, TellNothingOfTheChildBefore) {
  const auto memory = ChannelMemory::create(1 << 20, 1);
  shared::Seat& seat = memory->seat(0);
  {
    ChannelStore before(*memory);
    seat.generation = 7;
    seat.leaving = 1;
    seat.told = 12'345;
  }
  ChannelStore after(*memory);
  EXPECT_EQ(after.seat(), 0u);
  EXPECT_EQ(seat.generation, 0u);
  EXPECT_EQ(seat.leaving, 0u);
  EXPECT_EQ(seat.told, 0u);
}

TEST(Seats, NeedMemory) {
  EXPECT_THROW(ChannelMemory::create(ChannelMemory::least_bytes(16) - 1, 16),
               std::invalid_argument);
  EXPECT_THROW(ChannelMemory::create(1 << 20, 0), std::invalid_argument);
  EXPECT_TRUE(ChannelMemory::create(ChannelMemory::least_bytes(16), 16));
}

}  // namespace
}  // namespace cppwebsocket::testing
