#include "channels/backplane/redis/errors.hpp"

#include <gtest/gtest.h>

namespace cppwebsocket::channels {
namespace {

using enum ErrorKind;

TEST(RedisErrors, TellsWhatTheyAreAbout) {
  const std::pair<ErrorKind, const char*> errors[] = {
      {record, "WRONGTYPE Operation against a key"},
      {record, "ERR The ID specified in XADD is equal or smaller than the target stream top item"},
      {record, "ERR Protocol error: invalid bulk length"},
      {again, "CWSORDER a record before is missing"},
      {again, "NOSCRIPT No matching script. Please use EVAL."},
      {later, "OOM command not allowed when used memory > 'maxmemory'. script: caee, on @user_script:1."},
      {replica, "READONLY You can't write against a read only replica."},
      {later, "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to"},
      {later, "NOREPLICAS Not enough good replicas to write."},
      {later, "BUSY Redis is busy running a script."},
      {later, "LOADING Redis is loading the dataset in memory"},
      {later, "TRYAGAIN Multiple keys request during rehashing of slot"},
      {replica, "MASTERDOWN Link with MASTER is down"},
      {rights, "NOPERM this user has no permissions to run the 'publish' command"},
      {elsewhere, "MOVED 3999 127.0.0.1:6381"},
      {elsewhere, "ASK 3999 127.0.0.1:6381"},
      {elsewhere, "CLUSTERDOWN The cluster is down"},
      {elsewhere, "CROSSSLOT Keys in request don't hash to the same slot"},
      {link, "NOAUTH Authentication required."},
      {link, "ERR unknown command"},
      {link, "OOMPH"},
      {link, ""},
  };
  for (const auto& [kind, error] : errors) EXPECT_EQ(kind_of(error), kind) << error;
}

TEST(RedisErrors, KnowsThemInScriptsOfEveryAge) {
  EXPECT_EQ(kind_of("ERR Error running script (call to f_1): @user_script:1: -WRONGTYPE Operation"), record);
  EXPECT_EQ(kind_of("ERR Error running script (call to f_1): @user_script: 8: -READONLY You can't write"),
            replica);
  EXPECT_EQ(kind_of("ERR Error running script (call to f_1): @user_script:8: -NOPERM User executing script"),
            rights);
  for (const char* error :
       {"ERR The user executing the script can't run this command or subcommand script: 98, on @user_script:1.",
        "ERR The user executing the script can't access at least one of the keys mentioned in the command",
        "ERR The user executing the script can't publish to the channel mentioned in the command",
        "ERR ACL failure in script: User httpd has no permissions to run the 'xadd' command"})
    EXPECT_EQ(kind_of(error), rights) << error;
  EXPECT_EQ(kind_of("ERR Script attempted to access a non local key in a cluster node"), elsewhere);
}

TEST(RedisErrors, KnowsACureForWhatDoesNotGoByAlone) {
  EXPECT_NE(cure_of("OOM command not allowed").find("maxmemory"), std::string_view::npos);
  EXPECT_NE(cure_of("NOPERM this user").find("+@scripting"), std::string_view::npos);
  EXPECT_NE(cure_of("MOVED 1 a:1").find("cluster"), std::string_view::npos);
  EXPECT_TRUE(cure_of("ERR unknown command").empty());
}

}  // namespace
}  // namespace cppwebsocket::channels
