#include "protocol/json.hpp"

#include <algorithm>

namespace cppwebsocket::protocol {

namespace {

void append_utf8(std::string& out, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xc0 | code >> 6);
  } else {
    if (code < 0x10000) {
      put(0xe0 | code >> 12);
    } else {
      put(0xf0 | code >> 18);
      put(0x80 | (code >> 12 & 63));
    }
    put(0x80 | (code >> 6 & 63));
  }
  put(0x80 | (code & 63));
}

// Each function takes something off the front; false: it is not there, and the whole is wrong.
class Reader {
 public:
  explicit Reader(std::string_view text) noexcept : rest_(text) {}

  bool at_end() noexcept {
    skip_space();
    return rest_.empty();
  }

  bool object(JsonObject* members, std::size_t depth) {
    if (!take('{') || depth > deepest_json) return false;
    if (take('}')) return true;
    do {
      std::string name;
      JsonValue read;
      if (!string(name) || !take(':') || !value(read, depth)) return false;
      if (members) members->emplace_back(std::move(name), std::move(read));
    } while (take(','));
    return take('}');
  }

 private:
  void skip_space() noexcept {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size()));
  }

  bool next_is(char c) noexcept {
    skip_space();
    return rest_.starts_with(c);
  }

  bool take(char c) noexcept {
    if (!next_is(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool word(std::string_view expected) noexcept {
    if (!rest_.starts_with(expected)) return false;
    rest_.remove_prefix(expected.size());
    return true;
  }

  bool value(JsonValue& read, std::size_t depth) {
    using Kind = JsonValue::Kind;
    skip_space();
    if (rest_.empty()) return false;
    switch (rest_.front()) {
      case '"':
        read.kind = Kind::string;
        return string(read.text);
      case '{':
        read.kind = Kind::other;
        return object(nullptr, depth + 1);
      case '[':
        return array(read, depth + 1);
      case 't':
        read.boolean = true;
        [[fallthrough]];
      case 'f':
        read.kind = Kind::boolean;
        return word(read.boolean ? "true" : "false");
      case 'n':
        return word("null");
      default:
        read.kind = Kind::number;
        return number(read.text);
    }
  }

  bool array(JsonValue& read, std::size_t depth) {
    if (!take('[') || depth > deepest_json) return false;
    read.kind = JsonValue::Kind::strings;
    if (take(']')) return true;
    do {
      JsonValue element;
      if (!value(element, depth)) return false;
      if (element.kind == JsonValue::Kind::string && read.kind == JsonValue::Kind::strings)
        read.strings.push_back(std::move(element.text));
      else
        read.kind = JsonValue::Kind::other;
    } while (take(','));
    return take(']');
  }

  bool digits(std::string& out) {
    const std::size_t count = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
    out.append(rest_.substr(0, count));
    rest_.remove_prefix(count);
    return count != 0;
  }

  bool one_of(std::string_view some, std::string& out) {
    if (rest_.empty() || some.find(rest_.front()) == some.npos) return false;
    out.push_back(rest_.front());
    rest_.remove_prefix(1);
    return true;
  }

  // RFC 8259 §6.
  bool number(std::string& out) {
    one_of("-", out);
    if (!one_of("0", out) && !digits(out)) return false;
    if (one_of(".", out) && !digits(out)) return false;
    if (!one_of("eE", out)) return true;
    one_of("+-", out);
    return digits(out);
  }

  bool string(std::string& out) {
    if (!take('"')) return false;
    for (;;) {
      const auto plain = std::find_if(rest_.begin(), rest_.end(), [](unsigned char c) {
        return c == '"' || c == '\\' || c < 0x20;
      });
      out.append(rest_.begin(), plain);
      rest_.remove_prefix(static_cast<std::size_t>(plain - rest_.begin()));
      if (rest_.empty()) return false;
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') return true;
      if (c != '\\' || !escape(out)) return false;
    }
  }

  bool escape(std::string& out) {
    constexpr std::string_view letters = "\"\\/bfnrt", meant = "\"\\/\b\f\n\r\t";
    if (rest_.empty()) return false;
    const char c = rest_.front();
    rest_.remove_prefix(1);
    if (c == 'u') return unicode(out);
    const std::size_t at = letters.find(c);
    if (at == letters.npos) return false;
    out.push_back(meant[at]);
    return true;
  }

  // RFC 8259 §7: what does not fit into four digits comes in two halves.
  bool unicode(std::string& out) {
    std::uint32_t code = 0, low = 0;
    if (!four_digits(code)) return false;
    if (code >= 0xd800 && code < 0xe000) {
      if (code >= 0xdc00 || !word("\\u") || !four_digits(low)) return false;
      if (low < 0xdc00 || low >= 0xe000) return false;
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    append_utf8(out, code);
    return true;
  }

  bool four_digits(std::uint32_t& code) noexcept {
    constexpr std::string_view hex = "0123456789abcdef";
    if (rest_.size() < 4) return false;
    for (const char c : rest_.substr(0, 4)) {
      const std::size_t digit = hex.find(c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c);
      if (digit == hex.npos) return false;
      code = code << 4 | static_cast<std::uint32_t>(digit);
    }
    rest_.remove_prefix(4);
    return true;
  }

  std::string_view rest_;
};

}  // namespace

std::optional<JsonObject> parse_json_object(std::string_view text) {
  Reader reader(text);
  JsonObject members;
  if (!reader.object(&members, 1) || !reader.at_end()) return std::nullopt;
  return members;
}

const JsonValue* find(const JsonObject& object, std::string_view name) noexcept {
  const auto found = std::find_if(object.begin(), object.end(),
                                  [name](const auto& member) { return member.first == name; });
  return found == object.end() ? nullptr : &found->second;
}

}  // namespace cppwebsocket::protocol
