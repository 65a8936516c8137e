// RFC 7692 §5.1 and §7.1: what the two sides agree on.
#include <gtest/gtest.h>

#include <cppwebsocket/detail/request_record.hpp>

#include "protocol/frames/deflate.hpp"

namespace cppwebsocket::protocol::test {
namespace {

using Parameter = ExtensionOffer::Parameter;

constexpr DeflatePolicy usual{.enabled = true};
constexpr DeflatePolicy frugal{.enabled = true, .client_context_takeover = false};
constexpr DeflatePolicy takeover{.enabled = true,
                                 .server_context_takeover = true,
                                 .server_max_window_bits = 15,
                                 .client_max_window_bits = 15};

ExtensionOffer offer(std::vector<Parameter> parameters) {
  return {"permessage-deflate", parameters};
}

std::string answer(std::vector<ExtensionOffer> offers, const DeflatePolicy& policy = takeover) {
  const auto agreement = negotiate_deflate(offers, policy);
  return agreement ? agreement->response : "declined";
}

TEST(DeflateNegotiation, NothingIsAcceptedThatIsNotEnabledOrNotOffered) {
  EXPECT_EQ(answer({offer({})}, DeflatePolicy{}), "declined");
  EXPECT_EQ(answer({}), "declined");
  EXPECT_EQ(answer({{"x-webkit-deflate-frame", {}}, {"permessage-bzip2", {}}}), "declined");
}

TEST(DeflateNegotiation, APlainOfferIsAccepted) {
  EXPECT_EQ(answer({offer({})}), "permessage-deflate");
  EXPECT_EQ(answer({offer({})}, frugal),
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
  EXPECT_EQ(answer({{"other", {}}, offer({})}), "permessage-deflate");
}

TEST(DeflateNegotiation, AClientIsAskedToForgetOnlyIfItOffersThatOrMemoryIsDear) {
  const Parameter can_be_small{"client_max_window_bits", {}};
  EXPECT_EQ(answer({offer({})}, usual), "permessage-deflate; server_no_context_takeover");
  EXPECT_EQ(answer({offer({can_be_small})}, usual),
            "permessage-deflate; server_no_context_takeover; client_max_window_bits=12");
  EXPECT_EQ(answer({offer({{"client_no_context_takeover", {}}})}, usual),
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
  EXPECT_EQ(answer({offer({can_be_small})}, frugal),
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
}

TEST(DeflateNegotiation, EitherSideMayRuleOutContextTakeover) {
  EXPECT_EQ(answer({offer({{"server_no_context_takeover", {}}})}),
            "permessage-deflate; server_no_context_takeover");
  EXPECT_EQ(answer({offer({{"client_no_context_takeover", {}}})}),
            "permessage-deflate; client_no_context_takeover");
  const std::vector<ExtensionOffer> both = {
      offer({{"client_no_context_takeover", {}}, {"server_no_context_takeover", {}}})};
  const auto agreement = negotiate_deflate(both, takeover);
  ASSERT_TRUE(agreement);
  EXPECT_TRUE(agreement->parameters.server_no_context_takeover);
  EXPECT_TRUE(agreement->parameters.client_no_context_takeover);
}

TEST(DeflateNegotiation, ServerWindowIsTheSmallerOfBothSides) {
  for (int offered = 9; offered <= 15; ++offered)
    for (int policy_bits = 9; policy_bits <= 15; ++policy_bits) {
      const std::string value = std::to_string(offered);
      DeflatePolicy policy = takeover;
      policy.server_max_window_bits = policy_bits;
      const std::vector<ExtensionOffer> offers = {offer({{"server_max_window_bits", value}})};
      const auto agreement = negotiate_deflate(offers, policy);
      ASSERT_TRUE(agreement);
      const int expected = std::min(offered, policy_bits);
      EXPECT_EQ(agreement->parameters.server_max_window_bits, expected);
      EXPECT_EQ(agreement->response,
                "permessage-deflate; server_max_window_bits=" + std::to_string(expected));
    }
}

// zlib's window of 9 bits does: DeflateAgainstZlib.AWindowOf8BitsIsKept.
TEST(DeflateNegotiation, AServerWindowOf8IsPromised) {
  const std::vector<ExtensionOffer> offers = {offer({{"server_max_window_bits", "8"}})};
  const auto agreement = negotiate_deflate(offers, takeover);
  ASSERT_TRUE(agreement);
  EXPECT_EQ(agreement->response, "permessage-deflate; server_max_window_bits=8");
  EXPECT_EQ(agreement->parameters.server_max_window_bits, least_window_bits);
}

TEST(DeflateNegotiation, ASmallerServerWindowIsToldUnasked) {
  DeflatePolicy policy = takeover;
  policy.server_max_window_bits = 11;
  EXPECT_EQ(answer({offer({})}, policy), "permessage-deflate; server_max_window_bits=11");
}

TEST(DeflateNegotiation, ClientWindowIsAnsweredOnlyIfOffered) {
  DeflatePolicy policy = takeover;
  policy.client_max_window_bits = 10;
  EXPECT_EQ(answer({offer({})}, policy), "permessage-deflate");
  EXPECT_EQ(answer({offer({{"client_max_window_bits", {}}})}, policy),
            "permessage-deflate; client_max_window_bits=10");
  EXPECT_EQ(answer({offer({{"client_max_window_bits", "12"}})}, policy),
            "permessage-deflate; client_max_window_bits=10");
  EXPECT_EQ(answer({offer({{"client_max_window_bits", "9"}})}, policy),
            "permessage-deflate; client_max_window_bits=9");
  EXPECT_EQ(answer({offer({{"client_max_window_bits", "8"}})}),
            "permessage-deflate; client_max_window_bits=8");
  EXPECT_EQ(answer({offer({{"client_max_window_bits", {}}})}), "permessage-deflate");
}

TEST(DeflateNegotiation, AWindowThatAConnectionKeepsIsSmallUnlessToldOtherwise) {
  const Parameter can_be_small{"client_max_window_bits", {}};
  const Parameter server_forgets{"server_no_context_takeover", {}};
  const Parameter client_forgets{"client_no_context_takeover", {}};
  const DeflatePolicy policy{.enabled = true, .server_context_takeover = true};
  EXPECT_EQ(answer({offer({can_be_small})}, policy),
            "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12");
  EXPECT_EQ(answer({offer({})}, policy), "permessage-deflate; server_max_window_bits=12");
  EXPECT_EQ(answer({offer({can_be_small, server_forgets})}, policy),
            "permessage-deflate; server_no_context_takeover; client_max_window_bits=12");
  EXPECT_EQ(answer({offer({can_be_small, client_forgets})}, policy),
            "permessage-deflate; client_no_context_takeover; server_max_window_bits=12");
}

TEST(DeflateNegotiation, WrongOffersAreDeclined) {
  const std::vector<std::vector<Parameter>> wrong = {
      {{"unknown", {}}},
      {{"server_no_context_takeover", "1"}},
      {{"client_no_context_takeover", ""}},
      {{"server_no_context_takeover", {}}, {"server_no_context_takeover", {}}},
      {{"client_no_context_takeover", {}}, {"client_no_context_takeover", {}}},
      {{"server_max_window_bits", {}}},
      {{"server_max_window_bits", "7"}},
      {{"server_max_window_bits", "16"}},
      {{"server_max_window_bits", "09"}},
      {{"server_max_window_bits", "1"}},
      {{"server_max_window_bits", ""}},
      {{"server_max_window_bits", "+9"}},
      {{"server_max_window_bits", "10 "}},
      {{"server_max_window_bits", "100"}},
      {{"server_max_window_bits", "10"}, {"server_max_window_bits", "10"}},
      {{"client_max_window_bits", "7"}},
      {{"client_max_window_bits", "16"}},
      {{"client_max_window_bits", "010"}},
      {{"client_max_window_bits", ""}},
      {{"client_max_window_bits", {}}, {"client_max_window_bits", {}}},
      {{"client_max_window_bits", {}}, {"client_max_window_bits", "10"}},
  };
  for (const auto& parameters : wrong) {
    EXPECT_EQ(answer({offer(parameters)}), "declined") << parameters[0].name;
    // The next one is tried, as §5.1 has it.
    EXPECT_EQ(answer({offer(parameters), offer({})}), "permessage-deflate") << parameters[0].name;
  }
}

TEST(DeflateNegotiation, TheFirstAcceptableOfferWins) {
  EXPECT_EQ(answer({offer({{"server_max_window_bits", "7"}}),
                    offer({{"server_max_window_bits", "12"}}), offer({})}),
            "permessage-deflate; server_max_window_bits=12");
}

}  // namespace
}  // namespace cppwebsocket::protocol::test
