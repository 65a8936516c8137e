// permessage-deflate (RFC 7692), the client's side: messages compressed beforehand, and a check of
// what comes back.
#pragma once

#include <zlib.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "frame_header.hpp"
#include "frames.hpp"

namespace bench {

constexpr std::string_view sync_tail("\x00\x00\xff\xff", 4);  // RFC 7692 §7.2.1: not sent

// The messages as compressed, masked frames. With context takeover a message refers to those before
// it, so the first round differs from all further ones, which are alike: the window, which is
// smaller than a round, then begins with the end of the round before.
inline FrameRing compressed_ring(const Messages& messages, bool context_takeover, int window_bits) {
  z_stream stream{};
  if (deflateInit2(&stream, 6, Z_DEFLATED, -window_bits, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::runtime_error("zlib does not start");
  }
  std::vector<std::string> frames;
  const std::size_t once = context_takeover ? messages.count() : 0;
  for (std::size_t i = 0; i < once + messages.count(); ++i) {
    const std::string_view payload = messages.payload(i);
    std::string compressed(deflateBound(&stream, payload.size()) + 16, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(payload.data()));
    stream.avail_in = static_cast<uInt>(payload.size());
    stream.next_out = reinterpret_cast<Bytef*>(compressed.data());
    stream.avail_out = static_cast<uInt>(compressed.size());
    deflate(&stream, Z_SYNC_FLUSH);
    compressed.resize(compressed.size() - stream.avail_out - sync_tail.size());
    frames.push_back(make_frame(messages.opcode(), compressed, true, true));
    if (!context_takeover) deflateReset(&stream);
  }
  deflateEnd(&stream);
  return FrameRing(frames, once);
}

// Follows one connection's stream of compressed echoes.
class CompressedCheck {
 public:
  explicit CompressedCheck(bool context_takeover) : keeps_window_(context_takeover) {
    if (inflateInit2(&stream_, -MAX_WBITS) != Z_OK) throw std::runtime_error("zlib does not start");
  }
  CompressedCheck(const CompressedCheck&) = delete;
  CompressedCheck& operator=(const CompressedCheck&) = delete;
  ~CompressedCheck() { inflateEnd(&stream_); }

  // The number of messages that `bytes` completes, or nothing if they are wrong.
  std::optional<std::size_t> feed(std::string_view bytes, const Messages& messages,
                                  std::string& replies) {
    std::size_t completed = 0;
    while (in_frame_ || header_.read(bytes)) {
      if (!in_frame_) left_ = header_.payload();
      in_frame_ = true;
      std::string& target = header_.is_control() ? control_ : compressed_;
      const std::size_t count = std::min<std::size_t>(left_, bytes.size());
      target += bytes.substr(0, count);
      bytes.remove_prefix(count);
      left_ -= count;
      if (left_ != 0) break;
      in_frame_ = false;
      const FrameHeader header = header_;
      header_.clear();
      if (header.is_control()) {
        if (header.opcode() == ping) replies += make_frame(pong, control_, true);
        control_.clear();
        continue;
      }
      if (header.opcode() != continuation) is_compressed_ = header.is_compressed();
      if (!header.is_last()) continue;
      if (!is_compressed_ || !inflates_to(messages.payload(next_++))) return std::nullopt;
      compressed_.clear();
      ++completed;
    }
    return completed;
  }

 private:
  bool inflates_to(std::string_view payload) {
    compressed_ += sync_tail;
    output_.resize(payload.size() + 1);
    stream_.next_in = reinterpret_cast<Bytef*>(compressed_.data());
    stream_.avail_in = static_cast<uInt>(compressed_.size());
    stream_.next_out = reinterpret_cast<Bytef*>(output_.data());
    stream_.avail_out = static_cast<uInt>(output_.size());
    inflate(&stream_, Z_SYNC_FLUSH);
    const std::size_t size = output_.size() - stream_.avail_out;
    if (!keeps_window_) inflateReset(&stream_);
    return std::string_view(output_).substr(0, size) == payload;
  }

  const bool keeps_window_;
  z_stream stream_{};
  FrameHeader header_;
  std::uint64_t left_ = 0;
  std::size_t next_ = 0;  // message
  bool in_frame_ = false;
  bool is_compressed_ = false;
  std::string compressed_;
  std::string control_;
  std::string output_;
};

}  // namespace bench
