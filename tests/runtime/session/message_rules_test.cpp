// RFC 6455 §5.4 (fragments), §5.6 and §8.1 (UTF-8), §7.4 (close codes), as senders meet them.
#include "runtime/session/message_rules.hpp"

#include <gtest/gtest.h>

namespace cppwebsocket::testing {
namespace {

using runtime::MessageRules;

constexpr bool end = true, more = false;
const std::string bad = "\xc3\x28";

TEST(MessageRules, TextMustBeUtf8AndBinaryNeedNot) {
  MessageRules rules;
  EXPECT_NO_THROW(rules.check("κόσμε", end));
  EXPECT_THROW(rules.check(bad, end), InvalidUTF8Exception);
  EXPECT_THROW(rules.check("half \xc3", end), InvalidUTF8Exception);
  EXPECT_NO_THROW(rules.check(Message::binary(bad), end));
  EXPECT_NO_THROW(rules.check("", end));
}

TEST(MessageRules, ACharacterMayBeSplitBetweenFragments) {
  MessageRules rules;
  EXPECT_NO_THROW(rules.check("\xe2\x82", more));
  EXPECT_NO_THROW(rules.check("", more));
  EXPECT_NO_THROW(rules.check("\xac", end));
}

TEST(MessageRules, ACharacterMustBeCompleteInTheLastFragment) {
  MessageRules rules;
  rules.check("\xe2\x82", more);
  EXPECT_THROW(rules.check("", end), InvalidUTF8Exception);
  EXPECT_THROW(rules.check("x", end), InvalidUTF8Exception);
  EXPECT_NO_THROW(rules.check("\xac", end));  // what was refused changed nothing
}

TEST(MessageRules, AMessageDoesNotInheritTheStateOfTheLast) {
  MessageRules rules;
  rules.check("one", more);
  rules.check("", end);
  EXPECT_NO_THROW(rules.check("two", more));
  EXPECT_NO_THROW(rules.check("\xc3", more));
  EXPECT_NO_THROW(rules.check("\xa9", end));
}

TEST(MessageRules, FragmentsAreOfOneType) {
  MessageRules rules;
  rules.check("a", more);
  EXPECT_THROW(rules.check(Message::binary("b"), end), BadOperationException);
  EXPECT_NO_THROW(rules.check("b", end));
  rules.check(Message::binary(bad), more);
  EXPECT_THROW(rules.check("c", end), BadOperationException);
  EXPECT_NO_THROW(rules.check(Message::binary(bad), end));
  EXPECT_NO_THROW(rules.check("c", end));
}

TEST(MessageRules, CloseCodesThatMayBeSent) {
  for (CloseCode code : {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
                         3000, 3999, 4000, 4999})
    EXPECT_NO_THROW(MessageRules::check_close(Close(code, "why"))) << code;
  for (CloseCode code : {0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535})
    EXPECT_THROW(MessageRules::check_close(Close(code)), BadOperationException) << code;
  EXPECT_NO_THROW(MessageRules::check_close(Close()));
}

TEST(MessageRules, AReasonIsUtf8AndAtMost123Bytes) {
  EXPECT_NO_THROW(MessageRules::check_close(Close(1000, std::string(123, 'x'))));
  EXPECT_THROW(MessageRules::check_close(Close(1000, std::string(124, 'x'))),
               BadOperationException);
  EXPECT_THROW(MessageRules::check_close(Close(1000, bad)), BadOperationException);
}

}  // namespace
}  // namespace cppwebsocket::testing
