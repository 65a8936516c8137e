// Commands of channels.json, what is answered, and what is remembered of who may do what. Conversations as a whole are
// tested against httpd (apache-test/test_246_many_channels.py).
#include <gtest/gtest.h>

#include "channels/conversation/answers.hpp"
#include "channels/conversation/command.hpp"
#include "channels/conversation/permissions.hpp"

namespace cppwebsocket::channels {
namespace {

Command command(std::string_view text) {
  auto parsed = parse_command(text);
  if (const auto* mistake = std::get_if<Mistake>(&parsed)) ADD_FAILURE() << text << ": " << mistake->text;
  return std::holds_alternative<Command>(parsed) ? std::get<Command>(parsed) : Command();
}

std::string mistake(std::string_view text) {
  const auto parsed = parse_command(text);
  const auto* found = std::get_if<Mistake>(&parsed);
  return found ? (found->id ? std::to_string(*found->id) + ": " : "") + found->text : "none";
}

TEST(Command, SaysWhatIsAskedFor) {
  const Command subscribe = command(
      R"({"type":"subscribe","id":9007199254740991,"channel":"a","after":"5f-3","history":10000,)"
      R"("presence":"Ann","events":true,"later":[1]})");
  EXPECT_EQ(subscribe.kind, Command::Kind::subscribe);
  EXPECT_EQ(subscribe.id, 9007199254740991u);
  EXPECT_EQ(subscribe.channel, "a");
  EXPECT_EQ(subscribe.after, (Position{0x5f, 3}));
  EXPECT_EQ(subscribe.count, 10000u);
  EXPECT_EQ(subscribe.presence, "Ann");
  EXPECT_TRUE(subscribe.events);
  EXPECT_EQ(command(R"({"type":"history","id":0,"channel":"a","limit":null})").count, usual_history_answered);
  EXPECT_EQ(command(R"({"type":"publish","id":0,"channel":"a","data":""})").message, Message(""));
  EXPECT_EQ(command(R"({"type":"publish","id":0,"channel":"a","base64":"AA=="})").message,
            Message::binary(std::string(1, '\0')));
  const Command message = command(R"({"type":"message","id":3,"data":"/join"})");
  EXPECT_EQ(message.kind, Command::Kind::message);
  EXPECT_EQ(message.message, Message("/join"));
  EXPECT_EQ(command(R"({"type":"unsubscribe","id":1,"channel":""})").kind, Command::Kind::unsubscribe);
}

TEST(Command, APositionThatMeansNothingIsLost) {
  EXPECT_TRUE(command(R"({"type":"subscribe","id":1,"channel":"a","after":"undefined"})").is_lost);
  EXPECT_FALSE(command(R"({"type":"subscribe","id":1,"channel":"a","after":""})").is_lost);
  EXPECT_EQ(mistake(R"({"type":"history","id":1,"channel":"a","after":"x"})"), "1: \"after\" is no position");
}

TEST(Command, MistakesAreNamed) {
  EXPECT_EQ(mistake("{"), "a command is one JSON object");
  for (const char* id : {"-1", "1.0", "1e1", "9007199254740992", "99999999999999999999", "\"1\"", "null", "true"})
    EXPECT_TRUE(mistake(std::string(R"({"type":"presence","channel":"a","id":)") + id + "}").starts_with("\"id\" is")) << id;
  EXPECT_TRUE(mistake(R"({"id":1})").starts_with("1: \"type\" is"));
  EXPECT_TRUE(mistake(R"({"id":1,"type":"Subscribe"})").starts_with("1: \"type\" is"));
  EXPECT_EQ(mistake(R"({"id":1,"type":"presence"})"), "1: there is no \"channel\"");
  EXPECT_EQ(mistake(R"({"id":1,"type":"presence","channel":5})"), "1: \"channel\" is a string");
  EXPECT_TRUE(mistake(R"({"id":1,"type":"subscribe","channel":"a","history":10001})").starts_with("1: \"history\""));
  EXPECT_TRUE(mistake(R"({"id":1,"type":"subscribe","channel":"a","events":1})").starts_with("1: \"events\""));
  EXPECT_TRUE(mistake(R"({"id":1,"type":"history","channel":"a","limit":1001})").starts_with("1: \"limit\""));
  EXPECT_TRUE(mistake(R"({"id":1,"type":"publish","channel":"a","data":"x","base64":"AA=="})").starts_with("1: a message"));
  EXPECT_EQ(mistake(R"({"id":1,"type":"publish","channel":"a","data":{}})"), "1: \"data\" is a string");
  EXPECT_EQ(mistake(R"({"id":1,"type":"publish","channel":"a","base64":"A"})"), "1: \"base64\" is not Base64");
}

TEST(Answers, AHistoryOfManyBytesComesInParts) {
  History history;
  for (int i = 0; i < 3; ++i) history.publications.emplace_back().message = Message(std::string(600, 'a'));
  history.newest = {0x5f, 3};
  const std::string part = answer(7, "c", history, 1000);
  EXPECT_TRUE(part.ends_with("],\"more\":true}")) << part;
  EXPECT_EQ(part.find("\"data\""), part.rfind("\"data\""));
  EXPECT_TRUE(answer(7, "c", history, 10'000).ends_with("}]}"));
  EXPECT_NE(answer(7, "c", history, 1).find("\"data\""), std::string::npos);  // one at least
}

TEST(Permissions, LastForAWhileAndHaveABound) {
  Permissions permissions(2);
  const Permissions::Time now{};
  Permission yes;
  yes.word = Permission::Word::yes;
  permissions.keep(Access::read, "a", yes, now);
  EXPECT_TRUE(permissions.known(Access::read, "a", now));
  EXPECT_FALSE(permissions.known(Access::publish, "a", now));
  EXPECT_FALSE(permissions.known(Access::read, "a", now + Permissions::lifetime));
  permissions.keep(Access::read, "b", Permission(), now);  // unknown
  EXPECT_EQ(permissions.size(), 1u);
  permissions.keep(Access::publish, "a", yes, now + Permissions::lifetime / 2);
  permissions.keep(Access::read, "c", yes, now + Permissions::lifetime);
  EXPECT_TRUE(permissions.known(Access::publish, "a", now + Permissions::lifetime));
  for (const char* name : {"d", "e", "f", "g"}) {
    permissions.keep(Access::read, name, yes, now + Permissions::lifetime);
    EXPECT_LE(permissions.size(), 2u);
  }
}

}  // namespace
}  // namespace cppwebsocket::channels
