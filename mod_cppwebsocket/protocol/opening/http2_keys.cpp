#include "protocol/opening/http2_keys.hpp"

#include <algorithm>
#include <utility>

#include "protocol/opening/handshake.hpp"

namespace cppwebsocket::protocol {

namespace {

constexpr std::string_view preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";  // RFC 9113 §3.4

// RFC 9113 §6.2 and §6.10.
constexpr unsigned headers_frame = 1;
constexpr unsigned continuation_frame = 9;
constexpr unsigned end_headers = 0x4;
constexpr unsigned padded = 0x8;
constexpr unsigned priority = 0x20;
constexpr std::size_t priority_size = 5;

std::string_view take(std::string_view& bytes, std::size_t most) noexcept {
  const std::string_view taken = bytes.substr(0, most);
  bytes.remove_prefix(taken.size());
  return taken;
}

}  // namespace

Http2Keys::Http2Keys(HeaderDecoder& decoder, Found found)
    : decoder_(decoder), found_(std::move(found)) {}

bool Http2Keys::read(std::string_view bytes) {
  const std::string_view begin = take(bytes, preface.size() - preface_);
  if (begin != preface.substr(preface_, begin.size())) return false;
  preface_ += begin.size();
  while (!bytes.empty()) {
    if (head_read_ < head_size) {
      const std::string_view more = take(bytes, head_size - head_read_);
      std::copy(more.begin(), more.end(), head_.begin() + static_cast<std::ptrdiff_t>(head_read_));
      head_read_ += more.size();
      if (head_read_ == head_size && !begin_frame()) return false;
    } else if (!read_payload(bytes)) {
      return false;
    }
    if (head_read_ == head_size && left_ == 0) head_read_ = 0;
  }
  return true;
}

bool Http2Keys::begin_frame() {
  const auto byte = [this](std::size_t i) { return static_cast<unsigned char>(head_[i]); };
  left_ = std::size_t{byte(0)} << 16 | std::size_t{byte(1)} << 8 | byte(2);
  const unsigned type = byte(3);
  const unsigned flags = byte(4);
  stream_ = (std::uint32_t{byte(5)} << 24 | std::uint32_t{byte(6)} << 16 |
             std::uint32_t{byte(7)} << 8 | byte(8)) &
            0x7fffffff;
  is_fragment_ = type == headers_frame || type == continuation_frame;
  if (!is_fragment_) return true;
  padded_ = type == headers_frame && (flags & padded) != 0;
  prefix_ =
      (padded_ ? 1 : 0) + (type == headers_frame && (flags & priority) != 0 ? priority_size : 0);
  padding_ = 0;
  ends_block_ = (flags & end_headers) != 0;
  if (prefix_ > left_) return false;
  return left_ != 0 || read_fragment({}, true);
}

bool Http2Keys::read_payload(std::string_view& bytes) {
  if (!is_fragment_) {
    left_ -= take(bytes, left_).size();
    return true;
  }
  if (prefix_ != 0) {
    const std::string_view taken = take(bytes, prefix_);
    if (std::exchange(padded_, false)) padding_ = static_cast<unsigned char>(taken.front());
    prefix_ -= taken.size();
    left_ -= taken.size();
    if (prefix_ + padding_ > left_) return false;
    return left_ != padding_ || prefix_ != 0 || read_fragment({}, true);
  }
  if (left_ > padding_) {
    const std::string_view piece = take(bytes, left_ - padding_);
    left_ -= piece.size();
    return read_fragment(piece, left_ == padding_);
  }
  const std::string_view taken = take(bytes, left_);
  left_ -= taken.size();
  padding_ = left_;
  return true;
}

bool Http2Keys::read_fragment(std::string_view piece, bool whole) {
  const bool last = whole && ends_block_;
  if (!decoder_.decode(piece, last, [this](std::string_view name, std::string_view value) {
        field(name, value);
      }))
    return false;
  if (last) end_block();
  return true;
}

void Http2Keys::field(std::string_view name, std::string_view value) {
  if (name == ":protocol") asks_for_websocket_ = value == "websocket";
  if (name == "sec-websocket-key" && is_key(value)) key_ = value;
}

void Http2Keys::end_block() {
  if (asks_for_websocket_ && !key_.empty()) found_(stream_, key_);
  asks_for_websocket_ = false;
  key_.clear();
}

}  // namespace cppwebsocket::protocol
