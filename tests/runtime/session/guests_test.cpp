#include "runtime/session/guests.hpp"

#include <gmock/gmock.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace cppwebsocket::testing {
namespace {

using runtime::Guests;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> story;

struct Guest final : runtime::SessionGuest {
  explicit Guest(std::string name) : name(std::move(name)) {}
  void refill(bool all) noexcept override {
    story.push_back(name + (all ? " gives all" : " gives some"));
    on_refill();
  }
  void session_ended() noexcept override {
    story.push_back(name + " hears of the end");
    on_end();
  }
  void session_gone() noexcept override { story.push_back(name + " is alone"); }

  std::string name;
  std::function<void()> on_refill = [] {};
  std::function<void()> on_end = [] {};
};

struct GuestList : ::testing::Test {
  void SetUp() override { story.clear(); }
  Guests guests;
  Guest ann{"Ann"}, bob{"Bob"}, cid{"Cid"};
};

TEST_F(GuestList, IsEmptyUntilOneIsAttachedAndAfterItIsDetached) {
  EXPECT_TRUE(guests.empty());
  guests.attach(ann);
  EXPECT_FALSE(guests.empty());
  guests.detach(ann);
  EXPECT_TRUE(guests.empty());
  guests.detach(ann);  // who is not here is no fault
}

TEST_F(GuestList, RefillsThoseThatAreAttached) {
  for (Guest* guest : {&ann, &bob, &cid}) guests.attach(*guest);
  guests.detach(bob);
  guests.refill(true);
  EXPECT_THAT(story, ElementsAre("Cid gives all", "Ann gives all"));
}

TEST_F(GuestList, HasMoreUntilARefillInWhichNobodySaysSoAgain) {
  guests.attach(ann);
  EXPECT_FALSE(guests.have_more());
  guests.expect_more();
  ann.on_refill = [this] { guests.expect_more(); };
  guests.refill(false);
  EXPECT_TRUE(guests.have_more());
  ann.on_refill = [] {};
  guests.refill(false);
  EXPECT_FALSE(guests.have_more());
}

TEST_F(GuestList, AGuestThatLeavesWhenItHearsOfTheEndKeepsNobodyFromHearing) {
  for (Guest* guest : {&ann, &bob, &cid}) guests.attach(*guest);
  bob.on_end = [this] { guests.detach(bob); };
  guests.tell_of_end();
  EXPECT_THAT(story,
              ElementsAre("Cid hears of the end", "Bob hears of the end", "Ann hears of the end"));
  story.clear();
  guests.say_goodbye();
  EXPECT_THAT(story, ElementsAre("Cid is alone", "Ann is alone"));
}

TEST_F(GuestList, IsEmptyAfterTheGoodbyeAndItsGuestsMayBeAttachedElsewhere) {
  guests.attach(ann);
  guests.say_goodbye();
  EXPECT_TRUE(guests.empty());
  story.clear();
  Guests others;
  others.attach(ann);
  guests.refill(true);
  EXPECT_THAT(story, IsEmpty());
  others.refill(true);
  EXPECT_THAT(story, ElementsAre("Ann gives all"));
}

}  // namespace
}  // namespace cppwebsocket::testing
