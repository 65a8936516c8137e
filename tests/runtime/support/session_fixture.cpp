#include "runtime/support/session_fixture.hpp"

#include <any>
#include <utility>

#include "protocol/frames/event_stream.hpp"
#include "protocol/frames/protocol.hpp"

namespace cppwebsocket::testing {

namespace {

template <typename AnyRequest>
const Script& script_of(AnyRequest& request) {
  return *std::any_cast<const Script*>(request.user_data());
}

HandlerTable table_for(const Script& script) {
  HandlerTable table{handler_abi, sizeof(HandlerTable), handler_toolchain};
  if (script.blocking_transfer) {
    table.blocking_do_extra_handshake = [](BlockingRequest& request) {
      if (script_of(request).blocking_handshake) script_of(request).blocking_handshake(request);
    };
    table.blocking_transfer_data = [](BlockingRequest& request) {
      script_of(request).blocking_transfer(request);
    };
    if (script.blocking_passive_close)
      table.blocking_passive_closing_handshake = [](BlockingRequest& request) {
        return script_of(request).blocking_passive_close(request);
      };
    if (script.blocking_going_away)
      table.blocking_going_away = [](BlockingRequest& request) {
        script_of(request).blocking_going_away(request);
      };
    return table;
  }
  table.do_extra_handshake = [](Request& request) {
    if (script_of(request).handshake) script_of(request).handshake(request);
  };
  table.transfer_data = [](Request& request) { return script_of(request).transfer(request); };
  if (script.passive_close)
    table.passive_closing_handshake = [](Request& request) {
      return script_of(request).passive_close(request);
    };
  if (script.going_away)
    table.going_away = [](Request& request) { return script_of(request).going_away(request); };
  return table;
}

std::unique_ptr<protocol::Protocol> protocol_for(const Script& script, runtime::EventLoop& loop) {
  const std::size_t max_size = script.limits.max_message_size;
  switch (script.version) {
    case Version::draft76:
      return protocol::make_draft76(max_size);
    case Version::draft75:
      return protocol::make_draft75(max_size);
    case Version::event_stream:
      return protocol::make_event_stream();
    case Version::rfc6455:
      break;
  }
  std::unique_ptr<protocol::PerMessageDeflate> deflate;
  if (script.deflate)
    deflate =
        std::make_unique<protocol::PerMessageDeflate>(*script.deflate, loop.deflate_workspace());
  return protocol::make_rfc6455(max_size, std::move(deflate));
}

}  // namespace

void LogKeeper::log(const detail::RequestRecord&, LogLevel level, std::string_view text) {
  std::lock_guard lock(mutex_);
  lines_.emplace_back(level, text);
}

std::vector<std::string> LogKeeper::lines(LogLevel level) const {
  static constexpr const char* names[] = {"error: ", "warning: ", "notice: ", "info: ", "debug: "};
  std::lock_guard lock(mutex_);
  std::vector<std::string> chosen;
  for (const auto& [each, text] : lines_)
    if (each <= level) chosen.push_back(names[static_cast<int>(each)] + text);
  return chosen;
}

bool LogKeeper::has(std::string_view part) const {
  std::lock_guard lock(mutex_);
  return std::any_of(lines_.begin(), lines_.end(),
                     [&](const auto& line) { return line.second.find(part) != std::string::npos; });
}

std::unique_ptr<detail::RequestRecord> make_record(Connection& connection, detail::Server& server) {
  auto record = std::make_unique<detail::RequestRecord>();
  record->server = &server;
  record->limits = connection.script.limits;
  record->version = connection.script.version;
  record->handshake = std::make_unique<detail::HandshakeRecord>();
  record->user_data = static_cast<const Script*>(&connection.script);
  return record;
}

std::shared_ptr<const runtime::Handler> make_handler(Connection& connection) {
  connection.table = table_for(connection.script);
  // The last that a session lets go of.
  return {new runtime::Handler("test_wsh.so", connection.table), [&connection](const runtime::Handler* handler) {
            delete handler;
            connection.gone = true;
          }};
}

void open_session(Connection& connection, runtime::Session& session,
                  std::unique_ptr<runtime::Transport> transport) {
  session.do_extra_handshake();
  session.set_message_timeout(connection.script.message_timeout);
  session.open(std::move(transport), protocol_for(connection.script, session.loop()),
               connection.script.already_read);
}

std::unique_ptr<runtime::Session> make_session(Connection& connection, detail::Server& server,
                                               runtime::EventLoop& loop,
                                               std::unique_ptr<runtime::Transport> transport) {
  auto session =
      std::make_unique<runtime::Session>(make_record(connection, server), make_handler(connection),
                                         loop);
  connection.session = session.get();
  open_session(connection, *session, std::move(transport));
  return session;
}

Connection& SessionFixture::open(Script script) {
  Connection& connection = connections_.emplace_back();
  connection.script = std::move(script);
  loop_.adopt(
      make_session(connection, log_, loop_, std::make_unique<FakeTransport>(connection.peer)),
      connection.peer);
  loop_.run();
  return connection;
}

void SessionFixture::TearDown() {
  for (Connection& connection : connections_) {
    connection.peer->at_end = true;
    connection.peer->write_error = EPIPE;
    connection.peer->hung_up = true;
  }
  const auto all_gone = [&] { return loop_.sessions() == 0; };
  loop_.run();
  if (!all_gone()) loop_.advance(std::chrono::hours(1));
  EXPECT_TRUE(loop_.run_until(all_gone)) << "a session does not end";
}

Task<> echo(Request& request) {
  while (auto message = co_await msgutil::receive_message(request))
    co_await msgutil::send_message(request, std::move(*message));
}

}  // namespace cppwebsocket::testing
