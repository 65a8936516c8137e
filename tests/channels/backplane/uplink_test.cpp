#include "channels/support/uplink_fixture.hpp"

namespace cppwebsocket::channels {
namespace {

TEST_F(BackplaneUplinkTest, DeliversChannelsWithoutHistoryHereAtOnce) {
  set_up_current();
  EXPECT_TRUE(publish("a", {}));
  EXPECT_EQ(delivered(), "a ");
  ASSERT_EQ(engine->published.size(), 1u);
  EXPECT_EQ(engine->published[0].kind, RecordKind::loose);
  EXPECT_EQ(engine->published[0].message, Message("a"));
  EXPECT_TRUE(engine->appended.empty());
}

TEST_F(BackplaneUplinkTest, DeliversChannelsWithoutHistoryAlsoWhileTheLinkIsDown) {
  set_up();
  EXPECT_TRUE(publish("a", {}));
  EXPECT_EQ(delivered(), "a ");
  EXPECT_EQ(uplink->counters().lost, 1u);
}

TEST_F(BackplaneUplinkTest, TakesWhatOtherMachinesPublish) {
  set_up_current();
  Record record = numbered(0, "from afar");
  record.kind = RecordKind::loose;
  record.position = {};
  arrive(record);
  EXPECT_EQ(delivered(), "from afar ");
  listener().received("unused", std::move(record));
  EXPECT_EQ(delivered(), "from afar ");
}

TEST_F(BackplaneUplinkTest, GivesControlRecordsBothWays) {
  set_up_current();
  uplink->control("chat", Message("who"));
  ASSERT_EQ(engine->published.size(), 1u);
  EXPECT_EQ(engine->published[0].kind, RecordKind::control);
  Record record{};
  record.kind = RecordKind::control;
  record.message = Message("me");
  arrive(std::move(record));
  EXPECT_EQ(controls, std::vector<std::string>{"chat: me"});
}

TEST_F(BackplaneUplinkTest, WaitsForTheNumberOfWhatHasHistory) {
  set_up_current();
  EXPECT_EQ(publish("a").position, Position{});
  EXPECT_EQ(delivered(), "");
  number(1);
  EXPECT_EQ(delivered(), "a ");
  EXPECT_EQ(store.position("chat"), (Position{epoch, 1}));
  EXPECT_EQ(uplink->counters().queued, 0u);
}

TEST_F(BackplaneUplinkTest, GivesTheUserToOthersAndHere) {
  set_up_current();
  publish("a", kept, "ann");
  ASSERT_EQ(engine->appended.size(), 1u);
  EXPECT_EQ(engine->appended[0].remarks, "ann");
  number(1);
  EXPECT_EQ(delivered(), "a ");
  const StoredHistory history = store.history("chat", std::nullopt, 10);
  ASSERT_EQ(history.records.size(), 1u);
  EXPECT_EQ(history.records[0].remarks, "ann");
}

TEST_F(BackplaneUplinkTest, GivesTheUserOfWhatHasNoHistory) {
  set_up_current();
  publish("a", {}, "ann");
  ASSERT_EQ(engine->published.size(), 1u);
  EXPECT_EQ(engine->published[0].remarks, "ann");
}

TEST_F(BackplaneUplinkTest, KeepsTheOrderWithinTheWindow) {
  UplinkLimits limits;
  limits.in_flight = 2;
  set_up_current(limits);
  for (const char* each : {"a", "b", "c"}) publish(each);
  EXPECT_EQ(engine->appended.size(), 2u);
  number(1);
  EXPECT_EQ(engine->appended.size(), 2u);
  number(2);
  number(3);
  EXPECT_EQ(delivered(), "a b c ");
}

TEST_F(BackplaneUplinkTest, DeliversAtOnceWhileTheLinkIsDownAndNumbersLater) {
  set_up_current();
  listener().link_down();
  publish("a");
  publish("b");
  EXPECT_EQ(delivered(), "a b ");
  EXPECT_TRUE(engine->appended.empty());

  listener().link_up();
  listener().subscribed("chat");
  answer({});
  publish("c");
  ASSERT_EQ(engine->appended.size(), 3u);
  for (int i = 1; i <= 3; ++i) number(static_cast<std::uint64_t>(i));
  EXPECT_EQ(delivered(), "a b c ") << "each once";
  EXPECT_EQ(store.position("chat"), (Position{epoch, 3}));
}

TEST_F(BackplaneUplinkTest, DeliversWhatWasUnansweredWhenTheLinkBroke) {
  set_up_current();
  publish("a");
  publish("b");
  number(1);
  listener().link_down();
  publish("c");
  EXPECT_EQ(delivered(), "a b c ");

  listener().link_up();
  listener().subscribed("chat");
  // "b" had been stored before the link broke. It is given again all the same.
  EXPECT_EQ(engine->reads.front().after, (Position{epoch, 1}));
  answer({{numbered(2, "b", store.origin(), 2)}, {epoch, 2}, true});
  ASSERT_EQ(engine->appended.size(), 3u);
  EXPECT_EQ(engine->appended[1].sequence, 2u);
  engine->appended.erase(engine->appended.begin(), engine->appended.begin() + 2);
  listener().appended(Position{});
  number(3);
  EXPECT_EQ(delivered(), "a b c ");
}

// Two connections: the one that answers may bring more than the other before they break.
TEST_F(BackplaneUplinkTest, DeliversWhatWasAnsweredAndHadNotComeWhenTheLinkBroke) {
  set_up_current();
  publish("a");
  publish("b");
  answer_append(1);
  EXPECT_EQ(delivered(), "");
  listener().link_down();
  publish("c");
  EXPECT_EQ(delivered(), "a b c ");

  listener().link_up();
  listener().subscribed("chat");
  answer({{numbered(1, "a", store.origin(), 1)}, {epoch, 1}, true});
  ASSERT_EQ(engine->appended.size(), 3u) << "\"a\" is not given again";
  EXPECT_EQ(engine->appended[1].sequence, 2u);
  engine->appended.erase(engine->appended.begin());
  number(2);
  number(3);
  EXPECT_EQ(delivered(), "a b c ") << "each once";
}

TEST_F(BackplaneUplinkTest, DeliversWhatWasAnsweredBeforeWhatTheEngineRefuses) {
  set_up_current();
  publish("a");
  publish("b");
  answer_append(1);
  listener().appended(std::nullopt);
  EXPECT_EQ(delivered(), "a b ");
  arrive(numbered(1, "a", store.origin(), 1));
  EXPECT_EQ(delivered(), "a b ");
}

TEST_F(BackplaneUplinkTest, ForgetsWhatNeverComesBecauseNobodyHereListens) {
  UplinkLimits limits;
  limits.answered_bytes = 2'000;
  set_up(true, limits);
  listener().link_up();
  for (std::uint64_t i = 1; i <= 100; ++i) {
    publish("a");
    answer_append(i);
  }
  listener().link_down();
  const std::size_t kept_records = delivered().size() / 2;
  EXPECT_GT(kept_records, 0u);
  EXPECT_LT(kept_records, 2'000 / sizeof(Record));
}

TEST_F(BackplaneUplinkTest, GivesAHistoryToWhatIsPublishedWithoutWhereOthersGiveOne) {
  set_up_current();
  publish("a");
  number(1);
  EXPECT_EQ(publish("b", {}).position, Position{}) << "the engine gives the numbers";
  ASSERT_EQ(engine->appended.size(), 1u);
  EXPECT_EQ(engine->appended[0].bound, kept);
  number(2);
  EXPECT_EQ(delivered(), "a b ");
  EXPECT_EQ(store.position("chat"), (Position{epoch, 2}));
}

// The link of another child may have lived long enough to bring it.
TEST_F(BackplaneUplinkTest, DoesNotDeliverAgainWhatASiblingHasStored) {
  set_up_current();
  publish("a");
  store.publish("chat", numbered(1, "a", store.origin(), 1));
  EXPECT_EQ(delivered(), "a ");
  listener().link_down();
  EXPECT_EQ(delivered(), "a ");
}

TEST_F(BackplaneUplinkTest, ReadsWhatItMissedBeforeItGoesOn) {
  set_up_current();
  arrive(numbered(1, "a"));
  arrive(numbered(4, "d"));
  arrive(numbered(5, "e"));
  EXPECT_EQ(delivered(), "a ");
  ASSERT_EQ(engine->reads.size(), 1u);
  EXPECT_EQ(engine->reads.front().after, (Position{epoch, 1}));
  answer({{numbered(2, "b"), numbered(3, "c"), numbered(4, "d")}, {epoch, 4}, true});
  EXPECT_EQ(delivered(), "a b c d e ");
  EXPECT_TRUE(engine->reads.empty());
}

TEST_F(BackplaneUplinkTest, ReadsOnWhileThereIsMore) {
  set_up_current();
  arrive(numbered(1, "a"));
  listener().link_down();
  listener().link_up();
  listener().subscribed("chat");
  answer({{numbered(2, "b")}, {epoch, 3}, true});
  ASSERT_EQ(engine->reads.size(), 1u);
  EXPECT_EQ(engine->reads.front().after, (Position{epoch, 2}));
  answer({{numbered(3, "c")}, {epoch, 3}, true});
  EXPECT_EQ(delivered(), "a b c ");
}

TEST_F(BackplaneUplinkTest, ReadsOnBehindWhatIsOfNoUse) {
  set_up();
  listener().link_up();
  uplink->in_use("chat", true);
  listener().subscribed("chat");
  answer({{}, {epoch, 3}, false, 2});
  ASSERT_EQ(engine->reads.size(), 1u);
  EXPECT_EQ(engine->reads[0].after, (Position{epoch, 2}));
  answer({{numbered(3, "c")}, {epoch, 3}, true, 3});
  EXPECT_TRUE(engine->reads.empty());
  EXPECT_EQ(delivered(), "c ");
}

TEST_F(BackplaneUplinkTest, ReadsAgainWhenTooMuchCameMeanwhile) {
  UplinkLimits limits;
  limits.held = 1;
  set_up_current(limits);
  arrive(numbered(1, "a"));
  arrive(numbered(3, "c"));
  arrive(numbered(4, "d"));
  answer({{numbered(2, "b"), numbered(3, "c")}, {epoch, 3}, true});
  ASSERT_EQ(engine->reads.size(), 1u);
  answer({{numbered(4, "d")}, {epoch, 4}, true});
  EXPECT_EQ(delivered(), "a b c d ");
}

TEST_F(BackplaneUplinkTest, TellsAGapWhereTheHistoryWasTooShort) {
  set_up_current();
  arrive(numbered(1, "a"));
  arrive(numbered(9, "i"));
  answer({{numbered(8, "h"), numbered(9, "i")}, {epoch, 9}, false});
  EXPECT_EQ(delivered(), "a GAP h i ");
}

TEST_F(BackplaneUplinkTest, FollowsAServerThatHasBegunAnew) {
  set_up_current();
  arrive(numbered(1, "a"));
  EXPECT_EQ(delivered(), "a ");
  arrive(numbered(1, "x", far, 2, epoch + 1));
  answer({{}, {epoch + 1, 1}, false});
  EXPECT_EQ(engine->reads.front().after, std::nullopt);
  answer({{numbered(1, "x", far, 2, epoch + 1)}, {epoch + 1, 1}, true});
  EXPECT_EQ(delivered(), "a GAP x ");
  EXPECT_EQ(store.position("chat"), (Position{epoch + 1, 1}));
}

TEST_F(BackplaneUplinkTest, DeliversHereWhatTheEngineRefuses) {
  set_up_current();
  publish("a");
  listener().appended(std::nullopt);
  EXPECT_EQ(delivered(), "a ");
  EXPECT_EQ(uplink->counters().lost, 1u);
}

TEST_F(BackplaneUplinkTest, BoundsTheQueueAndSaysSoOnce) {
  UplinkLimits limits;
  limits.queued_bytes = 1000;
  set_up(true, limits);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(publish("0123456789"));
  EXPECT_EQ(log.size(), 1u);
  const std::uint64_t lost = uplink->counters().lost;
  EXPECT_GT(lost, 90u);
  EXPECT_EQ(lost + uplink->counters().queued, 101u) << "one stands for those that are lost";
  listener().link_up();
  while (uplink->counters().queued != 0) listener().appended(Position{});
  ASSERT_EQ(log.size(), 2u);
  EXPECT_NE(log[1].find(std::to_string(lost) + " messages"), std::string::npos) << log[1];
}

TEST_F(BackplaneUplinkTest, TellsOtherMachinesOfWhatItHadNoRoomFor) {
  UplinkLimits limits;
  limits.queued_bytes = 1000;
  set_up(true, limits);
  for (int i = 0; i < 100; ++i) publish("0123456789");
  const std::uint64_t waited = uplink->counters().queued;
  listener().link_up();
  ASSERT_EQ(engine->appended.size(), waited);
  EXPECT_EQ(engine->appended.back().kind, RecordKind::lost);
  EXPECT_EQ(engine->appended.back().sequence, waited) << "the first that was lost";
  EXPECT_TRUE(engine->appended.back().message.empty());

  // In flight it does not stand for what is lost now.
  publish("0123456789");
  EXPECT_EQ(uplink->counters().queued, waited + 1);
  while (uplink->counters().queued != 0) listener().appended(Position{epoch, 1});
  EXPECT_EQ(engine->appended.back().kind, RecordKind::lost);
  EXPECT_EQ(engine->appended.back().sequence, 101u);
  EXPECT_EQ(uplink->counters().sent, waited - 1);

  // A later record of the channel has a place, so what is lost behind it needs another.
  listener().link_down();
  engine->appended.clear();
  const std::string small(100, 'x'), large(2000, 'x');
  for (const std::string& each : {small, large, small, large}) publish(each.c_str());
  listener().link_up();
  std::string kinds;
  for (const Record& each : engine->appended) kinds += each.kind == RecordKind::lost ? 'x' : 'n';
  EXPECT_EQ(kinds, "nxnx");
  EXPECT_EQ(delivered().find("GAP"), std::string::npos) << "they were delivered here";
}

TEST_F(BackplaneUplinkTest, TellsMembersHereWhatAnotherMachineHasLost) {
  set_up_current();
  arrive(numbered(1, "a"));
  Record lost = numbered(2, "");
  lost.kind = RecordKind::lost;
  arrive(lost);
  arrive(numbered(3, "c"));
  EXPECT_EQ(delivered(), "a GAP c ");
  EXPECT_TRUE(engine->reads.empty());
  EXPECT_FALSE(store.history("chat", Position{epoch, 1}, 10).complete);
}

TEST_F(BackplaneUplinkTest, DoesNotWaitForASlowServer) {
  UplinkLimits limits;
  limits.queued_bytes = 1000;
  limits.in_flight = 1;
  set_up_current(limits);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(publish("0123456789"));
  EXPECT_EQ(delivered().size(), 1100u);
  EXPECT_LT(uplink->counters().queued, 10u);
  const std::uint64_t waiting = uplink->counters().queued;
  for (std::uint64_t i = 1; i <= waiting; ++i) number(i);
  EXPECT_EQ(delivered().size(), 1100u) << "each once";
  publish("b");
  EXPECT_EQ(engine->appended.size(), 1u);
}

TEST_F(BackplaneUplinkTest, RecoversFromTheEngineTheFirstThatTheStoreDoesNotHave) {
  UplinkLimits limits;
  limits.recovered_at_once = 2;
  set_up_current(limits);
  arrive(numbered(8, "h"));
  answer({{numbered(8, "h")}, {epoch, 8}, true});
  std::optional<StoredHistory> found;
  EXPECT_TRUE(uplink->recover("chat", Position{epoch, 5},
                              [&](StoredHistory&& history) { found = std::move(history); }));
  EXPECT_EQ(engine->reads.front().most, 2u);
  answer({{numbered(6, "f"), numbered(7, "g")}, {epoch, 8}, true});
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->complete);
  EXPECT_EQ(found->records.size(), 2u);
  EXPECT_EQ(found->newest, (Position{epoch, 8}));
}

TEST_F(BackplaneUplinkTest, TellsThatItCannotRecover) {
  set_up_current();
  std::optional<StoredHistory> found;
  const auto done = [&](StoredHistory&& history) { found = std::move(history); };
  EXPECT_TRUE(uplink->recover("chat", Position{epoch, 5}, done));
  answer({{}, {epoch, 900}, false});
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->complete);
  EXPECT_FALSE(uplink->recover("unused", Position{epoch, 5}, done));
  listener().link_down();
  EXPECT_FALSE(uplink->recover("chat", Position{epoch, 5}, done));
}

TEST_F(BackplaneUplinkTest, HasNewMembersWaitUntilTheChannelIsCurrent) {
  set_up();
  listener().link_up();
  uplink->in_use("chat", true);
  std::optional<StoredHistory> found;
  EXPECT_TRUE(uplink->recover("chat", std::nullopt,
                              [&](StoredHistory&& history) { found = std::move(history); }));
  listener().subscribed("chat");
  EXPECT_FALSE(found);
  answer({{numbered(7, "g")}, {epoch, 7}, true});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->newest, (Position{epoch, 7}));
  EXPECT_FALSE(uplink->recover("chat", std::nullopt, [](StoredHistory&&) {}));
}

TEST_F(BackplaneUplinkTest, TellsWhenAChannelIsCurrent) {
  set_up();
  bool done = false;
  const auto tell = [&] { done = true; };
  EXPECT_FALSE(uplink->when_current("chat", tell)) << "down";
  listener().link_up();
  EXPECT_FALSE(uplink->when_current("chat", tell)) << "not in use";
  uplink->in_use("chat", true);
  EXPECT_TRUE(uplink->when_current("chat", tell));
  listener().subscribed("chat");
  EXPECT_FALSE(done);
  answer({{numbered(7, "g")}, {epoch, 7}, true});
  EXPECT_TRUE(done);
  EXPECT_FALSE(uplink->when_current("chat", tell));
}

TEST_F(BackplaneUplinkTest, TellsWhenAnEngineWithoutHistoryHears) {
  set_up(false);
  listener().link_up();
  uplink->in_use("chat", true);
  bool done = false;
  EXPECT_TRUE(uplink->when_current("chat", [&] { done = true; }));
  listener().subscribed("chat");
  EXPECT_TRUE(done);
  listener().link_down();
  listener().link_up();
  EXPECT_TRUE(uplink->when_current("chat", [&] { done = true; }));
}

TEST_F(BackplaneUplinkTest, LetsThoseGoWhoWaitWhenTheLinkBreaks) {
  set_up();
  listener().link_up();
  uplink->in_use("chat", true);
  bool done = false;
  EXPECT_TRUE(uplink->recover("chat", std::nullopt, [&](StoredHistory&&) { done = true; }));
  listener().link_down();
  EXPECT_TRUE(done);
}

TEST_F(BackplaneUplinkTest, PromisesNoHistoryWhereTheEngineKeepsNone) {
  set_up(false);
  listener().link_up();
  uplink->in_use("chat", true);
  publish("a");
  EXPECT_EQ(delivered(), "a ");
  EXPECT_EQ(engine->published.size(), 1u);
  EXPECT_TRUE(store.history("chat", std::nullopt, 10).records.empty());
  EXPECT_FALSE(uplink->recover("chat", Position{epoch, 1}, [](StoredHistory&&) {}));
}

TEST_F(BackplaneUplinkTest, SubscribesWhatIsInUse) {
  set_up();
  uplink->in_use("chat", true);
  uplink->in_use("news", true);
  uplink->in_use("chat", false);
  EXPECT_EQ(engine->subscribed, std::vector<std::string>{"news"});
}

}  // namespace
}  // namespace cppwebsocket::channels
