// As parts_wsh.cpp, in the other style.
#include <chrono>

#include <cppwebsocket/blocking_handler.hpp>

#include "parts.hpp"
using namespace cppwebsocket;

void web_socket_do_extra_handshake(BlockingRequest& request) {
  request.receive_in_fragments(std::size_t{2} << 30);
}

void web_socket_transfer_data(BlockingRequest& request) {
  const std::string_view query = request.ws_query();
  while (query == "whole") {
    const auto message = msgutil::receive_message(request);
    if (!message) return;
    Sum sum;
    sum.add(message->payload());
    msgutil::send_message(request, sum.text(message->is_text()));
  }
  Sum sum;
  while (auto fragment = msgutil::receive_fragment(request)) {
    const Message& part = fragment->part;
    if (part.text().starts_with("file ")) {
      const FileOrder order(part.payload());
      msgutil::send_file(request, order.descriptor, order.offset, order.length, order.type);
      continue;
    }
    if (query == "return" && !fragment->end) return;
    if (query == "throw" && !fragment->end) throw UnsupportedFrameException("as told");
    if (query == "slow") request.sleep_for(std::chrono::milliseconds(2));
    sum.add(part.payload());
    if (fragment->end)
      msgutil::send_message(request, std::exchange(sum, {}).text(part.is_text()));
  }
}
