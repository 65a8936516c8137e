// MessageReceiver and MessageSender of mod_pywebsocket's msgutil, for blocking handlers: a thread that
// receives in the background, and sending that does not wait. New code is simpler with SpawnedThread
// and request.sender().
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>

#include <cppwebsocket/blocking_msgutil.hpp>

namespace cppwebsocket::msgutil {

// Receives messages on a SpawnedThread of its own. While one exists, receive through it and not from
// the request.
class MessageReceiver {
 public:
  // With `on_message`, that is called with each message on the receiver's thread, and receive()
  // only waits for the end. It may use what is declared before the receiver.
  explicit MessageReceiver(BlockingRequest& request,
                           std::function<void(Message)> on_message = {})
      : thread_(request, [this, &request, on_message = std::move(on_message)](std::stop_token stop) {
          std::exception_ptr error;
          try {
            while (auto message = receive_message(request))
              if (!state_.take(std::move(*message), on_message, stop))
                throw ConnectionTerminatedException("the receiver has ended");
          } catch (...) {
            error = std::current_exception();
          }
          state_.finish(std::move(error));
        }) {}

  // The next message; empty when the peer closed cleanly or stop() was called. Raises what
  // receive_message raised. Thread: any.
  std::optional<Message> receive() {
    std::unique_lock lock(state_.mutex);
    state_.changed.wait(lock, [&] { return !state_.messages.empty() || state_.over; });
    if (!state_.messages.empty()) return state_.pop();
    if (state_.error) std::rethrow_exception(state_.error);
    return std::nullopt;
  }

  // A message that is already here, or nothing. Thread: any.
  std::optional<Message> receive_nowait() {
    std::lock_guard lock(state_.mutex);
    return state_.messages.empty() ? std::nullopt : std::optional(state_.pop());
  }

  // Ends the receiving: receive() returns at once. The thread itself ends with the next message,
  // which is lost, or with this object. Thread: any.
  void stop() {
    std::lock_guard lock(state_.mutex);
    state_.over = true;
    state_.changed.notify_all();
  }

 private:
  struct State {
    bool take(Message message, const std::function<void(Message)>& on_message,
              std::stop_token stop) {
      {
        std::unique_lock lock(mutex);
        changed.wait(lock, stop, [&] { return messages.size() < max_messages || over; });
        if (over || stop.stop_requested()) return false;
        if (!on_message) messages.push_back(std::move(message));
        changed.notify_all();
      }
      if (on_message) on_message(std::move(message));
      return true;
    }
    void finish(std::exception_ptr why) {
      std::lock_guard lock(mutex);
      if (!over) error = std::move(why);
      over = true;
      changed.notify_all();
    }
    Message pop() {
      Message message = std::move(messages.front());
      messages.pop_front();
      changed.notify_all();
      return message;
    }

    static constexpr std::size_t max_messages = 256;  // then it waits, and TCP slows the peer

    std::mutex mutex;
    std::condition_variable_any changed;
    std::deque<Message> messages;
    std::exception_ptr error;
    bool over = false;
  };

  State state_;
  SpawnedThread thread_;  // which uses it
};

// Sends from any thread of the handler.
class MessageSender {
 public:
  explicit MessageSender(BlockingRequest& request) : request_(request), sender_(request.sender()) {}

  // Waits while the connection's send buffer is full, as send_message does.
  void send(Message message) { send_message(request_, std::move(message)); }

  // Never waits; `full` or `closed` if nothing was sent.
  SendResult send_nowait(Message message) { return sender_.send(std::move(message)); }

 private:
  BlockingRequest& request_;
  Sender sender_;
};

}  // namespace cppwebsocket::msgutil
