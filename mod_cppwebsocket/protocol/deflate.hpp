// permessage-deflate (RFC 7692): negotiation, and one connection's compressor and decompressor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <cppwebsocket/detail/request_record.hpp>

namespace cppwebsocket::protocol {

// What the administrator wants. From WebSocketCompression.
struct DeflatePolicy {
  bool enabled = false;
  bool context_takeover = false;   // false: both directions reset after each message
  int level = 6;                   // 1–9
  int server_max_window_bits = 15; // 9–15
  int client_max_window_bits = 15; // 9–15; below 15 only if the client can
  std::size_t min_size = 64;       // bytes; shorter messages go uncompressed
};

// What both sides agreed on (RFC 7692 §7.1).
struct DeflateParameters {
  bool server_no_context_takeover = false;
  bool client_no_context_takeover = false;
  int server_max_window_bits = 15;
  int client_max_window_bits = 15;
  int level = 6;
  std::size_t min_size = 64;
};

struct DeflateAgreement {
  DeflateParameters parameters;
  std::string response;  // the element for Sec-WebSocket-Extensions
};

// The first offer that can be accepted, or none. Offers with unknown, repeated or ill-valued
// parameters, and with server_max_window_bits=8 (zlib cannot), are declined (RFC 7692 §5.1, §7.1).
std::optional<DeflateAgreement> negotiate_deflate(std::span<const ExtensionOffer> offers,
                                                  const DeflatePolicy& policy);

// zlib streams that connections without context takeover share, one set per reactor thread, made
// when first needed. Thread: its reactor's.
class DeflateWorkspace {
 public:
  DeflateWorkspace();
  ~DeflateWorkspace();
  DeflateWorkspace(const DeflateWorkspace&) = delete;
  DeflateWorkspace& operator=(const DeflateWorkspace&) = delete;

 private:
  friend class PerMessageDeflate;
  struct Streams;
  std::unique_ptr<Streams> streams_;
};

enum class InflateResult : std::uint8_t { ok, corrupt, too_big };

// One connection's half of the extension. With no context takeover it owns no zlib memory.
// `workspace` must outlive it. Thread: that of the workspace; construction and destruction: any.
class PerMessageDeflate {
 public:
  PerMessageDeflate(const DeflateParameters& parameters, DeflateWorkspace& workspace) noexcept;
  ~PerMessageDeflate();

  // Whether a message of `size` bytes is worth it.
  bool wants(std::size_t size) const noexcept { return size >= parameters_.min_size; }

  // Appends the compressed form of `bytes` to `out`. With `end` the final 00 00 FF FF is removed
  // (RFC 7692 §7.2.1); fragments without it are flushed so that the peer sees them.
  void compress(std::string_view bytes, bool end, std::string& out);

  // Inflates a whole message's payload, appending to `out`, of which it makes at most
  // `max_size` bytes. BFINAL blocks are allowed (§7.2.3.3–§7.2.3.5). RFC 7692 §7.2.2.
  InflateResult inflate(std::string_view bytes, std::size_t max_size, std::string& out);

 private:
  struct OwnStreams;
  DeflateParameters parameters_;
  DeflateWorkspace& workspace_;
  std::unique_ptr<OwnStreams> own_;  // with context takeover, once used
};

}  // namespace cppwebsocket::protocol
