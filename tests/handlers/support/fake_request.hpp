// A Request without a server: what the client has sent arrives at once, and what would wait for
// time or for the client waits until the test moves on.
#pragma once

#include <chrono>
#include <cstddef>
#include <exception>
#include <stop_token>
#include <vector>

#include <cppwebsocket/handler_table.hpp>

#include "handlers/support/fake_connection.hpp"

namespace cppwebsocket::testing {

class FakeRequest final : public FakeConnection, public Request {
 public:
  explicit FakeRequest(std::string_view target)
      : FakeConnection(target), Request(FakeConnection::record) {}
  ~FakeRequest();

  // Calls web_socket_do_extra_handshake, and opens the connection if it returns.
  void shake_hands(const HandlerTable& handler);

  // Starts web_socket_transfer_data; returns when it waits or has ended.
  void transfer_data(const HandlerTable& handler);

  // Lets the handler find what the client has done since.
  void deliver();
  void advance(std::chrono::nanoseconds duration);
  // Ends the connection as if the client had vanished.
  void lose();

  bool ended() const { return main_.ended; }
  std::size_t running_tasks() const;
  // What web_socket_transfer_data raised, if it did.
  void rethrow() const {
    if (main_.error) std::rethrow_exception(main_.error);
  }

  void spawn(Task<> task) override;
  std::stop_token stop_token() override { return stop_.get_token(); }
  Sender sender() override { return Sender(); }
  bool begin(detail::ReceiveOperation& operation) override;
  std::optional<Message> take_received() noexcept override;
  bool send(Message&& message, bool end) override;
  bool send_ping(std::string_view body) override;
  bool wait_for_room(detail::SendOperation&) noexcept override { return false; }  // there always is
  bool begin(detail::CloseOperation& operation, Close&& close) override;
  bool begin(detail::SleepOperation& operation, std::chrono::nanoseconds duration) override;
  void begin(detail::PoolOperation& operation) override;
  std::optional<Message> try_receive() override { return take_incoming(); }

 private:
  struct Run {
    bool ended = false;
    std::exception_ptr error;
  };
  struct Sleeper {
    detail::SleepOperation* operation;
    detail::TimePoint deadline;
  };
  struct Started;
  Started drive(Task<> task, Run& run);
  void end_operations();

  Run main_;
  std::vector<std::unique_ptr<Run>> tasks_;
  detail::ReceiveOperation* receiving_ = nullptr;
  std::vector<Sleeper> sleepers_;
  detail::TimePoint now_ = std::chrono::steady_clock::now();
  std::stop_source stop_;
};

}  // namespace cppwebsocket::testing
