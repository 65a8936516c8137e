#include "channels/backplane/url.hpp"

#include <algorithm>
#include <charconv>
#include <tuple>

namespace cppwebsocket::channels {

namespace {

constexpr unsigned most_databases = 1 << 20;
constexpr std::size_t longest_prefix = 32;

bool is_name_character(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_';
}

template <typename Number>
bool parse_number(std::string_view text, Number& number) noexcept {
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  return read.ec == std::errc() && read.ptr == end;
}

// Cuts off what stands before `mark`, and `mark`, if it is there.
std::optional<std::string_view> take_before(std::string_view& text, char mark) noexcept {
  const std::size_t at = text.find(mark);
  if (at == text.npos) return std::nullopt;
  const std::string_view before = text.substr(0, at);
  text.remove_prefix(at + 1);
  return before;
}

bool parse_address(std::string_view text, BackplaneUrl& url) {
  std::string_view host = text;
  std::string_view port;
  bool has_port = false;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == text.npos) return false;
    host = text.substr(1, end - 1);
    const std::string_view rest = text.substr(end + 1);
    has_port = rest.starts_with(':');
    if (!has_port && !rest.empty()) return false;
    if (has_port) port = rest.substr(1);
    if (!std::ranges::all_of(host, [](char c) { return is_name_character(c) || c == ':'; }))
      return false;
  } else {
    const std::size_t colon = text.find(':');
    has_port = colon != text.npos;
    if (has_port) port = text.substr(colon + 1);
    host = text.substr(0, colon);
    if (!std::ranges::all_of(host, is_name_character)) return false;
  }
  url.host = host;
  return !host.empty() && (!has_port || (parse_number(port, url.port) && url.port != 0));
}

}  // namespace

std::optional<BackplaneUrl> BackplaneUrl::parse(std::string_view text) {
  using enum Scheme;
  BackplaneUrl url;
  for (const auto& [prefix, scheme, port] :
       {std::tuple<std::string_view, Scheme, std::uint16_t>{"redis://", redis, 6379},
        {"rediss://", rediss, 6379},
        {"nats://", nats, 4222}}) {
    if (!text.starts_with(prefix)) continue;
    text.remove_prefix(prefix.size());
    url.scheme = scheme;
    url.port = port;
    if (const auto user = take_before(text, '@')) {
      if (user->empty() || !std::ranges::all_of(*user, is_name_character)) return std::nullopt;
      url.user = *user;
    }
    std::string_view address = text;
    if (const auto before = take_before(text, '/')) {
      address = *before;
      if (!text.empty() && (scheme == nats || !parse_number(text, url.database) ||
                            url.database >= most_databases))
        return std::nullopt;
    }
    if (!parse_address(address, url)) return std::nullopt;
    return url;
  }
  return std::nullopt;
}

std::string BackplaneUrl::to_string() const {
  std::string text = scheme == Scheme::redis    ? "redis://"
                     : scheme == Scheme::rediss ? "rediss://"
                                                : "nats://";
  if (!user.empty()) text += user + "@";
  text += host.find(':') == host.npos ? host : "[" + host + "]";
  text += ":" + std::to_string(port);
  if (scheme != Scheme::nats) text += "/" + std::to_string(database);
  return text;
}

// A digit in its place is a database's number, of the site without a prefix.
bool is_backplane_prefix(std::string_view text) noexcept {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !text.empty() && text.size() <= longest_prefix && is_letter(text.front()) &&
         std::ranges::all_of(text, [](char c) { return is_name_character(c) && c != '.'; });
}

}  // namespace cppwebsocket::channels
