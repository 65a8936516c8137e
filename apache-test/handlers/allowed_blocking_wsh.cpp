// As allowed_wsh.cpp, in the blocking style; a ping is answered with what is_allowed raises there.
#include <cppwebsocket/blocking_handler.hpp>
using namespace cppwebsocket;

void web_socket_do_extra_handshake(BlockingRequest& request) {
  request.on_ping_handler([&request](std::string_view path) {
    try {
      request.is_allowed(path);
    } catch (const BadOperationException& error) {
      request.log(LogLevel::info, error.what());
    }
  });
}

void web_socket_transfer_data(BlockingRequest& request) {
  constexpr const char* words[] = {"yes", "no", "unknown"};
  while (const auto message = msgutil::receive_message(request)) {
    const std::string_view text = message->payload();
    const std::size_t space = text.find(' ');
    std::string said;
    try {
      said = words[static_cast<int>(request.is_allowed(text.substr(space + 1), text.substr(0, space)))];
    } catch (const BadOperationException& error) {
      said = error.what();
    }
    msgutil::send_message(request, said);
  }
}
