// Messages that have arrived and wait for the handler. Bounded: when it is full the session stops
// reading and TCP slows the peer down. Empty, it owns no memory worth the name.
// Thread: owner.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include <cppwebsocket/message.hpp>

namespace cppwebsocket::runtime {

class Inbox {
 public:
  static constexpr std::size_t max_bytes = 64 << 10;   // one message may go beyond
  static constexpr std::size_t max_messages = 256;

  bool empty() const noexcept { return first_ == messages_.size(); }
  bool full() const noexcept {
    return bytes_ >= max_bytes || messages_.size() - first_ >= max_messages;
  }

  void push(Message&& message) {
    // An inbox that never empties must not grow by what was taken; by halves, to stay linear.
    if (first_ > 16 && first_ * 2 > messages_.size()) {
      messages_.erase(messages_.begin(), messages_.begin() + static_cast<std::ptrdiff_t>(first_));
      first_ = 0;
    }
    bytes_ += message.size();
    messages_.push_back(std::move(message));
  }

  Message pop() noexcept {
    Message message = std::move(messages_[first_++]);
    bytes_ -= message.size();
    if (empty()) clear();
    return message;
  }

  std::size_t capacity() const noexcept { return messages_.capacity(); }  // in messages

  void clear() noexcept {
    std::vector<Message>().swap(messages_);
    first_ = bytes_ = 0;
  }

 private:
  std::vector<Message> messages_;
  std::size_t first_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace cppwebsocket::runtime
