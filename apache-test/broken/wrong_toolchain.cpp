// Built with a standard library whose objects are laid out differently.
#include <cppwebsocket/handler_table.hpp>

static const cppwebsocket::HandlerTable& table() noexcept {
  static const cppwebsocket::HandlerTable made = {
      cppwebsocket::handler_abi, sizeof(cppwebsocket::HandlerTable), "libfoo++ 7, C++ ABI 1",
      nullptr, nullptr, nullptr, nullptr, nullptr, nullptr};
  return made;
}
extern "C" {
[[gnu::visibility("default")]] extern const cppwebsocket::HandlerSymbol cppwebsocket_handler;
const cppwebsocket::HandlerSymbol cppwebsocket_handler = &table;
}
