// An engine that refuses, for a while or for good, and links that break.
#include "channels/support/uplink_fixture.hpp"

namespace cppwebsocket::channels {
namespace {

class UplinkTroubleTest : public BackplaneUplinkTest {
 protected:
  static Record missed(std::int64_t ms_ago) {
    Record record{};
    record.kind = RecordKind::missed;
    record.time_ms = ms_ago;
    return record;
  }

  void break_link() {
    listener().link_down();
    engine->appended.clear();
    listener().link_up();
  }

  std::string kinds() const {
    std::string kinds;
    for (const Record& each : engine->appended) kinds += each.kind == RecordKind::lost ? 'x' : 'n';
    return kinds;
  }

  // Of the channels whose others were told that they missed something.
  std::vector<std::string> told_missed() const {
    std::vector<std::string> channels;
    for (std::size_t i = 0; i < engine->published.size(); ++i)
      if (engine->published[i].kind == RecordKind::missed) channels.push_back(engine->published_in[i]);
    return channels;
  }
};

TEST_F(UplinkTroubleTest, HoldsWhatHasHistoryAndGoesOnWithTheRest) {
  set_up_current();
  publish("a");
  publish("b");
  listener().hold_appends();
  engine->appended.clear();
  EXPECT_EQ(delivered(), "a b ") << "here they do not wait";
  publish("c");
  EXPECT_TRUE(uplink->publish("plain", {}, Message("p"), {}));
  EXPECT_EQ(engine->published.size(), 1u);
  EXPECT_TRUE(engine->appended.empty());
  EXPECT_EQ(uplink->counters().up, 1u);

  listener().take_appends();
  ASSERT_EQ(engine->appended.size(), 1u) << "one, to see whether it is taken";
  number(1);
  ASSERT_EQ(engine->appended.size(), 2u);
  number(2);
  number(3);
  EXPECT_EQ(delivered(), "a b c ") << "each once";
  EXPECT_EQ(uplink->counters().lost, 0u);
}

TEST_F(UplinkTroubleTest, NumbersALossInPlaceOfWhatTheEngineNeverTakes) {
  set_up_current();
  publish("a");
  publish("b");
  listener().appended(std::nullopt);
  EXPECT_EQ(delivered(), "a ") << "the members here have it";
  engine->appended.clear();
  listener().take_appends();
  EXPECT_EQ(kinds(), "xn");
  EXPECT_EQ(engine->appended[0].sequence, 1u);
  number(1);
  number(2);
  EXPECT_EQ(delivered(), "a b ");
  EXPECT_EQ(uplink->counters().lost, 1u);
  EXPECT_EQ(uplink->counters().queued, 0u);
}

TEST_F(UplinkTroubleTest, GoesOnBehindALossThatIsRefusedAsWell) {
  set_up_current();
  publish("a");
  publish("b");
  for (int i = 0; i < 2; ++i) {
    listener().appended(std::nullopt);
    engine->appended.clear();
    listener().take_appends();
  }
  EXPECT_EQ(kinds(), "n");
  EXPECT_EQ(uplink->counters().lost, 1u);
}

TEST_F(UplinkTroubleTest, GivesUpALargeMessageThatEndsTheLinkAgainAndAgain) {
  set_up_current();
  publish(std::string(100'000, 'x').c_str());
  publish("b");
  break_link();
  EXPECT_EQ(kinds(), "n") << "alone";
  break_link();
  EXPECT_EQ(kinds(), "n");
  EXPECT_TRUE(log.empty());
  break_link();
  EXPECT_EQ(kinds(), "x");
  ASSERT_EQ(log.size(), 1u);
  EXPECT_NE(log[0].find("100000 bytes for the channel chat"), std::string::npos) << log[0];
  listener().appended(Position{epoch, 1});
  EXPECT_EQ(kinds(), "xn");
}

TEST_F(UplinkTroubleTest, KeepsASmallMessageHoweverOftenTheLinkEnds) {
  set_up_current();
  publish("a");
  for (int i = 0; i < 5; ++i) break_link();
  EXPECT_EQ(kinds(), "n");
}

TEST_F(UplinkTroubleTest, TellsMembersWithoutHistoryThatTheyWereCutOff) {
  set_up(false);
  listener().link_up();
  uplink->in_use("chat", true);
  listener().subscribed("chat");
  EXPECT_EQ(delivered(), "");
  listener().link_down();
  publish("a", {});
  EXPECT_EQ(delivered(), "a ");
  listener().link_up();
  EXPECT_EQ(delivered(), "a ") << "not yet whole";
  listener().subscribed("chat");
  listener().subscribed("chat");
  EXPECT_EQ(delivered(), "a GAP ") << "once";
}

TEST_F(UplinkTroubleTest, AlsoWhereTheEngineKeepsHistoryOfOthers) {
  set_up_current();
  listener().link_down();
  listener().link_up();
  listener().subscribed("chat");
  answer({});
  EXPECT_EQ(delivered(), "GAP ");
}

TEST_F(UplinkTroubleTest, ButNotWhoeverHasAHistory) {
  set_up_current();
  arrive(numbered(1, "a"));
  listener().link_down();
  listener().link_up();
  listener().subscribed("chat");
  answer({{}, {epoch, 1}, true});
  EXPECT_EQ(delivered(), "a ");
  // The engine has begun anew: the first number of its new epoch tells, and that once.
  listener().link_down();
  listener().link_up();
  listener().subscribed("chat");
  answer({});
  EXPECT_EQ(delivered(), "a ");
  arrive(numbered(1, "b", far, 2, epoch + 1));
  answer({{}, {epoch + 1, 1}, false});
  answer({{numbered(1, "b", far, 2, epoch + 1)}, {epoch + 1, 1}, true});
  EXPECT_EQ(delivered(), "a GAP b ");
}

TEST_F(UplinkTroubleTest, TellsThoseWhoJoinedBeforeTheLinkWasUp) {
  set_up(false);
  uplink->in_use("chat", true);
  listener().link_up();
  listener().subscribed("chat");
  EXPECT_EQ(delivered(), "GAP ");
  uplink->in_use("late", true);
  listener().subscribed("late");
  EXPECT_EQ(delivered(), "GAP ");
}

TEST_F(UplinkTroubleTest, TellsOtherMachinesWhatTheyMissedOfThisOne) {
  set_up(false);
  listener().link_up();
  listener().link_down();
  publish("a", {});
  uplink->publish("news", {}, Message("b"), {});
  EXPECT_TRUE(told_missed().empty());
  listener().link_up();
  EXPECT_EQ(told_missed().size(), 2u);
  listener().link_down();
  listener().link_up();
  EXPECT_EQ(told_missed().size(), 2u) << "once";
}

TEST_F(UplinkTroubleTest, AndWhatTheEngineDidNotTake) {
  set_up(false);
  listener().link_up();
  engine->takes = false;
  publish("a", {});
  EXPECT_EQ(uplink->counters().sent, 0u);
  EXPECT_EQ(uplink->counters().lost, 1u);
  engine->takes = true;
  engine->published.clear();
  engine->published_in.clear();
  listener().works();
  EXPECT_EQ(told_missed(), std::vector<std::string>{"chat"});
  publish("b", {});
  listener().not_sent("chat", RecordKind::loose);
  EXPECT_EQ(uplink->counters().sent, 0u);
  EXPECT_EQ(uplink->counters().lost, 2u);
  listener().works();
  EXPECT_EQ(told_missed(), (std::vector<std::string>{"chat", "chat"}));
  listener().not_sent("chat", RecordKind::missed);
  EXPECT_EQ(uplink->counters().lost, 2u) << "that was no message";
  listener().works();
  EXPECT_EQ(told_missed().size(), 3u);
}

TEST_F(UplinkTroubleTest, BelievesOthersThatSomethingWasMissed) {
  set_up(false);
  listener().link_up();
  uplink->in_use("chat", true);
  listener().subscribed("chat");
  arrive(missed(0));
  EXPECT_EQ(delivered(), "GAP ");
  arrive(missed(60'000));
  EXPECT_EQ(delivered(), "GAP ") << "before this machine was there itself";
}

// Somebody may publish with a history where nobody here listens.
TEST_F(UplinkTroubleTest, GivesNothingAgainThatHasCome) {
  set_up_current();
  uplink->publish("elsewhere", kept, Message("x"), {});
  answer_append(1);
  publish("a");
  number(1);
  EXPECT_EQ(delivered(), "a ");
  listener().link_down();
  EXPECT_EQ(delivered(), "a ") << "though an earlier one has not";
}

TEST_F(UplinkTroubleTest, DoesNotTakeWhatMayNotBeReadForAChannelThatIsNotKnown) {
  set_up_current();
  unsigned answers = 0;
  const auto count = [&](StoredHistory&&) { ++answers; };
  ASSERT_TRUE(uplink->read("chat", std::nullopt, 10, count));
  answer({});
  EXPECT_EQ(answers, 1u);
  ASSERT_TRUE(uplink->read("chat", std::nullopt, 10, count));
  answer({.refused = true});
  EXPECT_EQ(answers, 1u) << "this is no answer";
}

TEST_F(UplinkTroubleTest, DoesNotKnowAllWhereItMayNotReadWhatCameBefore) {
  set_up_current();
  EXPECT_TRUE(uplink->knows_all("chat"));
  for (const bool refused : {true, false}) {
    listener().link_down();
    listener().link_up();
    listener().subscribed("chat");
    answer({.refused = refused});
    EXPECT_EQ(uplink->knows_all("chat"), !refused);
  }
  arrive(numbered(1, "a"));
  EXPECT_TRUE(delivered().ends_with("a ")) << "what comes is given all the same";
}

}  // namespace
}  // namespace cppwebsocket::channels
