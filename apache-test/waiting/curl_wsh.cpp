// libcurl's multi interface on a reactor's thread: "URL URL" is answered with what both say, "STATUS BODY | STATUS
// BODY", fetched at once; anything else comes back as it is.
#include <curl/curl.h>

#include <map>
#include <memory>
#include <stdexcept>
#include <string>

#include <cppwebsocket/handler.hpp>
#include <cppwebsocket/wait.hpp>
using namespace cppwebsocket;

namespace {

// One transfer, and what libcurl wants to know of its sockets.
class Transfer {
 public:
  Transfer(Request& request, const std::string& url) : request_(request) {
    curl_easy_setopt(easy_.get(), CURLOPT_URL, url.c_str());
    curl_easy_setopt(easy_.get(), CURLOPT_WRITEDATA, &body_);
    curl_easy_setopt(easy_.get(), CURLOPT_WRITEFUNCTION,
                     +[](char* bytes, std::size_t size, std::size_t count, void* body) {
                       static_cast<std::string*>(body)->append(bytes, size * count);
                       return size * count;
                     });
    curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETFUNCTION,
                      +[](CURL*, curl_socket_t socket, int what, void* self, void*) {
                        auto& sockets = static_cast<Transfer*>(self)->sockets_;
                        if (what == CURL_POLL_REMOVE)
                          sockets.erase(socket);
                        else
                          sockets[socket] = what;
                        return 0;
                      });
    curl_multi_add_handle(multi_.get(), easy_.get());
  }
  ~Transfer() { curl_multi_remove_handle(multi_.get(), easy_.get()); }

  Task<std::string> run() {
    int running = 1;
    curl_multi_socket_action(multi_.get(), CURL_SOCKET_TIMEOUT, 0, &running);
    while (running != 0) {
      long left = -1;
      curl_multi_timeout(multi_.get(), &left);
      const std::chrono::milliseconds limit(left < 0 ? 1'000 : left);
      if (sockets_.empty()) {
        co_await request_.sleep_for(limit);
        curl_multi_socket_action(multi_.get(), CURL_SOCKET_TIMEOUT, 0, &running);
        continue;
      }
      const auto [socket, what] = *sockets_.begin();
      Readiness result;
      if (what == CURL_POLL_OUT)
        result = co_await request_.writable(socket, limit);
      else
        result = co_await request_.readable(socket, limit);
      const bool is_ready = result == Readiness::ready;
      curl_multi_socket_action(multi_.get(), is_ready ? socket : CURL_SOCKET_TIMEOUT,
                               !is_ready ? 0 : what == CURL_POLL_OUT ? CURL_CSELECT_OUT : CURL_CSELECT_IN, &running);
    }
    long status = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
    co_return std::to_string(status) + " " + body_;
  }

 private:
  struct Free {
    void operator()(CURL* easy) const noexcept { curl_easy_cleanup(easy); }
  };
  struct FreeMulti {
    void operator()(CURLM* multi) const noexcept { curl_multi_cleanup(multi); }
  };
  Request& request_;
  std::map<curl_socket_t, int> sockets_;
  std::string body_;
  std::unique_ptr<CURLM, FreeMulti> multi_{curl_multi_init()};
  std::unique_ptr<CURL, Free> easy_{curl_easy_init()};
};

}  // namespace

void web_socket_do_extra_handshake(Request&) {}

Task<> web_socket_transfer_data(Request& request) {
  while (auto message = co_await msgutil::receive_message(request)) {
    const std::string text = message->payload();
    const std::size_t space = text.find(' ');
    if (space == text.npos) {
      co_await msgutil::send_message(request, text);
      continue;
    }
    Transfer one(request, text.substr(0, space)), other(request, text.substr(space + 1));
    const auto [first, second] = co_await when_all(request, one.run(), other.run());
    co_await msgutil::send_message(request, first + " | " + second);
  }
}
