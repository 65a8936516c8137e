#include "channels/hooks/http_client.hpp"

#include <algorithm>
#include <stdexcept>
#include <string_view>

#include "channels/object_file.hpp"

namespace cppwebsocket::channels {

const char* why_no_hook_url(const std::string& url) noexcept {
  std::string_view rest = url;
  if (std::ranges::any_of(rest, [](unsigned char c) { return c <= ' ' || c >= 0x7f; })) return "it has a blank, or is not ASCII";
  const bool is_local = rest.starts_with("unix:");
  if (is_local) {
    const std::size_t bar = rest.find('|');
    if (bar == rest.npos || rest[5] != '/') return "after unix: come a path that begins with /, a |, and an http:// URL";
    if (bar - 5 > 107) return "the path of a socket has at most 107 bytes";
    rest.remove_prefix(bar + 1);
  }
  const std::string_view scheme = rest.starts_with("http://") ? "http://" : "https://";
  if (!rest.starts_with(scheme) || (is_local && scheme == "https://")) return "it is neither http://, https:// nor unix:/path|http://";
  rest.remove_prefix(scheme.size());
  const std::string_view host = rest.substr(0, rest.find_first_of("/?#"));
  if (host.empty() || host.starts_with(':')) return "it names no host";
  if (host.find('@') != host.npos) return "a user and password in it would end up in logs: sign with WebSocketHookSecret";
  if (rest.find('#') != rest.npos) return "a fragment is never sent";
  return nullptr;
}

std::string why_no_http_client() { return why_no_object("hooks", "libcurl"); }

std::unique_ptr<HttpClient> make_http_client() {
  std::string problem = why_no_http_client();
  if (!problem.empty()) throw std::runtime_error(problem);
  auto& make = *reinterpret_cast<MakeHttpClient*>(load_function("hooks", make_http_client_symbol));
  HttpClient* const made = make(problem);
  if (!made) throw std::runtime_error(problem);
  return std::unique_ptr<HttpClient>(made);
}

}  // namespace cppwebsocket::channels
