// What a line of WebSocketLog says: httpd's own items, as far as they are about the opening handshake, and the
// connection's. A line is made when the connection has ended, from what it keeps anyway, so that a log costs an open
// connection nothing.
#pragma once

#include "runtime/session/connection.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace cppwebsocket::httpd {

// A connection at its end, and what it does not know itself.
struct EndedConnection {
  runtime::Connection& connection;
  std::string_view host;  // of its virtual host
  unsigned port;
  std::chrono::system_clock::time_point now;
};

class LogFormat {
 public:
  // As LogFormat of mod_log_config has them:
  //   %% %a %A %h %l %u %U %q %r %m %H %v %p %P %s %X %D %T %B %I %O %t %{FORMAT}t %{NAME}i %{NAME}C %{NAME}e
  // and of the connection %{NAME}W, where NAME is one of names(). "json" is ready-made: an object with all of them.
  // Raises std::invalid_argument with what is wrong and what is accepted.
  explicit LogFormat(std::string_view format);

  static constexpr std::string_view usual =
      "%h %l %u %t \"%r\" %{close_code}W %{closed_by}W %{duration}W %{messages_in}W %{messages_out}W %{bytes_in}W "
      "%{bytes_out}W";
  static const std::vector<std::string_view>& names();

  // With a newline at its end and none in between. Thread: the connection's, in a turn. Raises std::bad_alloc.
  std::string line(const EndedConnection& ended) const;

 private:
  struct Item {
    std::string text;   // before it
    char letter = 0;    // 0: nothing behind the text
    std::string name;   // in braces
  };
  std::vector<Item> items_;  // of "json": none
};

}  // namespace cppwebsocket::httpd
