// What an application has to say of an opening handshake (WebSocketHook connect, subscribe), and that it is told of the
// connection's end (disconnect). Thread: the request's MPM worker.
#pragma once

#include "httpd/child/application.hpp"
#include "httpd/endpoints/hooked_request.hpp"

#include <cppwebsocket/header_list.hpp>

#include <httpd.h>

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace cppwebsocket::runtime {
class Session;
}

namespace cppwebsocket::httpd {

class Child;

class HookedOpening {
 public:
  // `application`: null: nothing in httpd has a hook, or none can be asked.
  HookedOpening(request_rec* r, Child& child, std::span<Header> headers, std::shared_ptr<Application> application,
                runtime::Session& session);

  // Asks, and does what the answer says.
  std::optional<HookRefusal> ask(std::optional<std::string_view> origin);

  // Until when the connection may be open, by the answer.
  std::optional<std::chrono::steady_clock::time_point> end() const noexcept { return end_; }

 private:
  std::optional<HookRefusal> ask_to_connect(std::optional<std::string_view> origin);
  std::optional<HookRefusal> ask_to_subscribe(std::span<const std::string> channels);
  std::optional<HookRefusal> follow(const channels::HookAnswer& answer);
  void add_channels(const channels::HookAnswer& answer);
  void remember_disconnect();
  // The hook, with what is left of the time; null: there is none.
  SharedHook hurried(const SharedHook& hook) const;

  request_rec* r_;
  Child& child_;
  std::span<Header> headers_;
  std::shared_ptr<Application> application_;
  runtime::Session& session_;
  const SharedHook connect_, subscribe_, disconnect_;
  const std::chrono::steady_clock::time_point latest_;  // of all answers together
  std::optional<std::chrono::steady_clock::time_point> end_;
};

}  // namespace cppwebsocket::httpd
