// The server's side of what handlers may ask for: log lines, and variables that httpd computes.
// One per virtual host, in its configuration pool.
#pragma once

#include <cppwebsocket/detail/request_record.hpp>

#include <httpd.h>

#include <optional>
#include <string_view>

namespace cppwebsocket::runtime {
class Connection;
}

namespace cppwebsocket::httpd {

class LogSender;

class VirtualHost final : public detail::Server {
 public:
  explicit VirtualHost(server_rec* server) noexcept : server_(server) {}

  // Thread: any.
  void log(const detail::RequestRecord& record, LogLevel level, std::string_view text) override;
  bool logs(LogLevel level) const noexcept override;

  // Thread: the request's MPM worker, during the handshake.
  std::optional<std::string_view> variable(detail::RequestRecord& record,
                                           std::string_view name) override;

  // Sends a line to each of this host's WebSocketLogs. Thread: the connection's, in a turn. Raises std::bad_alloc.
  void log_end(runtime::Connection& connection, LogSender& to) const;

 private:
  server_rec* server_;
};

}  // namespace cppwebsocket::httpd
