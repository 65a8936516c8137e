// Messages that have arrived and wait for the handler, and the bytes behind them that nobody has
// looked at. Bounded: when it is full the session stops reading and TCP slows the peer down. Empty,
// it owns no memory worth the name.
// Thread: owner.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <cppwebsocket/message.hpp>

namespace cppwebsocket::runtime {

class Inbox {
 public:
  static constexpr std::size_t max_bytes = 64 << 10;   // one message may go beyond
  static constexpr std::size_t max_messages = 256;

  bool empty() const noexcept { return !waiting_ || waiting_->count() == 0; }  // of messages
  bool full() const noexcept {
    return waiting_ && (waiting_->bytes >= max_bytes || waiting_->count() >= max_messages);
  }

  // What is behind a fragment that continues is joined to it.
  void push(Message&& message) {
    if (!waiting_) waiting_ = std::make_unique<Waiting>();
    auto& [messages, first, bytes, unread] = *waiting_;
    if (first < messages.size() && detail::MessageAccess::continues(messages.back())) {
      bytes += message.size();
      return join(messages.back(), message);
    }
    // An inbox that never empties must not grow by what was taken; by halves, to stay linear.
    if (first > 16 && first * 2 > messages.size()) {
      messages.erase(messages.begin(), messages.begin() + static_cast<std::ptrdiff_t>(first));
      first = 0;
    }
    bytes += message.size();
    messages.push_back(std::move(message));
  }

  // The first one is all there; or it is a fragment, and will do.
  bool has(bool in_fragments) const noexcept {
    return !empty() && (in_fragments || !detail::MessageAccess::continues(front()));
  }
  bool first_exceeds(std::size_t size) const noexcept { return !empty() && front().size() > size; }

  Message pop() noexcept {
    Message message = std::move(waiting_->messages[waiting_->first++]);
    waiting_->bytes -= message.size();
    if (waiting_->count() == 0) give_back();
    return message;
  }

  bool has_unread() const noexcept { return waiting_ && !waiting_->unread.empty(); }
  void keep_unread(std::string bytes) {
    if (!waiting_) waiting_ = std::make_unique<Waiting>();
    waiting_->unread = std::move(bytes);
  }
  std::string take_unread() noexcept {  // if it has some
    std::string unread = std::exchange(waiting_->unread, {});
    if (waiting_->count() == 0) give_back();
    return unread;
  }

  void drop_unread() noexcept {
    if (has_unread()) take_unread();
  }

  std::size_t bytes() const noexcept {  // of messages, and unread
    return waiting_ ? waiting_->bytes + waiting_->unread.size() : 0;
  }

  // In messages.
  std::size_t capacity() const noexcept { return waiting_ ? waiting_->messages.capacity() : 0; }

  void clear() noexcept { waiting_.reset(); }

 private:
  struct Waiting {
    std::size_t count() const noexcept { return messages.size() - first; }

    std::vector<Message> messages;
    std::size_t first = 0;  // not taken yet
    std::size_t bytes = 0;
    std::string unread;
  };

  const Message& front() const noexcept { return waiting_->messages[waiting_->first]; }
  static void join(Message& begun, const Message& more) {
    std::string payload = std::move(begun).payload();
    payload += more.payload();
    const bool continues = detail::MessageAccess::continues(more);
    begun = Message(begun.type(), std::move(payload));
    detail::MessageAccess::set_continues(begun, continues);
  }

  // With the last message.
  void give_back() noexcept {
    if (waiting_->unread.empty()) return waiting_.reset();
    waiting_->messages = {};
    waiting_->first = 0;
  }

  std::unique_ptr<Waiting> waiting_;
};

}  // namespace cppwebsocket::runtime
