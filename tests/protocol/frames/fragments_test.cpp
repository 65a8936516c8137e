// Messages that are received in fragments: what came of one is given as it comes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/frames/deflate.hpp"
#include "protocol/frames/utf8.hpp"
#include "protocol/support/deflate_peer.hpp"
#include "protocol/support/draft_feed.hpp"
#include "protocol/support/wire.hpp"

namespace cppwebsocket::protocol::test {
namespace {

using Events = std::vector<std::string>;
using ::testing::Each;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr std::size_t limit = 1000;  // bytes

std::unique_ptr<Protocol> plain_protocol(std::size_t most = limit) {
  auto protocol = make_rfc6455(1, nullptr);
  protocol->receive_in_fragments(most);
  return protocol;
}

Events receive(std::string_view bytes, std::size_t most = limit) {
  return feed(*plain_protocol(most), bytes);
}

// --- RFC 6455 ------------------------------------------------------------------------------------

TEST(Fragments, APartIsGivenAsSoonAsItIsHere) {
  const auto protocol = plain_protocol();
  const std::string frame = text_frame("Hello, world");
  EXPECT_EQ(feed(*protocol, frame.substr(0, 10)), Events{"part of text Hell"});
  EXPECT_TRUE(protocol->in_message());
  EXPECT_EQ(protocol->incomplete_size(), 4U);
  EXPECT_EQ(feed(*protocol, frame.substr(10)), Events{"text o, world"});
  EXPECT_FALSE(protocol->in_message());
  EXPECT_EQ(protocol->incomplete_size(), 0U);
}

TEST(Fragments, AWholeMessageIsOne) {
  EXPECT_EQ(receive(text_frame("a") + binary_frame("") + text_frame(std::string(200, 'x'))),
            (Events{"text a", "binary ", "text " + std::string(200, 'x')}));
}

TEST(Fragments, ControlFramesComeInBetween) {
  EXPECT_EQ(receive(client_frame(0x01, "a") + client_frame(0x89, "p") + client_frame(0x00, "") +
                    client_frame(0x80, "")),
            (Events{"part of text a", "ping p", "text "}));
}

TEST(Fragments, AllOfAMessageCountsForTheLimitAndWhatIsAnnouncedCounts) {
  const std::string half(limit / 2, 'x');
  EXPECT_EQ(receive(client_frame(0x02, half) + client_frame(0x80, half)),
            (Events{"part of binary " + half, "binary " + half}));
  EXPECT_EQ(receive(client_frame(0x02, half) + client_header(0x80, 126, big_endian(limit / 2 + 1, 2))),
            (Events{"part of binary " + half, "failure 1009"}));
  EXPECT_EQ(receive(binary_frame(half) + binary_frame(half) + binary_frame(half)), Events(3, "binary " + half));
}

TEST(Fragments, ACharacterMayBeSplitAndABadOneFailsAsSoonAsItShows) {
  EXPECT_EQ(receive(client_frame(0x01, "\xe3\x81") + client_frame(0x80, "\x82")),
            (Events{"part of text \xe3\x81", "text \x82"}));
  EXPECT_EQ(receive(client_frame(0x01, "\xe3\x81") + client_frame(0x00, "a")),
            (Events{"part of text \xe3\x81", "failure 1007"}));
  EXPECT_EQ(receive(client_frame(0x01, "\xe3\x81") + client_frame(0x80, "")),
            (Events{"part of text \xe3\x81", "failure 1007"}));
  EXPECT_EQ(receive(client_frame(0x01, "a\xff")), Events{"failure 1007"});
}

// --- RFC 7692 ------------------------------------------------------------------------------------

class DeflatedFragments : public ::testing::TestWithParam<bool> {
 protected:
  DeflatedFragments() {
    if (GetParam()) parameters_ = no_takeover;
  }
  std::unique_ptr<Protocol> make(std::size_t most) {
    auto protocol = make_rfc6455(1, std::make_unique<PerMessageDeflate>(parameters_, workspace_));
    protocol->receive_in_fragments(most);
    return protocol;
  }
  Events receive(std::string_view bytes, std::size_t most = 64 << 20) {
    return feed(*make(most), bytes, &workspace_.share());
  }

  DeflateParameters parameters_;
  DeflateWorkspace workspace_;
};
INSTANTIATE_TEST_SUITE_P(WithAndWithoutTakeover, DeflatedFragments, ::testing::Bool());

TEST_P(DeflatedFragments, MeanTheSame) {
  Peer client(parameters_);
  Events expected;
  std::string bytes;
  for (const std::string& sample : samples()) {
    expected.push_back("binary " + sample);
    bytes += client_frame(0xc2, client.compress(sample));
  }
  EXPECT_EQ(joined(receive(bytes)), expected);
  const auto protocol = make(64 << 20);
  Events events;
  for (std::size_t at = 0; at < bytes.size(); at += 1000)
    feed(*protocol, bytes.substr(at, 1000), events, &workspace_.share());
  EXPECT_EQ(joined(events), expected);
}

TEST_P(DeflatedFragments, NoneIsLargeHoweverMuchItInflatesTo) {
  Peer client(parameters_);
  const std::string zeros(10 << 20, '\0');
  const Events events = receive(client_frame(0xc2, client.compress(zeros)));
  EXPECT_GT(events.size(), 100U);
  EXPECT_THAT(events, Each(SizeIs(::testing::Le((64U << 10) + 20))));  // and its name
  EXPECT_EQ(joined(events), Events{"binary " + zeros});
}

TEST_P(DeflatedFragments, TheLimitIsForWhatItInflatesTo) {
  Peer client(parameters_);
  const std::string frame = client_frame(0xc2, client.compress(std::string(100'001, 'a')));
  EXPECT_EQ(receive(frame, 100'000).back(), "failure 1009");
  EXPECT_EQ(joined(receive(frame, 100'001)), Events{"binary " + std::string(100'001, 'a')});
}

TEST_P(DeflatedFragments, BadTextAndCorruptOnesFailWith1007) {
  Peer client(parameters_), other(parameters_);
  EXPECT_EQ(receive(client_frame(0xc1, client.compress("fine \xe3\x81"))), Events{"failure 1007"});
  EXPECT_EQ(receive(client_frame(0xc2, "\xff\xff\xff")), Events{"failure 1007"});
  const std::string cut = other.compress("Hello");
  EXPECT_EQ(receive(client_frame(0xc2, cut.substr(0, 3))).back(), "failure 1007");
}

TEST_P(DeflatedFragments, OneThatIsLeftUnfinishedLeavesOthersTheirDecompressor) {
  Peer client(parameters_), other(parameters_);
  const auto left = make(limit), next = make(limit);
  feed(*left, client_frame(0x41, client.compress("begun", false)), &workspace_.share());
  EXPECT_TRUE(left->in_message());
  EXPECT_EQ(feed(*next, client_frame(0xc1, other.compress("Hello")), &workspace_.share()),
            Events{"text Hello"});
  EXPECT_EQ(joined(feed(*left, client_frame(0x80, client.compress(" and done")), &workspace_.share())),
            Events{"text  and done"});
}

// --- the drafts ----------------------------------------------------------------------------------

TEST(DraftFragments, ATextComesAsItComes) {
  const auto draft = make_draft76(1);
  draft->receive_in_fragments(limit);
  EXPECT_EQ(protocol::testing::feed(*draft, std::string("\0Hel", 4)), Events{"part of text Hel"});
  EXPECT_EQ(draft->incomplete_size(), 3U);
  EXPECT_EQ(protocol::testing::feed(*draft, "lo\xff"), Events{"text lo"});
  EXPECT_EQ(protocol::testing::feed(*draft, std::string("\0all\xff", 5)), Events{"text all"});
}

TEST(DraftFragments, WhatIsNotUtf8IsReplacedAsInAWholeOne) {
  const std::string bytes = std::string(1, '\0') + "a\xe3\x81\x82 \xf0\x9f\x98 \xe3\xe3\x81 \xed\xa0\x80\xc0 \xe3\x81\xff";
  const Events whole = protocol::testing::feed(*make_draft76(limit), bytes);
  for (std::size_t size = 1; size < bytes.size(); ++size) {
    const auto draft = make_draft76(1);
    draft->receive_in_fragments(limit);
    const Events events = protocol::testing::feed(*draft, bytes, size);
    EXPECT_EQ(joined(events), whole) << size;
    for (const std::string& event : events) EXPECT_TRUE(is_utf8(event)) << size;
  }
}

TEST(DraftFragments, WhatReplacesOtherBytesCountsForTheLimit) {
  const std::string bytes = std::string(1, '\0') + "\xc0\xc0\xc0" + "ab";
  for (const std::size_t size : {std::size_t{1}, bytes.size()}) {
    const auto draft = make_draft76(1);
    draft->receive_in_fragments(10);
    EXPECT_EQ(protocol::testing::feed(*draft, bytes, size).back(), "failure 1009") << size;
  }
}

TEST(DraftFragments, AllOfATextCountsForTheLimit) {
  const auto draft = make_draft75(1);
  draft->receive_in_fragments(10);
  EXPECT_EQ(protocol::testing::feed(*draft, std::string("\0sixsix", 7) + std::string(5, 'x'), 7),
            (Events{"part of text sixsix", "failure 1009"}));
}

}  // namespace
}  // namespace cppwebsocket::protocol::test
