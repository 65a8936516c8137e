// What is compressed once for all members, and takes longer than a turn may.
#include <gmock/gmock.h>

#include "channels/support/channel_fixture.hpp"
#include "runtime/support/inflated.hpp"

namespace cppwebsocket::testing {
namespace {

using protocol::TurnShare;

class LargePublications : public ChannelFixture {
 protected:
  LargePublications() : ChannelFixture(16 << 20) {}

  Connection& compressing(int window_bits, bool json = false) {
    protocol::DeflateParameters parameters = protocol::test::no_takeover;
    parameters.server_max_window_bits = window_bits;
    JoinOptions options;
    options.json = json;
    return member("chat", options, {.deflate = parameters});
  }
  static std::string words(std::size_t size) {
    std::string all;
    for (int i = 0; all.size() < size; ++i) all += "word " + std::to_string(i * 7919 % 1000) + ' ';
    return all;
  }
  // Without what settle() would do.
  void publish_only(std::string text) { Channel::named("chat").publish(Message(std::move(text))); }
  std::size_t rounds_until(Connection& connection) {
    std::size_t rounds = 0;
    for (; connection.peer->output.empty() && rounds < 100; ++rounds) source_->run();
    return rounds;
  }
};

TEST_F(LargePublications, AreCompressedInPiecesWhileOthersHaveTheirTurns) {
  const std::string text = words(300'000);
  ASSERT_GT(store_.largest_payload(), text.size());
  Connection& member = compressing(15);
  publish_only(text);
  publish_only("behind it");
  EXPECT_EQ(rounds_until(member), text.size() / TurnShare::compressed_at_once + 1);
  settle();
  EXPECT_LT(member.peer->output.size(), text.size() / 2);
  EXPECT_EQ(inflated(member.peer->take_output()), text + "behind it");
}

TEST_F(LargePublications, TakeARoundForEachPieceInEachFormat) {
  const std::string text = words(100'000);
  Connection& wide = compressing(15);
  Connection& narrow = compressing(9);
  Connection& plain = member("chat");
  publish_only(text);
  EXPECT_EQ(rounds_until(wide), 4u);
  EXPECT_TRUE(narrow.peer->output.empty());
  EXPECT_EQ(rounds_until(narrow), 3u) << "and what was left of the other's last";
  settle();
  EXPECT_EQ(inflated(wide.peer->take_output()), text);
  EXPECT_EQ(inflated(narrow.peer->take_output()), text);
  EXPECT_EQ(inflated(plain.peer->take_output()), text);
}

TEST_F(LargePublications, AreWholeInTheirEnvelopeToo) {
  const std::string text = words(100'000);
  Connection& member = compressing(12, true);
  settle();
  member.peer->take_output();  // that it has joined
  publish_only(text);
  EXPECT_EQ(rounds_until(member), 4u);
  settle();
  EXPECT_THAT(inflated(member.peer->take_output()), ::testing::HasSubstr(text));
}

TEST_F(LargePublications, OfWhomEverybodyHasLeftAreForgotten) {
  Connection& member = compressing(15);
  publish_only(words(300'000));
  source_->run();
  member.peer->at_end = true;
  settle();
  EXPECT_TRUE(member.gone);
  Connection& next = compressing(15);
  publish_only("next");
  settle();
  EXPECT_EQ(inflated(next.peer->take_output()), "next");
}

}  // namespace
}  // namespace cppwebsocket::testing
