// A BlockingRequest without a server. The whole script is there before the handler runs, so that
// nothing ever waits.
#pragma once

#include <stop_token>

#include <cppwebsocket/blocking_request.hpp>
#include <cppwebsocket/handler_table.hpp>

#include "handlers/support/fake_connection.hpp"

namespace cppwebsocket::testing {

class FakeBlockingRequest final : public FakeConnection, public BlockingRequest {
 public:
  explicit FakeBlockingRequest(std::string_view target)
      : FakeConnection(target), BlockingRequest(FakeConnection::record) {}

  void shake_hands(const HandlerTable& handler) {
    handler.blocking_do_extra_handshake(*this);
    open();
  }
  void transfer_data(const HandlerTable& handler) { handler.blocking_transfer_data(*this); }

  void spawn(std::function<void(std::stop_token)> function) override {
    function(stop_.get_token());
  }
  void sleep_for(std::chrono::nanoseconds) override {}
  std::stop_token stop_token() override { return stop_.get_token(); }
  Sender sender() override { return Sender(); }
  std::optional<Message> receive(std::optional<std::chrono::steady_clock::time_point>) override {
    if (incoming.empty() && !peer_closed) throw ConnectionTerminatedException("the script ends");
    return take_incoming();
  }
  std::optional<Message> try_receive() override { return take_incoming(); }
  void send(Message message, bool) override { accept(std::move(message)); }
  void ping(std::string_view) override {}
  void close(Close close) override { accept(std::move(close)); }

 private:
  std::stop_source stop_;
};

}  // namespace cppwebsocket::testing
