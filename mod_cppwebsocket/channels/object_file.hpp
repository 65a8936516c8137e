// Parts of the module that are objects of their own, cppwebsocket_NAME.so, and are loaded when they are asked for: so the
// module needs none of their libraries, and goes on without them.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace cppwebsocket::channels {

// Why there is no such part, for people; empty if there is. `library`: what it is built on.
std::string why_no_object(std::string_view name, std::string_view library);

// The function that it exports as `symbol`. Its threads run until the process ends, so it stays. Raises runtime_error
// with what is wrong.
void* load_function(std::string_view name, const char* symbol);

// Keeps it, as it is now, for all processes that this one forks, until it is given back: packages replace its file while
// httpd runs, and the new one is not this module's. A null pointer if it cannot be loaded.
using KeptObject = std::unique_ptr<void, void (*)(void*)>;
KeptObject keep_object(std::string_view name);

// What each exports, too: the module's version that it was built for, since no other can use it; a text.
inline constexpr const char* object_version_symbol = "cppwebsocket_engine_version";

}  // namespace cppwebsocket::channels
