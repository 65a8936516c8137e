// Kills its process at the first message, as a pointer that is freed twice does.
#include <cppwebsocket/handler.hpp>
#include <cstdlib>
using namespace cppwebsocket;

void web_socket_do_extra_handshake(Request&) {}

Task<> web_socket_transfer_data(Request& request) {
  co_await msgutil::receive_message(request);
  void* volatile twice = std::malloc(100);
  std::free(twice);
  std::free(twice);
}
