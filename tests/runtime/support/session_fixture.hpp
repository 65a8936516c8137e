// Sessions on a FakeLoop, whose handler is whatever the test says.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <cppwebsocket/blocking_msgutil.hpp>
#include <cppwebsocket/handler_table.hpp>
#include <cppwebsocket/msgutil.hpp>

#include "protocol/frames/deflate.hpp"
#include "runtime/support/fake_loop.hpp"
#include "runtime/support/fake_transport.hpp"
#include "runtime/support/frames.hpp"

namespace cppwebsocket::testing {

// Keeps what is logged. Thread: any.
class LogKeeper final : public detail::Server {
 public:
  void log(const detail::RequestRecord& record, LogLevel level, std::string_view text) override;
  bool logs(LogLevel) const noexcept override { return true; }
  std::optional<std::string_view> variable(detail::RequestRecord&, std::string_view) override {
    return std::nullopt;
  }

  // Lines of `level` or worse, e.g. "error: the handler raised an exception: …".
  std::vector<std::string> lines(LogLevel level = LogLevel::notice) const;
  bool has(std::string_view part) const;  // in a line of any level

 private:
  mutable std::mutex mutex_;
  std::vector<std::pair<LogLevel, std::string>> lines_;
};

// A connection to be opened. Either `transfer` or `blocking_transfer` is set.
struct Script {
  std::function<Task<>(Request&)> transfer;
  std::function<void(Request&)> handshake;
  std::function<Close(Request&)> passive_close;
  std::function<Task<>(Request&)> going_away;
  std::function<void(BlockingRequest&)> blocking_transfer;
  std::function<void(BlockingRequest&)> blocking_handshake;
  std::function<Close(BlockingRequest&)> blocking_passive_close;
  std::function<void(BlockingRequest&)> blocking_going_away;
  ConnectionLimits limits;
  Version version = Version::rfc6455;
  std::optional<protocol::DeflateParameters> deflate;
  std::chrono::seconds message_timeout{0};
  std::string already_read;
};

struct Connection {
  Script script;
  HandlerTable table{};
  std::shared_ptr<FakePeer> peer = std::make_shared<FakePeer>();
  runtime::Session* session = nullptr;  // until it is gone
  std::atomic<bool> gone = false;       // the session is destroyed

  std::vector<std::string> take_words() { return words(peer->take_output()); }
};

// An opened session for `connection`, to be started on `loop`.
std::unique_ptr<runtime::Session> make_session(Connection& connection, detail::Server& server,
                                               runtime::EventLoop& loop,
                                               std::unique_ptr<runtime::Transport> transport);

// The parts of one: a record after its handshake began, and the handler that runs the script.
std::unique_ptr<detail::RequestRecord> make_record(Connection& connection, detail::Server& server);
std::shared_ptr<const runtime::Handler> make_handler(Connection& connection);
void open_session(Connection& connection, runtime::Session& session,
                  std::unique_ptr<runtime::Transport> transport);

class SessionFixture : public ::testing::Test {
 protected:
  // Opens a connection and turns the loop until it rests.
  Connection& open(Script script);
  Connection& open(std::function<Task<>(Request&)> transfer) {
    return open(Script{.transfer = std::move(transfer)});
  }
  Connection& open_blocking(std::function<void(BlockingRequest&)> transfer) {
    return open(Script{.blocking_transfer = std::move(transfer)});
  }

  // The peer sends `bytes`, and the loop turns until it rests.
  void receive(Connection& connection, std::string_view bytes) {
    connection.peer->send(bytes);
    loop_.run();
  }
  void lose(Connection& connection) {  // the peer closes TCP
    connection.peer->at_end = true;
    loop_.run();
  }

  void TearDown() override;

  LogKeeper log_;
  std::deque<Connection> connections_;
  FakeLoop loop_;
};

// The handler of echo_wsh.cpp.
Task<> echo(Request& request);

using Words = std::vector<std::string>;

}  // namespace cppwebsocket::testing
