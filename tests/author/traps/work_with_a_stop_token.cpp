// says: web_socket_once_per_httpd takes something else: write `void web_socket_once_per_httpd\(BlockingBackground& background\)`
#include <cppwebsocket/blocking_handler.hpp>
using namespace cppwebsocket;

void web_socket_do_extra_handshake(BlockingRequest&) {}
void web_socket_transfer_data(BlockingRequest&) {}
void web_socket_once_per_httpd(std::stop_token) {}
