#include "channels/backplane/redis/replies.hpp"

#include <memory>

#include <gtest/gtest.h>

#include "channels/backplane/envelope.hpp"

namespace cppwebsocket::channels {
namespace {

struct Free {
  void operator()(void* reply) const { ::freeReplyObject(reply); }
  void operator()(redisReader* reader) const { ::redisReaderFree(reader); }
};
using Reply = std::unique_ptr<redisReply, Free>;

// As Redis writes it on the wire.
Reply read(const std::string& bytes) {
  const std::unique_ptr<redisReader, Free> reader(::redisReaderCreate());
  ::redisReaderFeed(reader.get(), bytes.data(), bytes.size());
  void* reply = nullptr;
  EXPECT_EQ(::redisReaderGetReply(reader.get(), &reply), REDIS_OK);
  EXPECT_TRUE(reply) << bytes;
  return Reply(static_cast<redisReply*>(reply));
}

std::string bulk(const std::string& text) {
  return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
}

std::string array(const std::vector<std::string>& parts) {
  std::string bytes = "*" + std::to_string(parts.size()) + "\r\n";
  for (const std::string& part : parts) bytes += part;
  return bytes;
}

std::string entry(std::uint64_t offset, const std::string& text, std::int64_t time_ms = 1000,
                  RecordKind kind = RecordKind::numbered) {
  Record record{};
  record.kind = kind;
  record.message = text;
  record.time_ms = time_ms;
  record.bound = {10, 5};
  return array({bulk(std::to_string(offset) + "-0"),
                array({bulk("m"), bulk(to_envelope(record, 1))})});
}

std::string history(const std::string& epoch, const std::string& offset,
                    const std::vector<std::string>& entries) {
  return array({bulk(epoch), bulk(offset), array(entries)});
}

constexpr std::int64_t now = 2000;

TEST(RedisReplies, MakesErrorsFitForALog) {
  EXPECT_EQ(error_of(*read("-ERR a\x1b[1m\r\n")), "ERR a?[1m");
  EXPECT_EQ(error_of(*read("-" + std::string(1000, 'x') + "\r\n")).size(), 200u);
  EXPECT_EQ(error_of(*read("-\r\n")), "an error without a text");
  EXPECT_EQ(error_of(*read("+OK\r\n")), "");
}

TEST(RedisReplies, ReadsPushes) {
  const Reply reply = read(array({bulk("message"), bulk("cppws:0:chat"), bulk("hello")}));
  const auto message = parse_push(*reply);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->kind, Push::Kind::message);
  EXPECT_EQ(message->topic, "cppws:0:chat");
  EXPECT_EQ(message->payload, "hello");
  EXPECT_EQ(parse_push(*read(array({bulk("subscribe"), bulk("a"), ":1\r\n"})))->kind,
            Push::Kind::subscribed);
  EXPECT_EQ(parse_push(*read(array({bulk("unsubscribe"), "$-1\r\n", ":0\r\n"})))->kind,
            Push::Kind::unsubscribed);
  EXPECT_EQ(parse_push(*read(array({bulk("pong"), bulk("")})))->kind, Push::Kind::pong);
}

TEST(RedisReplies, RefusesOtherPushes) {
  for (const std::string& bytes :
       {std::string("+OK\r\n"), std::string(":1\r\n"), std::string("$-1\r\n"),
        std::string("*0\r\n"), std::string("*-1\r\n"), array({bulk("message")}),
        array({bulk("message"), bulk("a"), ":1\r\n"}), array({bulk("other"), bulk("a"), bulk("b")}),
        array({array({}), bulk("a"), bulk("b")}),
        array({bulk("message"), bulk("a"), array({bulk("b")})})})
    EXPECT_FALSE(parse_push(*read(bytes))) << bytes;
}

TEST(RedisReplies, ReadsAHistory) {
  const auto found = parse_history(
      *read(history("5f", "4", {entry(3, "three"), entry(4, "four")})), Position{0x5f, 2}, now);
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->complete);
  EXPECT_EQ(found->newest, (Position{0x5f, 4}));
  ASSERT_EQ(found->records.size(), 2u);
  EXPECT_EQ(found->records[0].position, (Position{0x5f, 3}));
  EXPECT_EQ(found->records[1].message, Message("four"));
}

TEST(RedisReplies, FindsThatNothingWasMissed) {
  const auto found = parse_history(*read(history("5f", "4", {})), Position{0x5f, 4}, now);
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->complete);
}

TEST(RedisReplies, IsIncompleteWhereSomethingIsMissing) {
  const auto complete = [](const std::string& bytes, std::optional<Position> after) {
    const auto found = parse_history(*read(bytes), after, now);
    return found && found->complete;
  };
  const Position after{0x5f, 2};
  EXPECT_FALSE(complete(history("5f", "5", {entry(4, "x"), entry(5, "x")}), after)) << "trimmed";
  EXPECT_FALSE(complete(history("5f", "5", {entry(3, "x"), entry(5, "x")}), after)) << "a hole";
  EXPECT_FALSE(complete(history("5f", "5", {}), after)) << "expired";
  EXPECT_FALSE(complete(history("60", "5", {entry(3, "x")}), after)) << "another epoch";
  EXPECT_FALSE(complete(history("5f", "1", {}), after)) << "gone back";
  EXPECT_FALSE(complete(array({}), after)) << "unknown";
  EXPECT_FALSE(complete(history("5f", "3", {array({bulk("3-0"), array({})})}), after)) << "foreign";
  const std::string lost = entry(4, "", 1000, RecordKind::lost);
  EXPECT_FALSE(complete(history("5f", "4", {entry(3, "x"), lost}), after)) << "lost";
  EXPECT_TRUE(complete(history("5f", "5", {entry(4, "x"), entry(5, "x")}), std::nullopt));
}

TEST(RedisReplies, LeavesOutWhatIsTooOld) {
  const auto found =
      parse_history(*read(history("5f", "4", {entry(3, "old", 1000), entry(4, "new", 9000)})),
                    Position{0x5f, 2}, 10'000);
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->complete);
  ASSERT_EQ(found->records.size(), 1u);
  EXPECT_EQ(found->records[0].message, Message("new"));
  EXPECT_EQ(parse_history(*read(history("5f", "4", {entry(3, "old", 1000)})), Position{0x5f, 2}, 10'000)
                ->looked_to, 3u);
}

TEST(RedisReplies, RefusesOtherShapes) {
  for (const std::string& bytes :
       {std::string("+OK\r\n"), std::string(":1\r\n"), array({bulk("5f")}),
        array({bulk("5f"), bulk("1"), bulk("x")}), array({bulk("5g"), bulk("1"), array({})}),
        array({bulk("5f"), bulk("-1"), array({})}), array({":1\r\n", bulk("1"), array({})})})
    EXPECT_FALSE(parse_history(*read(bytes), std::nullopt, now)) << bytes;
}

std::string master(const std::string& port, const std::string& epoch) {
  return array({bulk("name"), bulk("main"), bulk("ip"), bulk("::1"), bulk("port"), bulk(port), bulk("config-epoch"),
                bulk(epoch)});
}

TEST(SentinelReplies, NameAMasterAndHowNewThatIs) {
  const auto answer = SentinelAnswer::parse(*read(master("7000", "12")));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->master, (BackplaneUrl::Server{"::1", 7000}));
  EXPECT_EQ(answer->epoch, 12u);
}

TEST(SentinelReplies, OfAnotherShapeNameNone) {
  for (const std::string& bytes :
       {master("70000", "1"), master("", "1"), master("1", "-1"), master("1", "x"), array({}), array({bulk("ip")}),
        array({bulk("ip"), bulk("::1"), bulk("port"), bulk("1")}), bulk("ip"), std::string("-ERR No such master\r\n")})
    EXPECT_FALSE(SentinelAnswer::parse(*read(bytes))) << bytes;
}

TEST(SentinelReplies, TellOfAnotherMaster) {
  const auto master = parse_switch("main 10.0.0.1 7000 redis-2 7001", "main");
  ASSERT_TRUE(master);
  EXPECT_EQ(*master, (BackplaneUrl::Server{"redis-2", 7001}));
  for (const char* text : {"", "main", "other 10.0.0.1 7000 10.0.0.2 7001", "main 10.0.0.1 7000 10.0.0.2 x",
                           "main 10.0.0.1 7000  7001", "main 10.0.0.1 7000 10.0.0.2 7001 "})
    EXPECT_FALSE(parse_switch(text, "main")) << text;
}

}  // namespace
}  // namespace cppwebsocket::channels
