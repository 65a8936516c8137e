// What an application's HTTP response means.
#include <gtest/gtest.h>

#include "channels/hooks/answer.hpp"
#include "channels/hooks/http_client.hpp"

namespace cppwebsocket::channels {
namespace {

using Word = HookAnswer::Word;

HookAnswer said(int status, std::string body = {}) { return answer_of({status, std::move(body), {}}); }

std::string why_none(std::string body) {
  const HookAnswer answer = said(200, std::move(body));
  return answer.word == Word::none ? answer.reason : "it is an answer";
}

TEST(HookAnswerOf, SuccessIsYesWithOrWithoutBody) {
  for (const int status : {200, 201, 204, 299}) EXPECT_EQ(said(status).word, Word::yes);
  EXPECT_EQ(said(200, " \r\n").word, Word::yes);
  const HookAnswer answer = said(200, R"({"unknown":[{}],"user":null})");
  EXPECT_EQ(answer.word, Word::yes);
  EXPECT_FALSE(answer.user);
}

TEST(HookAnswerOf, ReadsAllMembers) {
  const HookAnswer answer = said(200, R"({"user":"ann","channels":["a","b"],"expires_at":1764583000,"data":"hello",
      "presence":"Ann","channel":"room","send":["1","2"],"subscribe":["c"],"unsubscribe":[],"close":4000})");
  ASSERT_EQ(answer.word, Word::yes) << answer.reason;
  EXPECT_EQ(answer.user, "ann");
  EXPECT_EQ(answer.channels, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(answer.expires_at, 1764583000);
  EXPECT_EQ(answer.welcome, "hello");
  EXPECT_EQ(answer.message->text(), "hello");
  EXPECT_EQ(answer.presence, "Ann");
  EXPECT_EQ(answer.channel, "room");
  EXPECT_EQ(answer.send, (std::vector<std::string>{"1", "2"}));
  EXPECT_EQ(answer.subscribe, std::vector<std::string>{"c"});
  EXPECT_TRUE(answer.unsubscribe.empty());
  EXPECT_EQ(answer.close, 4000);
}

TEST(HookAnswerOf, Base64AreBytes) {
  const HookAnswer answer = said(200, R"({"base64":"AAEC"})");
  ASSERT_TRUE(answer.message);
  EXPECT_FALSE(answer.message->is_text());
  EXPECT_EQ(answer.message->payload(), std::string("\0\1\2", 3));
}

TEST(HookAnswerOf, ClientErrorsAreNoWithTheirReason) {
  const HookAnswer answer = said(401, R"({"reason":"Please log in."})");
  EXPECT_EQ(answer.word, Word::no);
  EXPECT_EQ(answer.status, 401);
  EXPECT_EQ(answer.reason, "Please log in.");
  for (const char* body : {"", "<html>", R"({"reason":7})", "{\"reason\":\"a\\u000ab\"}", "\xff"}) {
    EXPECT_EQ(said(403, body).word, Word::no);
    EXPECT_EQ(said(403, body).reason, "");
  }
  EXPECT_EQ(said(403, "{\"reason\":\"" + std::string(201, 'x') + "\"}").reason, "");
}

TEST(HookAnswerOf, AnythingElseIsNone) {
  for (const int status : {100, 199, 301, 304, 500, 503, 999}) EXPECT_EQ(said(status).word, Word::none);
  const HookAnswer answer = answer_of({0, "", "Connection refused"});
  EXPECT_EQ(answer.word, Word::none);
  EXPECT_EQ(answer.reason, "Connection refused");
}

TEST(HookAnswerOf, AMemberOfAWrongTypeIsNamed) {
  EXPECT_EQ(why_none("[]"), "its answer is no JSON object");
  EXPECT_EQ(why_none("{\"user\":\"\xff\"}"), "its answer is no JSON object");
  EXPECT_EQ(why_none(R"({"user":7})"), "in its answer \"user\" is no string");
  EXPECT_EQ(why_none(R"({"channels":"a"})"), "in its answer \"channels\" is no array of strings");
  EXPECT_EQ(why_none(R"({"channels":["a",1]})"), "in its answer \"channels\" is no array of strings");
  EXPECT_EQ(why_none(R"({"expires_at":1.5})"), "in its answer \"expires_at\" is no whole number");
  EXPECT_EQ(why_none(R"({"expires_at":-1})"), "in its answer \"expires_at\" is no whole number");
  EXPECT_EQ(why_none(R"({"expires_at":99999999999999999999})"), "in its answer \"expires_at\" is no whole number");
  EXPECT_EQ(why_none(R"({"data":"a","base64":"AAEC"})"), "in its answer a message is either \"data\" or \"base64\"");
  EXPECT_EQ(why_none(R"({"base64":"?"})"), "in its answer \"base64\" is not Base64");
  EXPECT_NE(why_none(R"({"channels":[""]})").find("\"channels\" has a name that no channel can have"), std::string::npos);
  EXPECT_NE(why_none(R"({"channel":"a\nb"})").find("\"channel\" can be no channel's"), std::string::npos);
}

TEST(HookAnswerOf, ANameHasABoundAndNoControlCharacters) {
  EXPECT_EQ(said(200, "{\"user\":\"" + std::string(255, 'x') + "\"}").word, Word::yes);
  EXPECT_EQ(said(200, "{\"user\":\"" + std::string(256, 'x') + "\"}").word, Word::none);
  EXPECT_EQ(said(200, R"({"user":"a\u0000"})").word, Word::none);
  EXPECT_EQ(said(200, R"({"user":""})").user, "");
}

TEST(HookAnswerOf, ClosesWithCodesThatAnApplicationMayUse) {
  for (const char* code : {"1000", "1008", "3000", "4999"}) EXPECT_EQ(said(200, std::string("{\"close\":") + code + "}").word, Word::yes);
  for (const char* code : {"0", "1001", "1006", "2999", "5000", "70536"})
    EXPECT_EQ(said(200, std::string("{\"close\":") + code + "}").word, Word::none) << code;
}

TEST(HookUrl, SaysWhatIsWrong) {
  for (const char* url : {"http://a", "http://127.0.0.1:8001/hook?x=1", "https://[::1]:8443/", "unix:/run/app|http://a/b"})
    EXPECT_EQ(why_no_hook_url(url), nullptr) << url;
  for (const std::string& url : {std::string("a"), std::string("http:///x"), std::string("http://:80/"), std::string("http://u@a/"),
                                 std::string("http://a/#x"), std::string("http://a/ b"), std::string("http://\xc3\xa9/"),
                                 std::string("unix:/run/app"), std::string("unix:app|http://a/"), std::string("unix:"),
                                 std::string("unix:/run/app|https://a/"), "unix:/" + std::string(107, 'x') + "|http://a/"})
    EXPECT_NE(why_no_hook_url(url), nullptr) << url;
}

}  // namespace
}  // namespace cppwebsocket::channels
