// Answers each message, "METHOD /path", with what is_allowed says of it.
#include <cppwebsocket/handler.hpp>
using namespace cppwebsocket;

void web_socket_do_extra_handshake(Request& request) {
  if (request.ws_query() != "early") return;
  try {
    static_cast<void>(request.is_allowed("/"));
  } catch (const BadOperationException& error) {
    throw HandshakeException(418, error.what());
  }
}

Task<> web_socket_transfer_data(Request& request) {
  while (const auto message = co_await msgutil::receive_message(request)) {
    const std::string_view text = message->payload();
    const std::size_t space = text.find(' ');
    std::string said;
    try {
      switch (co_await request.is_allowed(text.substr(space + 1), text.substr(0, space))) {
        case Allowed::yes:
          said = "yes";
          break;
        case Allowed::no:
          said = "no";
          break;
        case Allowed::unknown:
          said = "unknown";
      }
    } catch (const BadOperationException& error) {
      said = error.what();
    }
    co_await msgutil::send_message(request, said);
  }
}
