// Close codes and the close frame's content (RFC 6455 §7.4).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace cppwebsocket {

// A close code as it stands on the wire. 3000–3999 are for libraries and frameworks,
// 4000–4999 for applications (RFC 6455 §7.4.2).
using CloseCode = std::uint16_t;

namespace close_code {
inline constexpr CloseCode normal = 1000;
inline constexpr CloseCode going_away = 1001;
inline constexpr CloseCode protocol_error = 1002;
inline constexpr CloseCode unsupported_data = 1003;
inline constexpr CloseCode no_status_received = 1005;  // never on the wire: the body was empty
inline constexpr CloseCode abnormal_closure = 1006;    // never on the wire: no Close came
inline constexpr CloseCode invalid_payload = 1007;
inline constexpr CloseCode policy_violation = 1008;
inline constexpr CloseCode message_too_big = 1009;
inline constexpr CloseCode mandatory_extension = 1010;
inline constexpr CloseCode internal_error = 1011;
inline constexpr CloseCode service_restart = 1012;
inline constexpr CloseCode try_again_later = 1013;
inline constexpr CloseCode bad_gateway = 1014;

// True if an endpoint may put `code` into a Close frame (RFC 6455 §7.4, with the codes
// registered since).
constexpr bool may_be_sent(CloseCode code) noexcept {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
         (code >= 3000 && code <= 4999);
}
}  // namespace close_code

inline constexpr std::size_t max_close_reason = 123;  // bytes, RFC 6455 §5.5 less the code

// What a Close frame carries. Without a code its body is empty and there is no reason.
class Close {
 public:
  Close() = default;
  Close(CloseCode code, std::string reason = {}) : code_(code), reason_(std::move(reason)) {}

  std::optional<CloseCode> code() const noexcept { return code_; }
  const std::string& reason() const noexcept { return reason_; }  // UTF-8, at most 123 bytes

 private:
  std::optional<CloseCode> code_;
  std::string reason_;
};

}  // namespace cppwebsocket
