// Handlers that have a say in the opening handshake: cookie, hsts, origin_check, subprotocol.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "handlers/support/fake_request.hpp"
#include "handlers/support/handler_file.hpp"

namespace cppwebsocket::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(Cookie, SetsAndClearsByQuery) {
  const HandlerFile handler("cookie");
  const auto answered = [&](std::string_view target) {
    FakeRequest request(target);
    request.shake_hands(handler);
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
  const HandlerFile handler("cookie");
  FakeRequest request("/cookie");
  request.sends_header("cookie", "foo=bar");
  request.shake_hands(handler);
  request.transfer_data(handler);
  EXPECT_THAT(request.sent(), ElementsAre(Message("foo=bar")));
  EXPECT_TRUE(request.ended());
}

TEST(Cookie, SendsAnEmptyMessageWhenNoneCame) {
  const HandlerFile handler("cookie");
  FakeRequest request("/cookie");
  request.shake_hands(handler);
  request.transfer_data(handler);
  EXPECT_THAT(request.sent(), ElementsAre(Message("")));
}

TEST(Hsts, AddsItsHeaderAndSaysHello) {
  const HandlerFile handler("hsts");
  FakeRequest request("/hsts");
  request.shake_hands(handler);
  EXPECT_THAT(request.answer_headers(),
              ElementsAre(Pair("Strict-Transport-Security", "max-age=86400")));
  request.transfer_data(handler);
  EXPECT_THAT(request.sent(), ElementsAre(Message("Hello")));
  EXPECT_TRUE(request.ended());
}

TEST(OriginCheck, AcceptsLocalhostOnly) {
  const HandlerFile handler("origin_check");
  FakeRequest request("/origin_check");
  request.comes_from("http://localhost");
  request.shake_hands(handler);
  request.transfer_data(handler);
  EXPECT_THAT(request.sent(), ElementsAre(Message("/origin_check welcomes http://localhost")));
}

TEST(OriginCheck, RefusesOthersWith403AndSaysWhich) {
  const HandlerFile handler("origin_check");
  for (const char* origin : {"http://localhost.example.com", "http://localhost:8080",
                             "https://localhost", "http://localhos", "null", ""}) {
    FakeRequest request("/origin_check");
    request.comes_from(origin);
    try {
      request.shake_hands(handler);
      ADD_FAILURE() << origin << " was accepted";
    } catch (const HandshakeException& refusal) {
      EXPECT_EQ(refusal.status(), 403);
      EXPECT_EQ(refusal.what(), std::string("origin not allowed: ") + origin);
    }
  }
}

TEST(OriginCheck, RefusesAnAbsentOrigin) {
  const HandlerFile handler("origin_check");
  FakeRequest request("/origin_check");
  EXPECT_THROW(request.shake_hands(handler), HandshakeException);
}

std::optional<std::string> chosen_among(std::vector<std::string_view> offered) {
  const HandlerFile handler("subprotocol");
  FakeRequest request("/subprotocol");
  request.offers_protocols(std::move(offered));
  request.shake_hands(handler);
  const auto protocol = request.ws_protocol();
  return protocol ? std::optional<std::string>(*protocol) : std::nullopt;
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
  const HandlerFile handler("subprotocol");
  FakeRequest request("/subprotocol");
  request.offers_protocols({"echo.example"});
  request.shake_hands(handler);
  request.sends("hello");
  request.closes(1000);
  request.transfer_data(handler);
  EXPECT_THAT(request.sent(), ElementsAre(Message("subprotocol: echo.example"), Message("hello")));
}

}  // namespace
}  // namespace cppwebsocket::testing
