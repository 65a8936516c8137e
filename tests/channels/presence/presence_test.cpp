#include "channels/presence/presence.hpp"

#include <chrono>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cppwebsocket::channels {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Kind = PresenceNote::Kind;

constexpr auto joined = Publication::Kind::joined;
constexpr auto left = Publication::Kind::left;
constexpr std::uint64_t first = 1, second = 2;  // origins
const detail::TimePoint start{1h};
const Member ann{"1-1", "Ann"}, bob{"2-1", "ボブ"}, eve{"1-2", ""};

Presence::Change change(Publication::Kind kind, Member member, std::string channel = "chat") {
  return {std::move(channel), kind, std::move(member)};
}

class PresenceOfMembers : public ::testing::Test {
 protected:
  Presence::Changes hear(Kind kind, std::vector<Member> members, std::uint64_t origin,
                         detail::TimePoint now = start, bool far = false) {
    return presence_.heard("chat", {kind, std::move(members)}, origin, far, now);
  }
  Presence presence_;
};

TEST_F(PresenceOfMembers, TellsOnceWhoComesAndGoes) {
  EXPECT_THAT(hear(Kind::joined, {ann}, first), ElementsAre(change(joined, ann)));
  EXPECT_THAT(hear(Kind::joined, {ann}, first), IsEmpty());
  EXPECT_THAT(hear(Kind::joined, {bob}, second), ElementsAre(change(joined, bob)));
  EXPECT_THAT(presence_.present("chat"), ElementsAre(ann, bob));
  EXPECT_THAT(presence_.present("elsewhere"), IsEmpty());
  EXPECT_THAT(hear(Kind::left, {{ann.id, ""}}, first), ElementsAre(change(left, ann)));
  EXPECT_THAT(hear(Kind::left, {{ann.id, ""}}, first), IsEmpty());
  EXPECT_THAT(presence_.present("chat"), ElementsAre(bob));
  EXPECT_THAT(hear(Kind::left, {{bob.id, ""}}, second), ElementsAre(change(left, bob)));
  EXPECT_TRUE(presence_.empty());
}

TEST_F(PresenceOfMembers, AnAnnouncementOnlyAddsWhoIsNotKnown) {
  hear(Kind::joined, {ann}, first);
  EXPECT_THAT(hear(Kind::here, {ann, eve}, first), ElementsAre(change(joined, eve)));
  EXPECT_THAT(hear(Kind::here, {}, second), IsEmpty());
  EXPECT_THAT(presence_.present("chat"), ElementsAre(ann, eve));
}

TEST_F(PresenceOfMembers, QuestionsChangeNothing) {
  for (const Kind kind : {Kind::who, Kind::all_who, Kind::count, Kind::counted})
    EXPECT_THAT(hear(kind, {}, first), IsEmpty());
  EXPECT_TRUE(presence_.empty());
}

TEST_F(PresenceOfMembers, LeaveWithTheirChild) {
  hear(Kind::joined, {ann}, first);
  hear(Kind::joined, {bob}, second);
  hear(Kind::joined, {eve}, first);
  presence_.heard("news", {Kind::joined, {{"1-3", "Ann"}}}, first, false, start);
  int asked = 0;
  const auto only_second_lives = [&](std::uint64_t origin) {
    ++asked;
    return origin == second;
  };
  EXPECT_THAT(presence_.keep(only_second_lives), ElementsAre(change(left, ann), change(left, eve),
                                                             change(left, {"1-3", "Ann"}, "news")));
  EXPECT_EQ(asked, 2);
  EXPECT_THAT(presence_.keep(only_second_lives), IsEmpty());
  EXPECT_THAT(presence_.present("chat"), ElementsAre(bob));
  // What the dead child had still said is heard of later.
  EXPECT_THAT(hear(Kind::left, {{ann.id, ""}}, first), IsEmpty());
}

TEST_F(PresenceOfMembers, OfOtherMachinesStayUntilTheyAreSilent) {
  hear(Kind::joined, {ann}, first, start, true);
  hear(Kind::joined, {bob}, second, start, true);
  EXPECT_THAT(presence_.keep([](std::uint64_t) { return false; }), IsEmpty());
  hear(Kind::here, {bob}, second, start + 30s, true);
  EXPECT_THAT(presence_.expire(start + 10s), ElementsAre(change(left, ann)));
  EXPECT_THAT(presence_.expire(start + 10s), IsEmpty());
  EXPECT_THAT(presence_.present("chat"), ElementsAre(bob));
}

TEST(PresenceNotes, AreReadAsTheyWereWritten) {
  PresenceNote counted{Kind::counted, {}, ~std::uint64_t{0}, 1};
  counted.count = 128;
  PresenceNote count{Kind::count};
  count.question = 127;
  const std::vector<Member> many(200, {"5f-17", std::string(300, 'x')});
  for (const PresenceNote& note :
       {PresenceNote{Kind::joined, {ann}}, PresenceNote{Kind::here, {ann, bob, eve}},
        PresenceNote{Kind::here, {}}, PresenceNote{Kind::here, many},
        PresenceNote{Kind::left, {{ann.id, ""}}}, PresenceNote{Kind::who},
        PresenceNote{Kind::all_who}, count, counted})
    EXPECT_EQ(decode_presence_note(encode(note)), note) << encode(note).substr(0, 40);
  EXPECT_EQ(encode({Kind::joined, {ann}}),
            "j\x03"
            "1-1\x03"
            "Ann");
}

TEST(PresenceNotes, AreRefusedWhenTheyAreCutOrLonger) {
  PresenceNote counted{Kind::counted, {}, 300, 5};
  counted.count = 7;
  for (const PresenceNote& note :
       {PresenceNote{Kind::joined, {ann}}, PresenceNote{Kind::left, {{ann.id, ""}}},
        PresenceNote{Kind::who}, counted}) {
    const std::string bytes = encode(note);
    const bool has_list = note.kind == Kind::joined;  // "j" alone: nobody
    for (std::size_t size = has_list ? 2 : 0; size < bytes.size(); ++size) {
      EXPECT_FALSE(decode_presence_note(bytes.substr(0, size))) << bytes << size;
    }
    EXPECT_FALSE(decode_presence_note(bytes + '\1')) << bytes;
  }
}

TEST(PresenceNotes, AreRefusedWhenTheyAreNone) {
  using namespace std::string_view_literals;
  for (const std::string_view bytes :
       {"x"sv, "\0"sv, "j\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"sv,  // a size beyond the end
        "c\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"sv,                 // more than 64 bits
        "c\x81\x00"sv})                                                // 1, but not the shortest
    EXPECT_FALSE(decode_presence_note(bytes)) << bytes;
}

}  // namespace
}  // namespace cppwebsocket::channels
