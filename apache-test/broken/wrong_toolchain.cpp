// Built with a standard library whose objects are laid out differently.
#include <cppwebsocket/handler_table.hpp>

extern "C" {
[[gnu::visibility("default")]] extern const cppwebsocket::HandlerTable cppwebsocket_handler_table;
const cppwebsocket::HandlerTable cppwebsocket_handler_table = {
    cppwebsocket::handler_abi, sizeof(cppwebsocket::HandlerTable), "libfoo++ 7, C++ ABI 1",
    nullptr, nullptr, nullptr, nullptr, nullptr, nullptr};
}
