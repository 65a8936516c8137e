// An application that a request, or the connection that it becomes, is about (WebSocketHook): what it is asked and told.
// Each event is an HTTP POST with JSON (docs/hooks.md).
#pragma once

#include "channels/hooks/hook.hpp"
#include "httpd/configuration/config.hpp"

#include <cppwebsocket/message.hpp>

#include <httpd.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cppwebsocket::runtime {
class Connection;
}

namespace cppwebsocket::httpd {

class Hooks;
class JsonLine;

using SharedHook = std::shared_ptr<const channels::Hook>;

// By the sections around the request; null: none.
SharedHook hook_of(const request_rec* r, HookEvent event);

class Application {
 public:
  // Null: no application is named anywhere in httpd. Thread: the request's MPM worker, as for connect().
  static std::shared_ptr<Application> of(request_rec* r, std::string_view path);

  Application(request_rec* r, std::string_view path, Hooks& hooks);

  // From here on it is a connection's.
  void set_connection(std::uint64_t id);
  void set_user(std::string_view user) { user_ = user; }

  channels::HookAnswer connect(const channels::Hook& hook, std::span<const std::string> channels,
                               std::optional<std::string_view> origin) const;
  // Thread: any, and the next two. `on_worker`: it is the request's.
  channels::HookAnswer read(const channels::Hook& hook, std::string_view channel, bool on_worker) const;
  channels::HookAnswer publish(const channels::Hook& hook, std::string_view channel, const Message& message,
                               bool on_worker) const;
  channels::HookAnswer receive(const channels::Hook& hook, const Message& message) const;

  // In the connection's last turn; null: it was never opened.
  void disconnected(const channels::Hook& hook, runtime::Connection* connection) const;

 private:
  JsonLine begin(std::string_view event) const;
  channels::HookAnswer ask(const channels::Hook& hook, std::string_view event, JsonLine& body, bool on_worker) const;

  Hooks& hooks_;
  std::string host_, path_, query_, address_, user_, connection_;
  std::vector<std::string> fields_;  // by which an application knows a visitor: "Cookie: a=b"
};

}  // namespace cppwebsocket::httpd
