// Members while the engine of a backplane is away, and when what they got early gets its number.
#include "channels/support/channel_fixture.hpp"
#include "channels/support/fake_uplink.hpp"
#include "protocol/support/event_reader.hpp"

namespace cppwebsocket::testing {
namespace {

using channels::Record;
using channels::RecordKind;

class Outage : public ChannelFixture {
 protected:
  static constexpr std::uint64_t epoch = channels::engine_epoch | 0x5f3a;
  static constexpr std::uint64_t origin = 0x77ab;

  Outage() {
    auto made = std::make_unique<FakeUplink>(store_);
    uplink_ = made.get();
    hub_.set_uplink(std::move(made));
    for (std::uint64_t i = 1; i <= 5; ++i) number(i, i);
  }

  void cut() { store_.child_counters().up = 0; }
  void mend() { store_.child_counters().up = 1; }

  static Record record(RecordKind kind, std::uint64_t sequence) {
    Record record{};
    record.kind = kind;
    if (kind != RecordKind::lost) record.message = Message("m" + std::to_string(sequence));
    record.origin = origin;
    record.sequence = sequence;
    record.bound = {100, 0};
    return record;
  }
  void give_early(std::uint64_t sequence) {
    store_.publish("chat", record(RecordKind::provisional, sequence));
    settle();
  }
  void number(std::uint64_t offset, std::uint64_t sequence, RecordKind kind = RecordKind::numbered) {
    Record made = record(kind, sequence);
    made.position = {epoch, offset};
    store_.publish("chat", made);
    settle();
  }

  static JoinOptions json(std::optional<std::uint64_t> resume = {}) {
    JoinOptions options;
    options.json = true;
    if (resume) options.resume = Position{epoch, *resume};
    return options;
  }

  // What a member was told, in short: "subscribed:true@5", "m6@6", "m7" without a number, "@7", "gap".
  static std::string told(Connection& member) {
    std::string all;
    for (const std::string& word : member.take_words()) {
      const auto value = [&](std::string name) {
        const std::size_t at = word.find("\"" + name + "\":");
        if (at == word.npos) return std::string();
        const std::size_t begin = at + name.size() + 3, end = word.find_first_of(",}", begin);
        std::string found = word.substr(begin, end - begin);
        std::erase(found, '"');
        return found;
      };
      const std::string type = value("type"), position = value("position");
      all += type == "message" ? value("data") : type == "position" ? "" : type;
      if (type == "subscribed") all += ":" + value("recovered");
      if (!position.empty()) all += "@" + position.substr(position.find('-') + 1);
      all += " ";
    }
    return all;
  }

  FakeUplink* uplink_ = nullptr;
};

TEST_F(Outage, NobodyHasRecoveredWhileOthersMayPublish) {
  cut();
  EXPECT_EQ(told(member("chat", json(3))), "subscribed:false@3 m4@4 m5@5 ");
  EXPECT_EQ(told(member("chat", json(5))), "subscribed:false@5 ");
  mend();
  EXPECT_EQ(told(member("chat", json(3))), "subscribed:true@5 m4@4 m5@5 ");
}

TEST_F(Outage, WhoeverComesBackGetsWhatOthersGotEarly) {
  Connection& stays = member("chat", json());
  cut();
  give_early(6);
  give_early(7);
  Connection& back = member("chat", json(5));
  Connection& fresh = member("chat", json());
  give_early(8);
  mend();
  Connection& later = member("chat", json(5));
  for (std::uint64_t i = 6; i <= 9; ++i) number(i, i);
  EXPECT_EQ(told(stays), "subscribed:false@5 m6 m7 m8 @6 @7 @8 m9@9 ");
  EXPECT_EQ(told(back), "subscribed:false@5 m8 m6@6 m7@7 @8 m9@9 ");
  EXPECT_EQ(told(fresh), "subscribed:false@5 m8 @6 @7 @8 m9@9 ") << "nothing old";
  EXPECT_EQ(told(later), "subscribed:true@5 m6@6 m7@7 m8@8 m9@9 ");
}

TEST_F(Outage, ALossTakesTheirPlaceForThoseWhoDidNotGetThem) {
  Connection& stays = member("chat", json());
  cut();
  give_early(6);
  Connection& back = member("chat", json(5));
  mend();
  number(6, 6, RecordKind::lost);
  EXPECT_EQ(told(stays), "subscribed:false@5 m6 @6 ");
  EXPECT_EQ(told(back), "subscribed:false@5 gap@6 ");
}

TEST_F(Outage, TheNewestNumberIsEnough) {
  Connection& stays = member("chat", json());
  cut();
  give_early(6);
  give_early(7);
  mend();
  for (std::uint64_t i = 6; i <= 7; ++i) {
    Record made = record(RecordKind::numbered, i);
    made.position = {epoch, i};
    store_.publish("chat", made);
  }
  settle();
  EXPECT_EQ(told(stays), "subscribed:false@5 m6 m7 @7 ");
}

TEST_F(Outage, EachSaysWhoItIs) {
  Connection& stays = member("chat", json());
  cut();
  give_early(6);
  mend();
  Connection& back = member("chat", json(5));
  number(6, 6);
  const std::string id = "\"id\":\"77ab-6\"";
  EXPECT_NE(stays.take_words().at(1).find(id), std::string::npos);
  EXPECT_NE(back.take_words().at(1).find(id), std::string::npos);
}

// It has been given a part of its past, and holds what came meanwhile.
TEST_F(Outage, WhatIsHeldIsNotGivenTwice) {
  JoinOptions options = json(0);
  Connection& back = member("chat", options, with_place([&] {
    give_early(6);
    number(6, 6);
  }));
  EXPECT_EQ(told(back), "subscribed:true@6 m1@1 m2@2 m3@3 m4@4 m5@5 m6@6 ");
}

TEST_F(Outage, WithoutNumbersOfTheEngineNothingIsCertain) {
  const Position local = publish("plain", "a").position;
  JoinOptions options = json();
  options.resume = local;
  EXPECT_EQ(told(member("plain", options)), "subscribed:false@1 ");
}

}  // namespace
}  // namespace cppwebsocket::testing
