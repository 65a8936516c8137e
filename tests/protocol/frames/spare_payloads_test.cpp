#include "protocol/frames/spare_payloads.hpp"

#include <gtest/gtest.h>

#include <span>

#include "protocol/frames/output.hpp"
#include "protocol/frames/protocol.hpp"

namespace cppwebsocket::protocol::test {
namespace {

constexpr std::size_t large = 64 << 10;

// As for a message that is received and sent.
void give(SparePayloads& spare, std::size_t size) {
  spare.take(SparePayloads::most_bytes + 1);
  spare.give(std::string(size, 'x'));
}

TEST(SparePayloads, GivesBackTheMemoryOfAString) {
  SparePayloads spare;
  spare.take(2 * large);
  std::string payload(2 * large, 'x');
  const char* const memory = payload.data();
  spare.give(std::move(payload));
  const std::string taken = spare.take(2 * large);
  EXPECT_EQ(taken.data(), memory);
  EXPECT_TRUE(taken.empty());
  EXPECT_TRUE(spare.empty());
}

TEST(SparePayloads, KeepsNeitherSmallOnesNorTooMuch) {
  SparePayloads spare;
  spare.give(std::string(1000, 'x'));
  EXPECT_TRUE(spare.empty());
  for (int i = 0; i < 3; ++i) give(spare, SparePayloads::most_bytes / 2 - 100);
  EXPECT_GE(spare.take(large).capacity(), large);
  EXPECT_GE(spare.take(large).capacity(), large);
  EXPECT_LT(spare.take(large).capacity(), large);
}

TEST(SparePayloads, KeepsOneSmallOneForTheNextSmallMessage) {
  SparePayloads spare;
  EXPECT_EQ(std::string(spare.take_small()).capacity(), std::string().capacity());
  spare.give(std::string(20, 'x'));
  spare.give(std::string(120, 'x'));
  spare.give(std::string(60, 'x'));
  EXPECT_TRUE(spare.empty());  // of what takes memory worth giving back
  EXPECT_GE(std::string(spare.take_small()).capacity(), 120U);
  EXPECT_EQ(std::string(spare.take_small()).capacity(), std::string().capacity());
}

TEST(SparePayloads, ASmallMessageIsReceivedIntoASpareOneWhateverThatHolds) {
  SparePayloads spare;
  spare.give(std::string(100, 'x'));
  const auto wire = make_rfc6455(1 << 20, nullptr, &spare);
  std::string frame("\x82\x94\0\0\0\0", 6);
  frame += "a message of 20 bytes";
  frame.pop_back();
  std::span<char> input(frame);
  ASSERT_EQ(wire->receive(input), Event::message);
  const Message message = wire->take_message();
  EXPECT_EQ(message, Message::binary(std::string("a message of 20 byte")));
  EXPECT_GE(message.payload().capacity(), 100U);
}

TEST(SparePayloads, DoesNotGiveOneThatIsTooSmall) {
  SparePayloads spare;
  give(spare, large);
  EXPECT_LT(spare.take(8 * large).capacity(), large);
  EXPECT_FALSE(spare.empty());
}

TEST(SparePayloads, GivesTheSmallestThatIsLargeEnough) {
  SparePayloads spare;
  for (const std::size_t size : {4 * large, 2 * large, 8 * large, large})
    give(spare, size);
  for (const std::size_t size : {large, 2 * large, 4 * large, 8 * large}) {
    const std::size_t got = spare.take(size).capacity();
    EXPECT_GE(got, size);
    EXPECT_LT(got, 2 * size);
  }
}

TEST(SparePayloads, FreesSmallerOnesForALargeOne) {
  SparePayloads spare;
  for (int i = 0; i < 100; ++i) give(spare, large);
  constexpr std::size_t size = SparePayloads::most_bytes - 10 * large;
  give(spare, size);
  EXPECT_GE(spare.take(size).capacity(), size);
  EXPECT_GE(spare.take(large).capacity(), large);
}

TEST(SparePayloads, KeepsNoneThatIsMuchLargerThanWhatWasAskedFor) {
  SparePayloads spare;
  spare.give(std::string(large, 'x'));
  EXPECT_TRUE(spare.empty());
  spare.take(large);
  spare.give(std::string(4 * large, 'x'));
  EXPECT_TRUE(spare.empty());
  spare.give(std::string(large, 'x'));
  EXPECT_FALSE(spare.empty());
  for (int i = 0; i < 2; ++i) spare.free_unused();
  spare.give(std::string(large, 'x'));
  EXPECT_TRUE(spare.empty()) << "that was a while ago";
}

TEST(SparePayloads, FreesWhatWasNotUsedForAWhile) {
  SparePayloads spare;
  for (int i = 0; i < 3; ++i) give(spare, large);
  spare.free_unused();
  std::string first = spare.take(large), second = spare.take(large);
  spare.give(std::move(first));
  spare.give(std::move(second));
  spare.free_unused();
  EXPECT_GE(spare.take(large).capacity(), large);
  EXPECT_GE(spare.take(large).capacity(), large);
  EXPECT_LT(spare.take(large).capacity(), large) << "the third was of no use";
  give(spare, large);
  spare.free_unused();
  spare.free_unused();
  EXPECT_TRUE(spare.empty());
}

TEST(SparePayloads, OutputGivesWhatWasMovedInOnceItIsSent) {
  SparePayloads spare;
  for (int i = 0; i < 2; ++i) spare.take(large);
  Output out;
  out.append("head", std::string(large, 'a'));
  out.append("head", std::string(large, 'b'));
  out.consume(4 + large - 1, &spare);
  EXPECT_TRUE(spare.empty());
  out.consume(1, &spare);
  EXPECT_FALSE(spare.empty());
  EXPECT_GE(spare.take(large).capacity(), large);
  EXPECT_TRUE(spare.empty());
  out.consume(4 + large, &spare);
  EXPECT_FALSE(spare.empty());
  EXPECT_TRUE(out.empty());
}

}  // namespace
}  // namespace cppwebsocket::protocol::test
