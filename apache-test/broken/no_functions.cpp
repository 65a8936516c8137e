// A table without a single function.
#include <cppwebsocket/handler_table.hpp>

static const cppwebsocket::HandlerTable& table() noexcept {
  static const cppwebsocket::HandlerTable made = {
      cppwebsocket::handler_abi, sizeof(cppwebsocket::HandlerTable), cppwebsocket::handler_toolchain,
      nullptr, nullptr, nullptr, nullptr, nullptr, nullptr};
  return made;
}
extern "C" {
[[gnu::visibility("default")]] extern const cppwebsocket::HandlerSymbol cppwebsocket_handler;
const cppwebsocket::HandlerSymbol cppwebsocket_handler = &table;
}
