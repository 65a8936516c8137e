// JSON (RFC 8259), as much of it as commands from outside need: one object, whose values are looked at one by one.
// Thread: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cppwebsocket::protocol {

struct JsonValue {
  enum class Kind : std::uint8_t { null, boolean, number, string, strings, other };

  Kind kind = Kind::null;
  bool boolean = false;
  std::string text;                  // a string, decoded; a number, as it is written
  std::vector<std::string> strings;  // an array of nothing but strings, which may be empty
};

using JsonObject = std::vector<std::pair<std::string, JsonValue>>;

inline constexpr std::size_t deepest_json = 16;  // arrays and objects within each other

// The members of an object, in their order; none if `text` is not one object and nothing else, is deeper than
// deepest_json, or has a string that is no UTF-8 once its escapes are read (half a surrogate pair). `text` is UTF-8.
// Raises std::bad_alloc.
std::optional<JsonObject> parse_json_object(std::string_view text);

// The first of that name; null: there is none.
const JsonValue* find(const JsonObject& object, std::string_view name) noexcept;

}  // namespace cppwebsocket::protocol
