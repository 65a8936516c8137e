// permessage-deflate (RFC 7692): negotiation, and one connection's compressor and decompressor.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <cppwebsocket/detail/request_record.hpp>

#include "protocol/frames/turn_share.hpp"

namespace cppwebsocket::protocol {

// What the administrator wants. From WebSocketCompression.
struct DeflatePolicy {
  bool enabled = false;
  bool server_context_takeover = false;  // false: each message that we send is compressed alone
  bool client_context_takeover = true;   // false: clients are told to do so, too
  int level = 6;                    // 1–9
  int server_max_window_bits = 0;   // 9–15; 0: as below
  int client_max_window_bits = 0;   // likewise; below 15 only if the client can
  std::size_t min_size = 64;        // bytes; shorter messages go uncompressed
};

// Window bits, unless the administrator wants others. Where connections share a compressor the
// largest costs nothing. Their own are another matter: 38 KiB at 12 bits against 262 at 15, which
// no cache holds for many connections, so that it takes twice as long; and small similar messages
// become hardly smaller (bench/README.md).
constexpr int shared_window_bits = 15;
constexpr int own_window_bits = 12;
constexpr int least_window_bits = 9;  // zlib's, for streams without its header

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
// parameters are declined (RFC 7692 §5.1, §7.1).
std::optional<DeflateAgreement> negotiate_deflate(std::span<const ExtensionOffer> offers,
                                                  const DeflatePolicy& policy);

class Compressor;
class Decompressor;

// zlib streams that connections without context takeover share, one set per reactor thread, each
// made when first needed: at most one decompressor (40 KiB) and one compressor for each window
// size (12 to 264 KiB, 0.7 MiB together). Thread: its reactor's.
class DeflateWorkspace {
 public:
  DeflateWorkspace() noexcept;
  ~DeflateWorkspace();
  DeflateWorkspace(const DeflateWorkspace&) = delete;
  DeflateWorkspace& operator=(const DeflateWorkspace&) = delete;

  // What all that use it count their work in; whoever has turns begins them.
  TurnShare& share() noexcept { return share_; }
  const TurnShare& share() const noexcept { return share_; }

 private:
  friend class PerMessageDeflate;
  static constexpr int min_window_bits = least_window_bits;
  static constexpr int max_window_bits = 15;

  Compressor& compressor(int window_bits, int level);
  Decompressor& decompressor();

  std::array<std::unique_ptr<Compressor>, max_window_bits - min_window_bits + 1> compressors_;
  std::unique_ptr<Decompressor> decompressor_;  // null also while a connection has it
  TurnShare share_;
};

enum class InflateResult : std::uint8_t { ok, unfinished, corrupt, too_big };

// One connection's half of the extension. Without context takeover it owns no zlib memory but while a
// large message goes on; with it, each direction does from its first one on: the compressor 10 KiB if
// server_max_window_bits is 9, about twice that for each bit more, 38 KiB at 12, 262 KiB at 15; the
// decompressor its window (1 << client_max_window_bits bytes) and 8 KiB.
// `workspace` must outlive it. Thread: that of the workspace; construction and destruction: any.
class PerMessageDeflate {
 public:
  PerMessageDeflate(const DeflateParameters& parameters, DeflateWorkspace& workspace) noexcept;
  ~PerMessageDeflate();

  // Before its first message: to another thread's.
  void move_to(DeflateWorkspace& workspace) noexcept { workspace_ = &workspace; }

  // Whether a message of `size` bytes is worth it.
  bool wants(std::size_t size) const noexcept { return size >= parameters_.min_size; }

  // Appends the compressed form of `bytes` to `out`. With `end` the final 00 00 FF FF is removed
  // (RFC 7692 §7.2.1); fragments without it are flushed so that the peer sees them. Raises
  // std::bad_alloc.
  void compress(std::string_view bytes, bool end, std::string& out);

  // The same for what refers to nothing before it, so that all connections with the
  // same window_bits() can read it. What is sent by compress() afterwards must not refer to what was
  // before: release_compressor(). Raises std::bad_alloc.
  void compress_alone(std::string_view bytes, bool end, std::string& out) const;
  std::uint8_t window_bits() const noexcept {  // the server's
    return static_cast<std::uint8_t>(parameters_.server_max_window_bits);
  }

  // Inflates a whole message's payload, appending to `out`, of which it makes at most
  // `max_size` bytes. BFINAL blocks are allowed (§7.2.3.4, §7.2.3.5). RFC 7692 §7.2.2.
  // `unfinished`: the turn's share is used up. It goes on when it is called with the same in a later
  // turn; until then `bytes` and `out` may be empty, and a decompressor is its own.
  // Raises std::bad_alloc, and then the message is lost.
  InflateResult inflate(std::string& bytes, std::size_t max_size, std::string& out);

  // The same for a message that comes in pieces, of which `end` is the last: inflates what `bytes` has,
  // appending inflated_at_once bytes at most to `out`, which is empty. `unfinished`: that, or the turn's share, is
  // used up; it goes on when it is called with empty `bytes`. The limit is for all of the message; of one
  // that is too big or corrupt, what comes before that is in `out`. Until its end, a decompressor is its own.
  static constexpr std::size_t inflated_at_once = 64 << 10;
  InflateResult inflate_piece(std::string& bytes, bool end, std::size_t max_size, std::string& out);

  // Frees the compressor's memory, if it owns one. What is sent next cannot refer to earlier
  // messages, and compresses a little worse.
  void release_compressor() noexcept;

 private:
  struct Unfinished;
  Compressor& restarted_compressor(std::size_t message_size) const;
  Decompressor& begin_inflating();

  DeflateParameters parameters_;
  DeflateWorkspace* workspace_;
  std::unique_ptr<Compressor> compressor_;      // with context takeover, once used
  std::unique_ptr<Decompressor> decompressor_;  // the same; and without it in an unfinished message
  std::unique_ptr<Unfinished> unfinished_;
};

}  // namespace cppwebsocket::protocol
