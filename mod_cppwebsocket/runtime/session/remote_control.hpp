// What a Sender holds: the part of a session that other threads may touch.
// Thread: any, but for what is marked.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include <cppwebsocket/sender.hpp>

#include "runtime/session/event_loop.hpp"

namespace cppwebsocket::runtime {

class RemoteControl final : public detail::RemoteSession,
                            public std::enable_shared_from_this<RemoteControl> {
 public:
  explicit RemoteControl(Session& session) noexcept;

  SendResult send(Message message) override;
  void close(Close close) override;
  std::size_t buffered_amount() const noexcept override { return queued_ + buffered_; }
  bool is_open() const noexcept override { return open_; }

  // Thread: the session's.
  void set_buffered(std::size_t bytes) noexcept { buffered_ = bytes; }
  void close_door();  // accepts no more, and sends what was accepted; in a turn of the session
  void detach() noexcept;

 private:
  void deliver();

  EventLoop& loop_;
  Session* session_;                    // only the session's thread looks at it
  const std::size_t limit_;             // bytes, the connection's send buffer
  const bool has_binary_;
  std::mutex mutex_;
  std::vector<Message> queue_;          // not yet with the session; GUARDED_BY(mutex_)
  std::atomic<std::size_t> queued_{0};  // its bytes
  std::atomic<std::size_t> buffered_{0};
  std::atomic<bool> open_{true};
};

}  // namespace cppwebsocket::runtime
