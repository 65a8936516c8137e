// A table without a single function.
#include <cppwebsocket/handler_table.hpp>

extern "C" {
[[gnu::visibility("default")]] extern const cppwebsocket::HandlerTable cppwebsocket_handler_table;
const cppwebsocket::HandlerTable cppwebsocket_handler_table = {
    cppwebsocket::handler_abi, sizeof(cppwebsocket::HandlerTable), cppwebsocket::handler_toolchain,
    nullptr, nullptr, nullptr, nullptr, nullptr, nullptr};
}
