// Which generations of draining children must make room.
#include "runtime/reactor/room_for_children.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace cppwebsocket::testing {
namespace {

using runtime::spare_places;
using runtime::TakenPlace;

struct Children {
  std::size_t count;
  std::uint64_t generation;
  bool leaving = false;
  bool overdue = false;
};

std::vector<TakenPlace> taken(std::initializer_list<Children> all) {
  std::vector<TakenPlace> places;
  for (const Children& each : all)
    places.insert(places.end(), each.count, {each.generation, each.leaving, each.overdue});
  return places;
}

// The running generation is the newest that has children.
std::uint64_t oldest_that_may_drain(const std::vector<TakenPlace>& taken, std::size_t places,
                                    std::size_t spare) {
  std::uint64_t running = 0;
  for (const TakenPlace& place : taken) running = std::max(running, place.generation);
  return runtime::oldest_that_may_drain(taken, running, places, spare);
}

TEST(RoomForChildren, NobodyGoesWhileEnoughPlacesAreFree) {
  EXPECT_EQ(oldest_that_may_drain({}, 16, 4), 0u);
  EXPECT_EQ(oldest_that_may_drain(taken({{2, 1, true}, {2, 2}}), 16, 4), 0u);
  EXPECT_EQ(oldest_that_may_drain(taken({{10, 1, true}, {2, 2}}), 16, 4), 0u);
}

TEST(RoomForChildren, TheOldestGenerationGoesFirstAndAsAWhole) {
  const auto places = taken({{2, 6}, {2, 5, true}, {3, 4, true}, {3, 3, true}, {3, 2, true}});
  EXPECT_EQ(oldest_that_may_drain(places, 17, 4), 0u);
  EXPECT_EQ(oldest_that_may_drain(places, 16, 4), 3u);
  EXPECT_EQ(oldest_that_may_drain(places, 14, 4), 3u);
}

TEST(RoomForChildren, AsManyGenerationsGoAsAreNeeded) {
  const auto places = taken({{2, 4}, {1, 3, true}, {1, 2, true}, {1, 1, true}, {11, 0, true}});
  EXPECT_EQ(oldest_that_may_drain(places, 16, 4), 1u);
  EXPECT_EQ(oldest_that_may_drain(places, 16, 12), 2u);
  EXPECT_EQ(oldest_that_may_drain(places, 16, 16), 4u) << "all that drain, and more there are not";
}

TEST(RoomForChildren, ThoseThatServeStayHoweverFewPlacesThereAre) {
  EXPECT_EQ(oldest_that_may_drain(taken({{16, 3}}), 16, 4), 0u);
  EXPECT_EQ(oldest_that_may_drain(taken({{20, 3}}), 16, 4), 0u) << "more than places";
}

TEST(RoomForChildren, ChildrenThatEndWithoutARestartGoLastAndOnlyForTheLastPlace) {
  // MaxConnectionsPerChild, MaxSpareThreads: of the running generation.
  const auto places = taken({{4, 3}, {8, 3, true}, {2, 2, true}});
  EXPECT_EQ(oldest_that_may_drain(places, 16, 4), 3u);
  EXPECT_EQ(oldest_that_may_drain(places, 14, 4), 3u);
  EXPECT_EQ(oldest_that_may_drain(places, 12, 4), 3u) << "two will be free";
  EXPECT_EQ(oldest_that_may_drain(taken({{4, 3}, {8, 3, true}}), 13, 4), 0u);
  EXPECT_EQ(oldest_that_may_drain(taken({{4, 3}, {8, 3, true}}), 12, 4), 4u);
}

TEST(RoomForChildren, AfterARestartTheyAreOfAFormerGeneration) {
  const auto places = taken({{8, 3, true}, {4, 3, true}});
  EXPECT_EQ(runtime::oldest_that_may_drain(places, 4, 13, 4), 4u);
}

TEST(RoomForChildren, WhoHasNotGoneInTimeIsNotCountedOn) {
  // Of httpd's own, a long download, say.
  const auto places = taken({{2, 3}, {10, 2, true}, {2, 1, true, true}, {2, 0, true, true}});
  EXPECT_EQ(oldest_that_may_drain(places, 16, 4), 3u);
}

TEST(RoomForChildren, TheOnlyPlaceIsGivenUpAtOnce) {
  EXPECT_EQ(oldest_that_may_drain(taken({{1, 7, true}}), 1, spare_places(1, 1)), 8u);
}

TEST(RoomForChildren, SparePlacesAreForTwoRestarts) {
  EXPECT_EQ(spare_places(16, 1), 4u);    // event's and worker's defaults
  EXPECT_EQ(spare_places(150, 5), 12u);  // prefork's
}

TEST(RoomForChildren, FewPlacesAreNotAllSpare) {
  EXPECT_EQ(spare_places(1, 1), 1u);
  EXPECT_EQ(spare_places(4, 1), 2u);
  EXPECT_EQ(spare_places(8, 5), 3u);
}

}  // namespace
}  // namespace cppwebsocket::testing
