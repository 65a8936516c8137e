// What a Sender holds: the part of a session that other threads may touch.
// Thread: any, but for what is marked.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <cppwebsocket/sender.hpp>

#include "runtime/session/event_loop.hpp"

namespace cppwebsocket::runtime {

class Connection;

class RemoteControl final : public detail::RemoteSession,
                            public std::enable_shared_from_this<RemoteControl>,
                            private Posted {
 public:
  explicit RemoteControl(Connection& connection) noexcept;

  SendResult send(Message message) override;
  void close(Close close) override;
  std::size_t buffered_amount() const noexcept override { return queued_ + buffered_; }
  bool is_open() const noexcept override { return open_; }

  // Thread: the session's.
  void set_buffered(std::size_t bytes) noexcept { buffered_ = bytes; }
  void close_door();  // accepts no more, and sends what was accepted; in a turn of the session
  void detach() noexcept;

 private:
  void post();
  void run() noexcept override;
  void drop() noexcept override { self_.reset(); }
  void deliver();

  EventLoop& loop_;
  Connection* connection_;                    // only the session's thread looks at it
  const std::size_t limit_;             // bytes, the connection's send buffer
  const bool has_binary_;
  std::mutex mutex_;
  std::shared_ptr<RemoteControl> self_;  // while it is posted; GUARDED_BY(mutex_), as below
  std::vector<Message> queue_;          // not yet with the session
  std::optional<Close> close_;          // the same
  std::atomic<std::size_t> queued_{0};  // its bytes
  std::atomic<std::size_t> buffered_{0};
  std::atomic<bool> open_{true};
};

}  // namespace cppwebsocket::runtime
