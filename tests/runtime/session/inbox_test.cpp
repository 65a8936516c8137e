#include "runtime/session/inbox.hpp"

#include <gtest/gtest.h>

namespace cppwebsocket::testing {
namespace {

using runtime::Inbox;

TEST(Inbox, GivesMessagesInTheOrderOfTheirArrival) {
  Inbox inbox;
  EXPECT_TRUE(inbox.empty());
  inbox.push("one");
  inbox.push(Message::binary("two"));
  EXPECT_EQ(inbox.pop(), Message("one"));
  inbox.push("three");
  EXPECT_EQ(inbox.pop(), Message::binary("two"));
  EXPECT_EQ(inbox.pop(), Message("three"));
  EXPECT_TRUE(inbox.empty());
}

TEST(Inbox, IsFullByNumber) {
  Inbox inbox;
  for (std::size_t i = 0; i < Inbox::max_messages; ++i) {
    EXPECT_FALSE(inbox.full());
    inbox.push("");
  }
  EXPECT_TRUE(inbox.full());
  inbox.pop();
  EXPECT_FALSE(inbox.full());
}

TEST(Inbox, IsFullByBytesAndTakesOneMessageBeyond) {
  Inbox inbox;
  inbox.push(std::string(Inbox::max_bytes - 1, 'x'));
  EXPECT_FALSE(inbox.full());
  inbox.push(std::string(10 * Inbox::max_bytes, 'x'));
  EXPECT_TRUE(inbox.full());
  inbox.pop();
  EXPECT_TRUE(inbox.full());
  inbox.pop();
  EXPECT_FALSE(inbox.full());
  EXPECT_TRUE(inbox.empty());
}

TEST(Inbox, ThatIsNeverEmptyDoesNotGrow) {
  Inbox inbox;
  inbox.push("0");
  for (int i = 1; i < 1'000'000; ++i) {
    inbox.push(std::to_string(i));
    ASSERT_EQ(inbox.pop().text(), std::to_string(i - 1));
  }
  EXPECT_LE(inbox.capacity(), 4 * Inbox::max_messages);
}

TEST(Inbox, ClearedIsEmptyAndMayBeUsedAgain) {
  Inbox inbox;
  inbox.push(std::string(Inbox::max_bytes, 'x'));
  inbox.clear();
  EXPECT_TRUE(inbox.empty());
  EXPECT_FALSE(inbox.full());
  inbox.push("next");
  EXPECT_EQ(inbox.pop(), Message("next"));
  EXPECT_EQ(inbox.capacity(), 0u);  // idle again: no memory
}

TEST(Inbox, KeepsUnreadBytesBehindItsMessagesAndWithoutThem) {
  Inbox inbox;
  EXPECT_FALSE(inbox.has_unread());
  inbox.push("one");
  inbox.keep_unread("bytes");
  EXPECT_EQ(inbox.pop(), Message("one"));
  EXPECT_TRUE(inbox.empty());
  EXPECT_FALSE(inbox.full());
  EXPECT_TRUE(inbox.has_unread());
  inbox.push("two");
  EXPECT_EQ(inbox.take_unread(), "bytes");
  EXPECT_FALSE(inbox.has_unread());
  EXPECT_EQ(inbox.pop(), Message("two"));
  inbox.keep_unread("more");
  inbox.drop_unread();
  EXPECT_EQ(inbox.capacity(), 0u);
}

}  // namespace
}  // namespace cppwebsocket::testing
