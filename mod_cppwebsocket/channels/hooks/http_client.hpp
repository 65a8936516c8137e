// Who speaks HTTP to an application, for WebSocketHook: an object of its own, cppwebsocket_hooks.so, with libcurl.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace cppwebsocket::channels {

// One POST.
struct HookRequest {
  std::string url;          // as why_no_hook_url() has nothing against
  std::string secret;       // signs it; empty: it is not signed
  std::string authorities;  // of an https:// URL, PEM; empty: the system's
  std::string id;           // of the event: who gets it again finds it by that
  std::string body;
  std::vector<std::string> fields;  // "Cookie: a=b"
  std::chrono::milliseconds time{};  // until the answer is here
};

struct HookResponse {
  int status = 0;  // 0: none has come
  std::string body;
  std::string problem;  // why none has come, for people
};

class HttpClient {
 public:
  virtual ~HttpClient() = default;

  // Waits for the answer, whose body may have largest_hook_answer. Raises std::bad_alloc. Thread: any, several at once.
  virtual HookResponse post(const HookRequest& request) = 0;
};

inline constexpr std::size_t largest_hook_answer = 1 << 20;  // bytes

// "http://…", "https://…", or as mod_proxy has it "unix:/path|http://host/…". What is wrong with it, for people; null:
// nothing.
const char* why_no_hook_url(const std::string& url) noexcept;

// Why there is no client, for people; empty if there is.
std::string why_no_http_client();

// Raises runtime_error with what is wrong. Thread: child_init's.
std::unique_ptr<HttpClient> make_http_client();

// What the object exports beside its version (channels/object_file.hpp).
inline constexpr const char* make_http_client_symbol = "cppwebsocket_make_http_client";
using MakeHttpClient = HttpClient*(std::string& problem);

}  // namespace cppwebsocket::channels
