#include "protocol/opening/channel_request.hpp"

#include <algorithm>
#include <charconv>

#include "protocol/opening/header_fields.hpp"

namespace cppwebsocket::protocol {

namespace {

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = ascii_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high < 0 ? -1 : hex_digit(text[i + 2]);
    if (low >= 0) {
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

// Takes what is before the first `separator` off `rest`.
std::string_view take(std::string_view& rest, char separator) noexcept {
  const std::size_t end = std::min(rest.find(separator), rest.size());
  const std::string_view taken = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return taken;
}

bool is_one_of(std::string_view type, std::initializer_list<std::string_view> types) noexcept {
  return std::any_of(types.begin(), types.end(),
                     [type](std::string_view other) { return equal_ignoring_case(type, other); });
}

bool begins_with_one_of(std::string_view type,
                        std::initializer_list<std::string_view> prefixes) noexcept {
  return std::any_of(prefixes.begin(), prefixes.end(), [type](std::string_view prefix) {
    return equal_ignoring_case(type.substr(0, prefix.size()), prefix);
  });
}

// RFC 9110 §8.3.1: the charset parameter, if it is another than UTF-8 or a part of it.
bool has_foreign_charset(std::string_view parameters) noexcept {
  while (!parameters.empty()) {
    std::string_view value = take(parameters, ';');
    const std::string_view name = trim(take(value, '='));
    if (!equal_ignoring_case(name, "charset")) continue;
    value = trim(value);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
      value = value.substr(1, value.size() - 2);
    return !is_one_of(value, {"utf-8", "utf8", "us-ascii"});
  }
  return false;
}

}  // namespace

std::optional<std::string> query_value(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    std::string_view value = take(query, '&');
    if (decoded(take(value, '=')) == name) return decoded(value);
  }
  return std::nullopt;
}

std::vector<std::string> query_values(std::string_view query, std::string_view name) {
  std::vector<std::string> values;
  while (!query.empty()) {
    std::string_view value = take(query, '&');
    if (decoded(take(value, '=')) == name) values.push_back(decoded(value));
  }
  return values;
}

std::optional<std::uint32_t> parse_count(std::string_view text, std::uint32_t most) noexcept {
  std::uint32_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || at != end || number > most) return std::nullopt;
  return number;
}

std::string to_token(const Positions& positions) {
  std::string token;
  for (std::size_t i = 0; i < positions.size(); ++i) {
    if (i != 0) token += ',';
    if (positions[i]) token += positions[i]->to_string();
  }
  return token;
}

std::optional<Positions> parse_token(std::string_view token, std::size_t channels) {
  Positions positions;
  for (std::size_t i = 0; i < channels; ++i) {
    const bool last = i + 1 == channels;
    if (last != (token.find(',') == token.npos)) return std::nullopt;
    const std::string_view element = take(token, ',');
    const auto position = Position::parse(element);
    if (!position && !element.empty()) return std::nullopt;
    positions.push_back(position);
  }
  return positions;
}

BodyKind body_kind(std::string_view content_type) noexcept {
  std::string_view parameters = content_type;
  const std::string_view type = trim(take(parameters, ';'));
  if (begins_with_one_of(type, {"multipart/", "message/"})) return BodyKind::unsupported;
  if (begins_with_one_of(type, {"image/", "audio/", "video/", "font/"}) ||
      is_one_of(type,
                {"application/octet-stream", "application/protobuf", "application/x-protobuf",
                 "application/msgpack", "application/x-msgpack", "application/vnd.msgpack",
                 "application/cbor", "application/pdf", "application/zip", "application/gzip"}))
    return BodyKind::binary;
  return has_foreign_charset(parameters) ? BodyKind::unsupported : BodyKind::text;
}

std::vector<std::string_view> lines_of(std::string_view text, std::size_t most) {
  std::vector<std::string_view> lines;
  while (!text.empty() && lines.size() < most) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) lines.push_back(line);
  }
  return lines;
}

bool accepts_event_stream(std::string_view accept) noexcept {
  while (const auto element = next_element(accept)) {
    std::string_view parameters = *element;
    if (equal_ignoring_case(trim(take(parameters, ';')), "text/event-stream")) return true;
  }
  return false;
}

}  // namespace cppwebsocket::protocol
