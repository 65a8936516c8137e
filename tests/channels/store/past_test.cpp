// A channel's past in pieces, and what is not there any more.
#include "channels/store/past.hpp"

#include "channels/support/channel_story.hpp"

namespace cppwebsocket::testing {
namespace {

using namespace channels;

class PastInPieces : public ::testing::Test {
 protected:
  void publish(std::uint64_t from, std::uint64_t to, std::size_t size = 8 << 10) {
    for (std::uint64_t i = from; i <= to; ++i) {
      std::string text = std::to_string(i) + " ";
      text.resize(std::max(size, text.size()), '.');
      (i % 2 ? ann_ : bob_).publish("chat", message(std::move(text), 1'000));
    }
  }
  std::uint64_t epoch() const { return ann_.position("chat").epoch; }

  // The offsets in the pieces behind `after`, e.g. "1-3 4-5", and of a piece with a hole "?-9".
  std::string read(std::uint64_t after) {
    std::string found;
    for (Position at{epoch(), after};;) {
      const Past::Piece piece = past_.after(at);
      if (piece.newest <= at.offset) return found;
      bool is_first;
      const auto records = past_.read(piece, is_first);
      const bool is_whole = records.size() == piece.newest - piece.below;
      for (const Record& each : records) {
        EXPECT_TRUE(each.message.payload().starts_with(std::to_string(each.position.offset) + " "));
      }
      EXPECT_EQ(is_first, is_whole && piece.below == 0);
      found += found.empty() ? "" : " ";
      found += is_whole ? std::to_string(piece.below + 1) : "?";
      found += "-" + std::to_string(piece.newest);
      at.offset = piece.newest;
    }
  }

  std::unique_ptr<ChannelMemory> memory_ = ChannelMemory::create(2 << 20, 4);
  ChannelStore ann_{*memory_};
  ChannelStore bob_{*memory_};
  Past past_{ann_, "chat"};
};

TEST_F(PastInPieces, IsReadFromAnyPlaceInTheSamePieces) {
  publish(1, 11);
  EXPECT_EQ(read(4), "5-5 6-8 9-11");
  EXPECT_EQ(read(7), "6-8 9-11");
  EXPECT_EQ(read(0), "1-1 2-4 5-5 6-8 9-11") << "what was known stays";
  EXPECT_EQ(read(11), "");
  publish(12, 16);
  EXPECT_EQ(read(10), "9-11 12-13 14-16");
}

TEST_F(PastInPieces, HasLargeMessagesAlone) {
  publish(1, 3, 40 << 10);
  EXPECT_EQ(read(0), "1-1 2-2 3-3");
}

TEST_F(PastInPieces, HasABoundForTheSmallest) {
  publish(1, 600, 10);
  EXPECT_EQ(read(0), "1-88 89-344 345-600");
}

TEST_F(PastInPieces, TellsWhatIsNotThereAnyMore) {
  publish(1, 12);
  EXPECT_EQ(read(0), "1-3 4-6 7-9 10-12");
  publish(13, 50);
  const std::string words = read(0);
  EXPECT_TRUE(words.starts_with("?-3 ?-6")) << words;
  EXPECT_TRUE(words.ends_with("48-50")) << words;
}

TEST_F(PastInPieces, IsOfOneEpoch) {
  ann_.publish("chat", numbered("1 ", {7, 1}));
  const Position old{7, 0};
  EXPECT_EQ(past_.after(old).newest, 1u);
  ann_.publish("chat", numbered("1 ", {8, 1}));
  EXPECT_EQ(past_.after(old).newest, 0u);
  EXPECT_EQ(read(0), "1-1");
}

TEST_F(PastInPieces, MayBeginWithAnyNumber) {
  ann_.publish("chat", numbered("500 ", {7, 500}));
  const Past::Piece piece = past_.after({7, 0});
  bool is_first;
  EXPECT_EQ(past_.read(piece, is_first).size(), 1u);
  EXPECT_TRUE(is_first);
}

TEST_F(PastInPieces, IsEmptyForAnUnknownChannel) {
  EXPECT_EQ(past_.after({1, 0}).newest, 0u);
}

}  // namespace
}  // namespace cppwebsocket::testing
