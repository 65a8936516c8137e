// The Sec-WebSocket-Key of WebSockets over HTTP/2, in what a client sends. RFC 8441 §5 has no use
// for the field; but a client that sends it may want its answer, and mod_http2 tells nobody the
// key. So this reads along: of each frame its head, and of header blocks the fields (RFC 9113 §4,
// §6.2). Thread: owner.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace cppwebsocket::protocol {

// HPACK (RFC 7541). It comes in from outside, because it is not worth owning.
class HeaderDecoder {
 public:
  using Field = std::function<void(std::string_view name, std::string_view value)>;

  virtual ~HeaderDecoder() = default;

  // Takes the next piece of the connection's header blocks; `last`: a block ends with it. False: it
  // cannot be read, and nothing behind it.
  virtual bool decode(std::string_view piece, bool last, const Field& field) = 0;
};

class Http2Keys {
 public:
  using Found = std::function<void(std::uint32_t stream, std::string_view key)>;

  // `decoder` is borrowed. `found` is told of each stream that asks for a WebSocket with a key of
  // the right form; the key is there during the call.
  Http2Keys(HeaderDecoder& decoder, Found found);

  // The next bytes that the client sent, from its first one on. False: this is no HTTP/2, or
  // broken; then there is no use in more.
  bool read(std::string_view bytes);

 private:
  static constexpr std::size_t head_size = 9;  // of a frame. RFC 9113 §4.1

  bool begin_frame();
  bool read_payload(std::string_view& bytes);
  bool read_fragment(std::string_view piece, bool whole);
  void field(std::string_view name, std::string_view value);
  void end_block();

  HeaderDecoder& decoder_;
  const Found found_;
  std::size_t preface_ = 0;  // bytes of it that have come
  std::array<char, head_size> head_{};
  std::size_t head_read_ = 0;
  std::size_t left_ = 0;     // of the frame's payload
  std::size_t prefix_ = 0;   // of that, what is before the fragment of a header block
  std::size_t padding_ = 0;  // and behind it
  bool padded_ = false;      // the prefix's first byte, which says how much, is to come
  bool is_fragment_ = false;
  bool ends_block_ = false;
  std::uint32_t stream_ = 0;
  bool asks_for_websocket_ = false;  // the block does
  std::string key_;
};

}  // namespace cppwebsocket::protocol
