// What a child answers to the administrator's questions, which another child, or itself, passes on (door.hpp). A question
// is one line, an object of strings:
//
//   {"ask":"status"}
//   {"ask":"connections", SELECTION, "after_child":"1234", "after":"12", "limit":"100"}
//   {"ask":"close", SELECTION, "code":"1008", "reason":"…"}    it must select something
//   {"ask":"channels", "search":"…", "limit":"100"}
//   {"ask":"log"}
//   {"ask":"drain"}
//
// SELECTION: any of id, user, address, handler, channel and search. The answer is lines of one object each. The first
// tells of the whole, with "rows": how many others follow. Thread: any that may wait.
#pragma once

#include "protocol/json.hpp"
#include "runtime/administration/selection.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace cppwebsocket::httpd {

class Child;

// How long a child waits for its reactors: to look at connections, and to close them.
inline constexpr std::chrono::milliseconds time_to_look{1'000};
inline constexpr std::chrono::milliseconds time_to_close{5'000};

// Empty for what is no question. Raises nothing.
std::string answer_question(Child& child, std::string_view question) noexcept;

// What an object of strings selects; none if its id is no number.
std::optional<runtime::Selection> selection_of(const protocol::JsonObject& object);

}  // namespace cppwebsocket::httpd
