// Sec-WebSocket-Extensions' grammar, RFC 6455 §9.1.
#include <gtest/gtest.h>

#include "protocol/opening/handshake.hpp"

namespace cppwebsocket::protocol {
namespace {

// The parsed form in one line: parameters in <>, a value behind '='.
std::string show(std::string_view value) {
  const auto offers = parse_extensions(value);
  if (!offers) return "no match";
  std::string text;
  for (const ExtensionOffer& offer : *offers) {
    text.append("[").append(offer.name);
    for (const auto& parameter : offer.parameters) {
      text.append(" <").append(parameter.name);
      if (parameter.value) text.append("=").append(*parameter.value);
      text += ">";
    }
    text += "]";
  }
  return text;
}

TEST(Extensions, NameAlone) { EXPECT_EQ(show("foo"), "[foo]"); }

TEST(Extensions, ParametersWithAndWithoutValue) {
  EXPECT_EQ(show("foo; bar; baz=2"), "[foo <bar> <baz=2>]");
  EXPECT_EQ(show("permessage-deflate; client_max_window_bits; server_max_window_bits=10"),
            "[permessage-deflate <client_max_window_bits> <server_max_window_bits=10>]");
}

TEST(Extensions, SeveralInOrder) {
  EXPECT_EQ(show("foo, bar; baz=2, foo; x"), "[foo][bar <baz=2>][foo <x>]");
}

TEST(Extensions, QuotedValueIsTheTokenInside) {
  EXPECT_EQ(show("foo; bar=\"10\""), "[foo <bar=10>]");
  EXPECT_EQ(show("foo; bar=\"a\", baz"), "[foo <bar=a>][baz]");
}

TEST(Extensions, QuotedValueKeepsItsEscapes) {
  EXPECT_EQ(show("foo; bar=\"1\\0\""), "[foo <bar=1\\0>]");
}

TEST(Extensions, SpacesAndTabsBetweenWords) {
  EXPECT_EQ(show(" \tfoo\t;  bar =\t1 ; baz , qux "), "[foo <bar=1> <baz>][qux]");
  EXPECT_EQ(show("foo;bar=1;baz,qux"), "[foo <bar=1> <baz>][qux]");
}

TEST(Extensions, EmptyListElementsAreIgnored) {  // RFC 9110 §5.6.1.2
  EXPECT_EQ(show(",foo, ,bar,"), "[foo][bar]");
}

TEST(Extensions, AListOfNothingIsOne) {
  for (const char* nothing : {"", " ", ",", " , ,"}) EXPECT_EQ(show(nothing), "");
}

TEST(Extensions, NamesMayBeAnyToken) {
  EXPECT_EQ(show("!#$%&'*+-.^_`|~09azAZ"), "[!#$%&'*+-.^_`|~09azAZ]");
}

class BrokenExtensions : public ::testing::TestWithParam<const char*> {};

TEST_P(BrokenExtensions, DoNotMatch) { EXPECT_EQ(show(GetParam()), "no match"); }

INSTANTIATE_TEST_SUITE_P(
    Rfc6455Section9_1, BrokenExtensions,
    ::testing::Values(";", "=", "foo;", "foo; ;bar", "foo;;bar", "foo bar", "foo=1", "foo; =1",
                      "foo; bar=", "foo; bar=,baz", "foo; bar baz", "foo; bar=1 2", "foo; bar==1",
                      "foo; bar=1=2", "foo; bar=\"", "foo; bar=\"\"", "foo; bar=\"a",
                      "foo; bar=\"a\\\"", "foo; bar=\"a b\"", "foo; bar=\"a,b\"",
                      "foo; bar=\"a;b\"", "foo; bar=\"a\\ b\"", "foo; bar=\"a\"b", "foo; \"bar\"",
                      "\"foo\"", "foo; bar='a b'", "f\xc3\xb6o", "foo; b\xc3\xa4r", "foo@bar",
                      "foo, bar;", "foo/1", "foo\r\n", "foo; bar=\x7f"));

TEST(Extensions, NulIsNotPartOfAToken) {
  EXPECT_EQ(show(std::string_view("foo\0", 4)), "no match");
  EXPECT_EQ(show(std::string_view("foo; bar=\"\\\0\"", 12)), "no match");
}

}  // namespace
}  // namespace cppwebsocket::protocol
