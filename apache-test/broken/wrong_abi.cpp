// Built against another version of the headers.
#include <cppwebsocket/handler_table.hpp>

static const cppwebsocket::HandlerTable& table() noexcept {
  static const cppwebsocket::HandlerTable made = {
      999, sizeof(cppwebsocket::HandlerTable), cppwebsocket::handler_toolchain,
      nullptr, nullptr, nullptr, nullptr, nullptr, nullptr};
  return made;
}
extern "C" {
[[gnu::visibility("default")]] extern const cppwebsocket::HandlerSymbol cppwebsocket_handler;
const cppwebsocket::HandlerSymbol cppwebsocket_handler = &table;
}
