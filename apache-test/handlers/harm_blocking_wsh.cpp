// harm_wsh.cpp in the blocking style.
#include <cppwebsocket/blocking_handler.hpp>

#include "harm.hpp"
using namespace cppwebsocket;

void web_socket_do_extra_handshake(BlockingRequest& request) { harm::do_harm(std::string(request.ws_query())); }

void web_socket_transfer_data(BlockingRequest& request) {
  while (auto message = msgutil::receive_message(request)) {
    const std::string what(message->payload());
    if (what.starts_with("spawn "))
      request.spawn([what](std::stop_token) { harm::do_harm(what.substr(6)); });
    else
      harm::do_harm(what);
    msgutil::send_message(request, "done");
  }
}
