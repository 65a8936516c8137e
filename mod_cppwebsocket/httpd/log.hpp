// Lines for the error log. Each begins with a tag that stays the same for ever:
//
//   CWS0001 notice   configured at start-up
//   CWS0002 error    mod_websocket is loaded, too
//   CWS0003 alert    the child could not start
//   CWS0004 warning  WebSocketMaxConnections reduced
//   CWS0005 error    a handler file is not used
//   CWS0006 error    internal error
//   CWS0007 error    start-up failed
//   CWS0011 info     malformed handshake
//   CWS0012 info     origin not allowed (warning: once a minute for each kind of cause)
//   CWS0013 error    WebSockets over HTTP/2 are off
//   CWS0014 info     no room (warning: the first time)
//   CWS0015 info     the handler refuses
//   CWS0016 error    the handler raised
//   CWS0017 info     the client went away
//   CWS0020 any      an open connection's own line
//   CWS0021 warning  mod_ssl's library lacks a function, so TLS connections keep httpd's filters
//   CWS0028 notice   what a stop could not end in time
//   CWS0029 error    a new version of a handler file is not used, the previous one is
//   CWS0034 warning  WebSocketChannelMemory cannot change now
//   CWS0035 warning  a reader of channels was overtaken
//   CWS0036 warning  a child has channels of its own: all places in the shared memory are taken
//   CWS0038 notice   connected to the backplane
//   CWS0039 warning  the backplane is down
//   CWS0040 error    the backplane cannot be used
//   CWS0041 any      messages that have not reached other machines
//   CWS0042 error    the backplane refused records
//   CWS0043 warning  messages in the backplane that are not this module's
//   CWS0044 error    an end point's SetHandler is outside of <Location>, and without WebSocketChannel
//   CWS0045 error    WebSocketChannel's expression failed
//   CWS0046 warning  no room for another channel
//   CWS0047 error    WebSocketChannel gives websocket-publish several channels
//   CWS0050 warning  children that drain make room before their time
//   CWS0053 notice   what WebSocketChannelMemory gives
//   CWS0054 warning  channels with members or a history were given up
//   CWS0056 info     no channel can have this name (warning: once a minute)
//   CWS0060 error    a request in a process that mpm_itk has forked (warning: at the start)
//   CWS0061 info     an output filter of another module refuses the answer
//   CWS0062 warning  a filter of another module that costs a thread for each connection
//   CWS0065 any      the backplane stores nothing with a history for now; it does again
//   CWS0067 warning  another version of this module uses the same backplane
//   CWS0072 notice   copies of handlers are in memory (warning: although WebSocketHandlerCopies says where)
//   CWS0066 any      a handler's work without a connection: what it raised, its own lines
//   CWS0086 info     a client is over a limit (warning: once a minute)
//   CWS0087 warning  the table of clients with limits is full
//   CWS0088 error    an expression of WebSocketLimit or WebSocketMaxAge failed, or gives no number
//   CWS0110 notice   an administrator has closed connections, published, or has a child drain
//   CWS0111 error    websocket-admin at an address that anybody may reach
//   CWS0112 warning  this child cannot be asked by others
//   CWS0081 info     a channel is refused to a connection of websocket-channels (warning: once a minute, if that is a fault)
//   CWS0084 notice   connections are closed that WebSocketAuthCheck finds to be no longer allowed
//   CWS0085 info     it cannot be found out whether a connection is allowed something (warning: once a minute)
//   CWS0090 warning  a handler holds up an event thread
//   CWS0091 notice   the event thread goes on
//   CWS0092 error    the child ends because an event thread is held up for too long
//   CWS0093 warning  all threads of blocking handlers have been taken for a while
//   CWS0094 crit     a crash: which handler, and the stack
//   CWS0095 warning  the process that writes WebSocketLog has ended (error: it cannot be started)
//   CWS0096 warning  lines of WebSocketLog are lost (once a minute)
//   CWS0097 any      how many lines of a handler are left out
//   CWS0120 info     an application refuses (WebSocketHook)
//   CWS0121 info     an application gives no answer, or none that can be read (warning: once a minute)
//   CWS0122 info     an application could not be told of an event (warning: once a minute)
//   CWS0123 error    applications cannot be asked
#pragma once

#include <cppwebsocket/request_properties.hpp>

#include <httpd.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cppwebsocket::httpd {

int level_of(LogLevel level) noexcept;  // APLOG_…

// `level`: APLOG_…. Thread: any.
void log_server(server_rec* server, int level, std::string_view text) noexcept;

// Thread: the request's.
void log_request(request_rec* r, int level, std::string_view text) noexcept;

// What this process has written last, for the administrator's page: at most 100 lines that the log has, too, from info up.
struct LoggedLine {
  std::int64_t time_us;  // since 1970
  const char* level;     // "notice"
  std::string text;      // its first bytes
};
// Oldest first. Raises bad_alloc. Thread: any.
std::vector<LoggedLine> last_lines();
// Of the parent's, as a child begins. Thread: child_init's.
void forget_lines() noexcept;

}  // namespace cppwebsocket::httpd
