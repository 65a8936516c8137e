// Handlers that have a say in the opening handshake: cookie, hsts, origin_check, subprotocol.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cppwebsocket/testing.hpp>

#include "handlers/support/handler_file.hpp"

namespace cppwebsocket::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(Cookie, SetsAndClearsByQuery) {
  Server server(file_of("cookie"));
  const auto answered = [&](const char* target) {
    Client request(server, target);
    request.open();
    return request.answer_headers();
  };
  const auto set_cookie = [](const char* value) { return Pair("Set-Cookie", value); };
  EXPECT_THAT(answered("/cookie"), IsEmpty());
  EXPECT_THAT(answered("/cookie?set"), ElementsAre(set_cookie("foo=bar; Max-Age=86400")));
  EXPECT_THAT(answered("/cookie?httponly"),
              ElementsAre(set_cookie("httpOnlyCookie=true; Max-Age=86400; HttpOnly")));
  EXPECT_EQ(answered("/cookie?set_httponly"), answered("/cookie?httponly"));
  EXPECT_THAT(answered("/cookie?clear"), ElementsAre(set_cookie("foo=0; Max-Age=0"),
                                                     set_cookie("httpOnlyCookie=0; Max-Age=0")));
}

TEST(Cookie, TellsWhichCookiesCame) {
  Server server(file_of("cookie"));
  Client request(server, "/cookie");
  request.sends_header("cookie", "foo=bar");
  request.open();
  EXPECT_THAT(request.received(), ElementsAre(Message("foo=bar")));
  EXPECT_TRUE(request.has_ended());
}

TEST(Cookie, SendsAnEmptyMessageWhenNoneCame) {
  Server server(file_of("cookie"));
  Client request(server, "/cookie");
  request.open();
  EXPECT_THAT(request.received(), ElementsAre(Message("")));
}

TEST(Hsts, AddsItsHeaderAndSaysHello) {
  Server server(file_of("hsts"));
  Client request(server, "/hsts");
  request.open();
  EXPECT_THAT(request.answer_headers(),
              ElementsAre(Pair("Strict-Transport-Security", "max-age=86400")));
  EXPECT_THAT(request.received(), ElementsAre(Message("Hello")));
  EXPECT_TRUE(request.has_ended());
}

TEST(OriginCheck, AcceptsLocalhostOnly) {
  Server server(file_of("origin_check"));
  Client request(server, "/origin_check");
  request.comes_from("http://localhost");
  request.open();
  EXPECT_THAT(request.received(), ElementsAre(Message("/origin_check welcomes http://localhost")));
}

TEST(OriginCheck, RefusesOthersWith403AndSaysWhich) {
  Server server(file_of("origin_check"));
  for (const char* origin : {"http://localhost.example.com", "http://localhost:8080",
                             "https://localhost", "http://localhos", "null", ""}) {
    Client request(server, "/origin_check");
    request.comes_from(origin);
    try {
      request.open();
      ADD_FAILURE() << origin << " was accepted";
    } catch (const HandshakeException& refusal) {
      EXPECT_EQ(refusal.status(), 403);
      EXPECT_EQ(refusal.what(), std::string("origin not allowed: ") + origin);
    }
  }
}

TEST(OriginCheck, RefusesAnAbsentOrigin) {
  Server server(file_of("origin_check"));
  Client request(server, "/origin_check");
  EXPECT_THROW(request.open(), HandshakeException);
}

std::optional<std::string> chosen_among(std::vector<std::string> offered) {
  Server server(file_of("subprotocol"));
  Client request(server, "/subprotocol");
  request.offers_protocols(std::move(offered));
  request.open();
  return request.protocol();
}

TEST(Subprotocol, TakesItsOwnFavouriteOfThoseOffered) {
  EXPECT_EQ(chosen_among({"echo.example", "chat.example"}), "chat.example");
  EXPECT_EQ(chosen_among({"other", "echo.example"}), "echo.example");
}

TEST(Subprotocol, GoesOnWithoutWhenThereIsNoneInCommon) {
  EXPECT_EQ(chosen_among({"other"}), std::nullopt);
  EXPECT_EQ(chosen_among({}), std::nullopt);
}

TEST(Subprotocol, NamesItsChoiceAndEchoes) {
  Server server(file_of("subprotocol"));
  Client request(server, "/subprotocol");
  request.offers_protocols({"echo.example"});
  request.open();
  request.send("hello");
  request.close(1000);
  EXPECT_THAT(request.received(), ElementsAre(Message("subprotocol: echo.example"), Message("hello")));
}

}  // namespace
}  // namespace cppwebsocket::testing
