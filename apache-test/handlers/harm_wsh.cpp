// Does the harm that the client tells it to, and says "done" if it can: "?segv" in the handshake, "pool segv" on
// a blocking thread.
#include <cppwebsocket/handler.hpp>
#include <cppwebsocket/msgutil.hpp>

#include "harm.hpp"
using namespace cppwebsocket;

void web_socket_do_extra_handshake(Request& request) { harm::do_harm(std::string(request.ws_query())); }

Task<> web_socket_transfer_data(Request& request) {
  while (auto message = co_await msgutil::receive_message(request)) {
    const std::string what(message->payload());
    if (what.starts_with("pool "))
      co_await request.run_blocking([&what] { harm::do_harm(what.substr(5)); });
    else
      harm::do_harm(what);
    co_await msgutil::send_message(request, "done");
  }
}
