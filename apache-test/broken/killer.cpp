// A whole handler whose first instruction ends the process.
#include <cppwebsocket/handler.hpp>

static const struct Killer {
  Killer() { __builtin_trap(); }
} killer;

void web_socket_do_extra_handshake(cppwebsocket::Request&) {}
cppwebsocket::Task<> web_socket_transfer_data(cppwebsocket::Request&) { co_return; }
