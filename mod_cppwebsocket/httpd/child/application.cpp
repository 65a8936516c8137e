#include "httpd/child/application.hpp"

#include "httpd/child/child.hpp"
#include "httpd/child/hooks.hpp"
#include "httpd/child/json_line.hpp"
#include "httpd/module.hpp"
#include "httpd/pool.hpp"
#include "protocol/base64.hpp"
#include "runtime/session/connection.hpp"

#include <apr_time.h>

#include <chrono>
#include <utility>

#include <unistd.h>

namespace cppwebsocket::httpd {

namespace {

JsonLine& add_message(JsonLine& body, const Message& message) {
  if (message.is_text()) return body.text("data", message.text());
  std::string base64;
  protocol::append_base64(base64, message.payload());
  return body.text("base64", base64);
}

}  // namespace

SharedHook hook_of(const request_rec* r, HookEvent event) {
  const DirectoryConfig& config = directory_config_of(r);
  const auto& target = config.hooks[static_cast<std::size_t>(event)];
  if (!target || !target->url) return nullptr;
  return std::make_shared<channels::Hook>(channels::Hook{
      target->url, std::string(view(config.hook_secret.value_or(nullptr))),
      std::string(view(config.hook_authorities.value_or(nullptr))), target->time, target->open});
}

std::shared_ptr<Application> Application::of(request_rec* r, std::string_view path) {
  Child* const child = Child::current();
  Hooks* const hooks = child ? child->hooks() : nullptr;
  return hooks ? std::make_shared<Application>(r, path, *hooks) : nullptr;
}

Application::Application(request_rec* r, std::string_view path, Hooks& hooks)
    : hooks_(hooks),
      host_(view(r->hostname)),
      path_(path),
      query_(view(r->args)),
      address_(view(r->useragent_ip)),
      user_(view(r->user)) {
  for (const char* name : {"Cookie", "Authorization", "User-Agent", "Accept-Language"})
    if (const char* value = apr_table_get(r->headers_in, name)) fields_.push_back(std::string(name) + ": " + value);
}

// As an administrator has it: "4711-12", of that child.
void Application::set_connection(std::uint64_t id) { connection_ = std::to_string(::getpid()) + "-" + std::to_string(id); }

JsonLine Application::begin(std::string_view event) const {
  JsonLine body;
  body.text("event", event).number("time", static_cast<std::uint64_t>(apr_time_as_msec(apr_time_now())));
  if (!connection_.empty()) body.text("connection", connection_);
  body.text("host", host_).text("path", path_).text("query", query_).text("address", address_);
  user_.empty() ? body.json("user", "null") : body.text("user", user_);
  return body;
}

channels::HookAnswer Application::ask(const channels::Hook& hook, std::string_view event, JsonLine& body,
                                      bool on_worker) const {
  return hooks_.ask(hook, event, body.end(), fields_, on_worker);
}

channels::HookAnswer Application::connect(const channels::Hook& hook, std::span<const std::string> channels,
                                          std::optional<std::string_view> origin) const {
  JsonLine body = begin("connect");
  origin ? body.text("origin", *origin) : body.json("origin", "null");
  return ask(hook, "connect", body.texts("channels", channels), true);
}

channels::HookAnswer Application::read(const channels::Hook& hook, std::string_view channel, bool on_worker) const {
  JsonLine body = begin("subscribe");
  return ask(hook, "subscribe", body.text("channel", channel), on_worker);
}

channels::HookAnswer Application::publish(const channels::Hook& hook, std::string_view channel, const Message& message,
                                          bool on_worker) const {
  JsonLine body = begin("publish");
  return ask(hook, "publish", add_message(body.text("channel", channel), message), on_worker);
}

channels::HookAnswer Application::receive(const channels::Hook& hook, const Message& message) const {
  JsonLine body = begin("message");
  return ask(hook, "message", add_message(body, message), false);
}

void Application::disconnected(const channels::Hook& hook, runtime::Connection* connection) const {
  JsonLine body = begin("disconnect");
  if (!connection) {
    hooks_.tell(hook, body.number("code", 1006).number("duration_ms", 0).end());
    return;
  }
  connection->own_wire();
  const auto age = connection->wire().tally().age(connection->loop().now());
  body.number("code", connection->ending().code()).text("reason", connection->ws_close_reason());
  body.number("duration_ms", static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(age).count()));
  hooks_.tell(hook, body.end());
}

}  // namespace cppwebsocket::httpd
