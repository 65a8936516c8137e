// Built against another version of the headers.
#include <cppwebsocket/handler_table.hpp>

extern "C" {
[[gnu::visibility("default")]] extern const cppwebsocket::HandlerTable cppwebsocket_handler_table;
const cppwebsocket::HandlerTable cppwebsocket_handler_table = {
    999, sizeof(cppwebsocket::HandlerTable), cppwebsocket::handler_toolchain,
    nullptr, nullptr, nullptr, nullptr, nullptr, nullptr};
}
