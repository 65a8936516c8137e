#include "protocol/frames/spare_payloads.hpp"

#include <gtest/gtest.h>

#include <span>

#include "protocol/frames/output.hpp"
#include "protocol/frames/protocol.hpp"

namespace cppwebsocket::protocol::test {
namespace {

constexpr std::size_t large = SparePayloads::worth_keeping;

TEST(SparePayloads, GivesBackTheMemoryOfAString) {
  SparePayloads spare;
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
  for (int i = 0; i < 3; ++i) spare.give(std::string(SparePayloads::most_bytes / 2 - 100, 'x'));
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
  spare.give(std::string(large, 'x'));
  EXPECT_LT(spare.take(8 * large).capacity(), large);
  EXPECT_FALSE(spare.empty());
  spare.clear();
  EXPECT_TRUE(spare.empty());
  EXPECT_LT(spare.take(large).capacity(), large);
}

TEST(SparePayloads, OutputGivesWhatWasMovedInOnceItIsSent) {
  SparePayloads spare;
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
