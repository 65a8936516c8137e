// What permessage-deflate's two sides agree on (RFC 7692 §5.1, §7.1).
#include <algorithm>
#include <utility>

#include "protocol/frames/deflate.hpp"

namespace cppwebsocket::protocol {

namespace {

// One offer's parameters. Bits are 0 where the parameter is absent, or has no value.
struct Offered {
  bool server_no_context_takeover = false;
  bool client_no_context_takeover = false;
  bool client_max_window_bits = false;
  int server_bits = 0;
  int client_bits = 0;
};

// RFC 7692 §7.1.2: a decimal from 8 to 15 without leading zeros; 0 for anything else.
int window_bits(std::string_view value) noexcept {
  if (value == "8" || value == "9") return value[0] - '0';
  if (value.size() == 2 && value[0] == '1' && value[1] >= '0' && value[1] <= '5')
    return 10 + value[1] - '0';
  return 0;
}

bool set_once(bool& flag) noexcept { return !std::exchange(flag, true); }

bool read_parameter(const ExtensionOffer::Parameter& parameter, Offered& offered) noexcept {
  const auto& value = parameter.value;
  if (parameter.name == "server_no_context_takeover")
    return !value && set_once(offered.server_no_context_takeover);
  if (parameter.name == "client_no_context_takeover")
    return !value && set_once(offered.client_no_context_takeover);
  if (parameter.name == "server_max_window_bits") {
    if (!value || offered.server_bits != 0) return false;
    offered.server_bits = window_bits(*value);
    return offered.server_bits != 0;
  }
  if (parameter.name == "client_max_window_bits") {
    if (!set_once(offered.client_max_window_bits)) return false;
    if (!value) return true;
    offered.client_bits = window_bits(*value);
    return offered.client_bits != 0;
  }
  return false;
}

std::optional<Offered> read_offer(const ExtensionOffer& offer) noexcept {
  Offered offered;
  const auto read = [&](const auto& parameter) { return read_parameter(parameter, offered); };
  if (offer.name != "permessage-deflate" || !std::ranges::all_of(offer.parameters, read))
    return std::nullopt;
  return offered;
}

// What the administrator wants, or what serves best.
int wanted_bits(int policy_bits, bool no_context_takeover) noexcept {
  if (policy_bits != 0) return policy_bits;
  return no_context_takeover ? shared_window_bits : own_window_bits;
}

DeflateAgreement accept(const Offered& offered, const DeflatePolicy& policy) {
  DeflateAgreement agreement{{.level = policy.level, .min_size = policy.min_size},
                             "permessage-deflate"};
  DeflateParameters& agreed = agreement.parameters;
  const auto answer_bits = [&](std::string_view name, int bits) {
    agreement.response.append("; ").append(name).append("=").append(std::to_string(bits));
  };
  // §7.1.1.1, §7.1.1.2: either side may ask for either of them.
  agreed.server_no_context_takeover =
      offered.server_no_context_takeover || !policy.server_context_takeover;
  agreed.client_no_context_takeover =
      offered.client_no_context_takeover || !policy.client_context_takeover;
  if (agreed.server_no_context_takeover) agreement.response += "; server_no_context_takeover";
  if (agreed.client_no_context_takeover) agreement.response += "; client_no_context_takeover";

  // §7.1.2.1: answered if it was offered; and unasked too, it tells the client what it needs.
  agreed.server_max_window_bits =
      wanted_bits(policy.server_max_window_bits, agreed.server_no_context_takeover);
  if (offered.server_bits != 0)
    agreed.server_max_window_bits = std::min(agreed.server_max_window_bits, offered.server_bits);
  if (offered.server_bits != 0 || agreed.server_max_window_bits < 15)
    answer_bits("server_max_window_bits", agreed.server_max_window_bits);
  // zlib makes no raw streams of 8 bits. But in one of 9 it refers back at most 512 - 262 bytes
  // (deflate.h, MAX_DIST), which is within a window of 8.
  agreed.server_max_window_bits = std::max(agreed.server_max_window_bits, least_window_bits);

  // §7.1.2.2: a client that does not offer it need not be able to use a smaller window.
  if (offered.client_max_window_bits) {
    agreed.client_max_window_bits =
        wanted_bits(policy.client_max_window_bits, agreed.client_no_context_takeover);
    if (offered.client_bits != 0)
      agreed.client_max_window_bits = std::min(agreed.client_max_window_bits, offered.client_bits);
    if (agreed.client_max_window_bits < 15)
      answer_bits("client_max_window_bits", agreed.client_max_window_bits);
  }
  return agreement;
}

}  // namespace

std::optional<DeflateAgreement> negotiate_deflate(std::span<const ExtensionOffer> offers,
                                                  const DeflatePolicy& policy) {
  if (!policy.enabled) return std::nullopt;
  for (const ExtensionOffer& offer : offers)
    if (const auto offered = read_offer(offer)) return accept(*offered, policy);
  return std::nullopt;
}

}  // namespace cppwebsocket::protocol
