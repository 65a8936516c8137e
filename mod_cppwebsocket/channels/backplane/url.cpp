#include "channels/backplane/url.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

#include <sys/un.h>

namespace cppwebsocket::channels {

namespace {

constexpr unsigned most_databases = 1 << 20;
constexpr std::size_t longest_prefix = 32;

using Scheme = BackplaneUrl::Scheme;

struct SchemeText {
  std::string_view begins;
  Scheme scheme;
  std::uint16_t port;
};
constexpr SchemeText schemes[] = {
    {"redis://", Scheme::redis, 6379},    {"rediss://", Scheme::rediss, 6379},
    {"unix://", Scheme::unix_socket, 0},  {"redis+sentinel://", Scheme::sentinel, 26379},
    {"nats://", Scheme::nats, 4222},      {"rediss+sentinel://", Scheme::sentinel_tls, 26379},
    {"tls://", Scheme::tls, 4222},
};

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

bool parse_database(std::string_view text, BackplaneUrl& url) noexcept {
  return parse_number(text, url.database) && url.database < most_databases;
}

// Cuts off what stands before `mark`, and `mark`, if it is there.
std::optional<std::string_view> take_before(std::string_view& text, char mark) noexcept {
  const std::size_t at = text.find(mark);
  if (at == text.npos) return std::nullopt;
  const std::string_view before = text.substr(0, at);
  text.remove_prefix(at + 1);
  return before;
}

bool parse_server(std::string_view text, BackplaneUrl::Server& server) {
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
  server.host = host;
  return !host.empty() && (!has_port || (parse_number(port, server.port) && server.port != 0));
}

// MASTER[/DATABASE]; `text` is left with what is behind the first.
bool take_master(std::string_view& text, BackplaneUrl& url) {
  const auto before = take_before(text, '/');
  url.master = before ? *before : std::exchange(text, {});
  return !url.master.empty() && std::ranges::all_of(url.master, is_name_character);
}

// HOST[:PORT][,HOST[:PORT]...][/MASTER][/DATABASE]
bool parse_servers(std::string_view text, std::uint16_t port, BackplaneUrl& url) {
  const bool has_master = url.scheme == Scheme::sentinel || url.scheme == Scheme::sentinel_tls;
  const auto before = take_before(text, '/');
  std::string_view servers = before ? *before : std::exchange(text, {});
  if (has_master && !take_master(text, url)) return false;
  if (!text.empty() && (url.is_nats() || !parse_database(text, url))) return false;
  while (true) {
    const auto first = take_before(servers, ',');
    BackplaneUrl::Server server{.host = {}, .port = port};
    if (!parse_server(first ? *first : servers, server)) return false;
    url.servers.push_back(std::move(server));
    if (!first) return true;
  }
}

// /PATH[?db=DATABASE]
bool parse_path(std::string_view text, BackplaneUrl& url) {
  constexpr std::size_t longest = sizeof sockaddr_un{}.sun_path - 1;
  constexpr std::string_view before_database = "db=";
  std::string_view path = text;
  if (const auto before = take_before(text, '?')) {
    path = *before;
    if (!text.starts_with(before_database) || !parse_database(text.substr(before_database.size()), url))
      return false;
  }
  if (!path.starts_with('/') || path.ends_with('/') || path.size() > longest) return false;
  url.path = path;
  return std::ranges::all_of(path, [](char c) {
    return is_name_character(c) || std::string_view("/+,:=@~").find(c) != std::string_view::npos;
  });
}

const SchemeText& text_of(Scheme scheme) noexcept {
  return *std::ranges::find(schemes, scheme, &SchemeText::scheme);
}

}  // namespace

std::optional<BackplaneUrl> BackplaneUrl::parse(std::string_view text) {
  const auto found = std::ranges::find_if(
      schemes, [&](const SchemeText& one) { return text.starts_with(one.begins); });
  if (found == std::end(schemes)) return std::nullopt;
  text.remove_prefix(found->begins.size());
  BackplaneUrl url;
  url.scheme = found->scheme;
  if (text.substr(0, text.find('/')).find('@') != text.npos) {
    const std::string_view user = *take_before(text, '@');
    if (user.empty() || !std::ranges::all_of(user, is_name_character)) return std::nullopt;
    url.user = user;
  }
  const bool is_good = url.scheme == Scheme::unix_socket ? parse_path(text, url)
                                                         : parse_servers(text, found->port, url);
  if (!is_good) return std::nullopt;
  return url;
}

std::string BackplaneUrl::Server::to_string() const {
  return (host.find(':') == host.npos ? host : "[" + host + "]") + ":" + std::to_string(port);
}

std::string BackplaneUrl::to_string() const {
  std::string text(text_of(scheme).begins);
  if (!user.empty()) text += user + "@";
  if (scheme == Scheme::unix_socket) return text + path + "?db=" + std::to_string(database);
  for (const Server& server : servers)
    text += (&server == &servers.front() ? "" : ",") + server.to_string();
  if (!master.empty()) text += "/" + master;
  if (!is_nats()) text += "/" + std::to_string(database);
  return text;
}

// A digit in its place is a database's number, of the site without a prefix.
bool is_backplane_prefix(std::string_view text) noexcept {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !text.empty() && text.size() <= longest_prefix && is_letter(text.front()) &&
         std::ranges::all_of(text, [](char c) { return is_name_character(c) && c != '.'; });
}

}  // namespace cppwebsocket::channels
