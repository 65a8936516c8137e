// JSON objects as commands have them, and Base64 read back.
#include <gtest/gtest.h>

#include "protocol/base64.hpp"
#include "protocol/json.hpp"

namespace cppwebsocket::protocol {
namespace {

std::string nested(std::size_t depth) {
  return "{\"a\":" + std::string(depth, '[') + std::string(depth, ']') + "}";
}

TEST(Json, ReadsAnObjectsMembers) {
  const auto object = parse_json_object(
      " {\"a\" : \"x\\n\\u00e9\\ud83d\\ude00\\/\", \"b\":-1.5e+3,\"c\":[\"1\",\"2\"] , \"d\":true,\n"
      "\"e\":null,\"f\":{\"a\":[{}]},\"g\":[],\"h\":[1],\"a\":0,\"i\":false}\t");
  ASSERT_TRUE(object);
  EXPECT_EQ(object->size(), 10u);
  EXPECT_EQ(find(*object, "a")->text, "x\n\xc3\xa9\xf0\x9f\x98\x80/");
  EXPECT_EQ(find(*object, "b")->text, "-1.5e+3");
  EXPECT_EQ(find(*object, "c")->strings, (std::vector<std::string>{"1", "2"}));
  EXPECT_TRUE(find(*object, "d")->boolean);
  EXPECT_EQ(find(*object, "e")->kind, JsonValue::Kind::null);
  EXPECT_EQ(find(*object, "f")->kind, JsonValue::Kind::other);
  EXPECT_EQ(find(*object, "g")->kind, JsonValue::Kind::strings);
  EXPECT_EQ(find(*object, "h")->kind, JsonValue::Kind::other);
  EXPECT_FALSE(find(*object, "i")->boolean);
  EXPECT_EQ(find(*object, "z"), nullptr);
  EXPECT_TRUE(parse_json_object("{}")->empty());
}

TEST(Json, RefusesWhatIsNotOneObject) {
  for (const char* wrong :
       {"", " ", "{", "[]", "\"a\"", "{}{}", "{} x", "{\"a\"}", "{\"a\":}", "{a:1}", "{\"a\":1,}", "{,}",
        "{\"a\":01}", "{\"a\":1.}", "{\"a\":.5}", "{\"a\":1e}", "{\"a\":+1}", "{\"a\":-}", "{\"a\":tru}",
        "{\"a\":nul", "{\"a\":[1,]}", "{\"a\":[", "{\"a\":\"", "{\"a\":\"\\x\"}", "{\"a\":\"\\u12g4\"}",
        "{\"a\":\"\\u123\"}", "{\"a\":\"\\ud800\"}", "{\"a\":\"\\udc00\"}", "{\"a\":\"\\ud800\\u0041\"}",
        "{\"a\":\"\n\"}", "{\"a\":'b'}"})
    EXPECT_FALSE(parse_json_object(wrong)) << wrong;
}

TEST(Json, HasADepth) {
  EXPECT_TRUE(parse_json_object(nested(deepest_json - 1)));
  EXPECT_FALSE(parse_json_object(nested(deepest_json)));
  EXPECT_FALSE(parse_json_object(nested(1'000'000)));
}

TEST(Base64, IsReadBack) {
  for (std::string bytes : {"", "a", "ab", "abc", "abcd", "\xff\xfe\x00z"}) {
    bytes.push_back('\0');
    std::string text;
    append_base64(text, bytes);
    EXPECT_EQ(decode_base64(text), bytes);
  }
  EXPECT_EQ(decode_base64(""), "");
  EXPECT_EQ(decode_base64("AP8K"), std::string("\0\xff\n", 3));
}

TEST(Base64, HasOneFormOfEach) {
  for (const char* wrong : {"A", "AA", "AAA", "AAAAA", "====", "A===", "AB==", "AAB=", "AA=A", "AA\n=", "A-_=", "AA AA==A"})
    EXPECT_FALSE(decode_base64(wrong)) << wrong;
}

}  // namespace
}  // namespace cppwebsocket::protocol
