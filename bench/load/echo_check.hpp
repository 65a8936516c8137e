// Checks what a connection receives, byte for byte, against what it sent.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "frame_header.hpp"
#include "frames.hpp"

namespace bench {

// Reads frames one by one: for servers that answer in another shape than the plainest (fragments,
// longer lengths) and for control frames in between. One object reads one message.
class FrameReader {
 public:
  FrameReader(const Messages& messages, std::size_t index) noexcept
      : messages_(messages), payload_(messages.payload(index)) {}

  enum class State : unsigned char { more, at_rest, done, wrong };

  // Consumes from the front of `bytes` until it is at rest (after a control frame, with nothing of
  // the message seen), done with the message, or wrong. Answers to pings go to `replies`.
  State read(std::string_view& bytes, std::string& replies) {
    while (true) {
      if (!in_frame_) {
        if (!header_.read(bytes)) return State::more;
        if (!accept_header()) return State::wrong;
        in_frame_ = true;
      }
      const std::string_view piece = bytes.substr(0, std::min(left_, bytes.size()));
      bytes.remove_prefix(piece.size());
      left_ -= piece.size();
      if (header_.is_control()) {
        control_ += piece;
      } else {
        if (payload_.substr(matched_, piece.size()) != piece) return State::wrong;
        matched_ += piece.size();
      }
      if (left_ != 0) return State::more;
      in_frame_ = false;
      const FrameHeader header = header_;
      header_.clear();
      if (header.is_control()) {
        if (header.opcode() == ping) replies += make_frame(pong, control_, true);
        control_.clear();
        if (!started_) return State::at_rest;
      } else if (header.is_last()) {
        return matched_ == payload_.size() ? State::done : State::wrong;
      }
    }
  }

 private:
  bool accept_header() noexcept {
    left_ = header_.payload();
    if (header_.is_compressed() || header_.has_unknown_bits() || header_.is_masked()) return false;
    const unsigned opcode = header_.opcode();
    if (header_.is_control()) return (opcode == ping || opcode == pong) && left_ <= 125;
    if (opcode != (started_ ? continuation : messages_.opcode())) return false;
    started_ = true;
    return left_ <= payload_.size() - matched_;
  }

  const Messages& messages_;
  std::string_view payload_;
  std::size_t matched_ = 0;
  std::size_t left_ = 0;
  FrameHeader header_;
  std::string control_;
  bool in_frame_ = false;
  bool started_ = false;
};

// Follows one connection's stream. As long as the server answers in the plainest shape, all of
// what a read brought is compared with one memcmp; else a FrameReader steps in for a message.
class EchoCheck {
 public:
  // `index`: the message that comes first.
  void begin(const FrameRing& expected, std::size_t index) noexcept {
    position_ = index * expected.frame_size() % expected.period();
    reader_.reset();
  }

  // The number of messages that `bytes` completes, or nothing if they are wrong.
  std::optional<std::size_t> feed(std::string_view bytes, const Messages& messages,
                                  const FrameRing& expected, std::string& replies) {
    std::size_t completed = 0;
    while (!bytes.empty()) {
      if (reader_) {
        const auto state = reader_->read(bytes, replies);
        if (state == FrameReader::State::wrong) return std::nullopt;
        if (state == FrameReader::State::more) break;
        reader_.reset();
        if (state == FrameReader::State::done) {
          ++completed;
          position_ = (position_ + expected.frame_size()) % expected.period();
        }
        continue;
      }
      const std::string_view wanted =
          expected.from(position_).substr(0, std::min(bytes.size(), expected.period() - position_));
      if (std::memcmp(bytes.data(), wanted.data(), wanted.size()) == 0) {
        completed += completed_by(wanted.size(), expected);
        position_ = (position_ + wanted.size()) % expected.period();
        bytes.remove_prefix(wanted.size());
        continue;
      }
      const auto difference = std::mismatch(wanted.begin(), wanted.end(), bytes.begin());
      const std::size_t equal = static_cast<std::size_t>(difference.first - wanted.begin());
      completed += completed_by(equal, expected);
      read_frames_from(equal, bytes, messages, expected, replies);
    }
    return completed;
  }

 private:
  std::size_t completed_by(std::size_t bytes, const FrameRing& expected) const noexcept {
    return (position_ + bytes) / expected.frame_size() - position_ / expected.frame_size();
  }

  // `equal` further bytes are as expected, then comes a difference: hands the frame that it is in
  // to a FrameReader, from the frame's first byte on.
  void read_frames_from(std::size_t equal, std::string_view& bytes, const Messages& messages,
                        const FrameRing& expected, std::string& replies) {
    const std::size_t frame = (position_ + equal) / expected.frame_size();
    const std::size_t start = frame * expected.frame_size();
    reader_ = std::make_unique<FrameReader>(messages, frame);
    if (start < position_) {  // the frame began in an earlier read, which was as expected
      std::string_view earlier = expected.from(start).substr(0, position_ - start);
      reader_->read(earlier, replies);
    } else {
      bytes.remove_prefix(start - position_);
    }
    position_ = start % expected.period();
  }

  std::size_t position_ = 0;  // in `expected`: of the next byte, or of the reader's frame
  std::unique_ptr<FrameReader> reader_;
};

}  // namespace bench
