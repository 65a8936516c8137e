#include "channels/backplane/redis/lineage.hpp"

#include <gtest/gtest.h>

namespace cppwebsocket::channels {
namespace {

using Whole = std::vector<std::string>;

RedisReplication a_master(const char* reign, const char* before = "") {
  return {.is_replica = false, .reign = reign, .reign_before = before, .master = {}};
}

RedisReplication a_replica(const char* reign, const char* before) {
  return {.is_replica = true, .reign = reign, .reign_before = before, .master = "b:1"};
}

TEST(RedisLineage, ReadsWhatInfoSays) {
  const RedisReplication now = RedisReplication::parse(
      "# Replication\r\nrole:slave\r\nmaster_host:10.0.0.1\r\nmaster_port:6379\r\n"
      "slave_repl_offset:5\r\nmaster_replid:aa\r\nmaster_replid2:0000\r\n");
  EXPECT_TRUE(now.is_replica);
  EXPECT_EQ(now.reign, "aa");
  EXPECT_EQ(now.reign_before, "");
  EXPECT_EQ(now.master, "10.0.0.1:6379");
  EXPECT_FALSE(RedisReplication::parse("role:master\r\nmaster_replid2:bb\r\n").is_replica);
}

TEST(RedisLineage, APromotedServerAloneProvesNothing) {
  RedisLineage lineage;
  lineage.met("run a", a_master("A"));
  lineage.met("run b", a_master("B", "A"));  // how far A had come nobody knows
  EXPECT_EQ(lineage.whole(), Whole());
}

TEST(RedisLineage, TheOldMasterNamesItsSuccessor) {
  RedisLineage lineage;
  lineage.met("run a", a_master("A"));
  EXPECT_FALSE(lineage.demoted(a_replica("A", ""))) << "not yet in the other's reign";
  EXPECT_TRUE(lineage.demoted(a_replica("B", "A")));
  lineage.met("run b", a_master("B", "A"));
  EXPECT_EQ(lineage.whole(), Whole{"A"});
  EXPECT_TRUE(lineage.demoted(a_replica("C", "B")));
  lineage.met("run c", a_master("C", "B"));
  EXPECT_EQ(lineage.whole(), (Whole{"A", "B"}));
}

TEST(RedisLineage, AnotherServerThanTheNamedOneBeginsAnew) {
  RedisLineage lineage;
  lineage.met("run a", a_master("A"));
  EXPECT_TRUE(lineage.demoted(a_replica("B", "A")));
  lineage.met("run c", a_master("C", "A"));
  EXPECT_EQ(lineage.whole(), Whole());
  lineage.met("run b", a_master("B", "A"));
  EXPECT_EQ(lineage.whole(), Whole()) << "what came in C's reign it has not";
}

TEST(RedisLineage, AFullSynchronisationProvesNothing) {
  RedisLineage lineage;
  lineage.met("run a", a_master("A"));
  EXPECT_FALSE(lineage.demoted(a_replica("B", "")));
  lineage.met("run b", a_master("B", "A"));
  EXPECT_EQ(lineage.whole(), Whole());
}

TEST(RedisLineage, AReplidTakenAnewChangesNothing) {
  RedisLineage lineage;
  lineage.met("run a", a_master("A"));
  lineage.demoted(a_replica("B", "A"));
  lineage.met("run b", a_master("B", "A"));
  lineage.watched(a_master("B2"));  // the last replica has been gone for a while
  EXPECT_EQ(lineage.reign(), "B2");
  EXPECT_EQ(lineage.whole(), Whole{"A"});
  lineage.watched(a_master("B3", "X"));  // it was X's replica, with X's data
  EXPECT_EQ(lineage.whole(), Whole());
}

TEST(RedisLineage, TheSameProcessGoesOnFromItself) {
  RedisLineage lineage;
  lineage.met("run a", a_master("A"));
  lineage.met("run a", a_master("A2", "A"));  // demoted in vain
  EXPECT_EQ(lineage.whole(), Whole{"A"});
  lineage.met("another run", a_master("A3", "A2"));
  EXPECT_EQ(lineage.whole(), Whole());
}

TEST(RedisLineage, RemembersTheNewestFew) {
  RedisLineage lineage;
  lineage.met("run", a_master("0"));
  for (int i = 1; i <= 20; ++i)
    lineage.met("run", a_master(std::to_string(i).c_str(), std::to_string(i - 1).c_str()));
  ASSERT_EQ(lineage.whole().size(), 8u);
  EXPECT_EQ(lineage.whole().back(), "19");
}

}  // namespace
}  // namespace cppwebsocket::channels
