// HttpClient with libcurl: each request has a handle of its own, which goes back to the others with its connection, so
// that the next need not make one.
#pragma once

#include "channels/hooks/http_client.hpp"

#include <memory>
#include <mutex>
#include <vector>

#include <curl/curl.h>

namespace cppwebsocket::channels {

class CurlClient final : public HttpClient {
 public:
  CurlClient();  // raises runtime_error; once in a process, before its threads

  HookResponse post(const HookRequest& request) override;

 private:
  struct Free {
    void operator()(CURL* handle) const noexcept { ::curl_easy_cleanup(handle); }
  };
  using Handle = std::unique_ptr<CURL, Free>;
  Handle take();
  void give_back(Handle&& handle) noexcept;

  static constexpr std::size_t most_idle = 32;

  std::mutex mutex_;
  std::vector<Handle> idle_;  // GUARDED_BY(mutex_)
};

}  // namespace cppwebsocket::channels
