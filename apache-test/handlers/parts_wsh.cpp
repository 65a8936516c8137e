// Receives in fragments, and answers each message with "TYPE SIZE ADLER32 LARGEST": of its largest part. With
// the query "slow" it waits a little for each; with "return" and "throw" it does that at the first part, if that is no
// whole message; with "whole" it gathers. "file …" (parts.hpp) is answered with that.
#include <chrono>

#include <cppwebsocket/handler.hpp>

#include "parts.hpp"
using namespace cppwebsocket;

void web_socket_do_extra_handshake(Request& request) { request.receive_in_fragments(std::size_t{2} << 30); }

Task<> web_socket_transfer_data(Request& request) {
  const std::string query(request.ws_query());
  while (query == "whole") {
    auto message = co_await msgutil::receive_message(request);
    if (!message) co_return;
    Sum sum;
    sum.add(message->payload());
    std::string answer = sum.text(message->is_text());
    co_await msgutil::send_message(request, std::move(answer));
  }
  Sum sum;
  while (auto fragment = co_await msgutil::receive_fragment(request)) {
    const Message& part = fragment->part;
    if (part.text().starts_with("file ")) {
      const FileOrder order(part.payload());
      co_await msgutil::send_file(request, order.descriptor, order.offset, order.length, order.type);
      continue;
    }
    if (query == "return" && !fragment->end) co_return;
    if (query == "throw" && !fragment->end) throw UnsupportedFrameException("as told");
    if (query == "slow") co_await request.sleep_for(std::chrono::milliseconds(2));
    sum.add(part.payload());
    if (!fragment->end) continue;
    std::string answer = std::exchange(sum, {}).text(part.is_text());
    co_await msgutil::send_message(request, std::move(answer));
  }
}
