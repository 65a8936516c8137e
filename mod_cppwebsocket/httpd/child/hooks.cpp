#include "httpd/child/hooks.hpp"

#include "httpd/child/child.hpp"
#include "httpd/configuration/config.hpp"
#include "httpd/log.hpp"
#include "httpd/module.hpp"
#include "runtime/session/connection.hpp"

#include <ap_mpm.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

namespace cppwebsocket::httpd {

namespace {

using Word = channels::HookAnswer::Word;

// The other half of httpd's threads is for pages that need no application's answer.
std::size_t half_of_workers() noexcept {
  int threads = 0;
  ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads);
  return static_cast<std::size_t>(std::max(threads / 2, 1));
}

int level_of(Cause cause) noexcept {
  Child* const child = Child::current();
  return child ? child->log_level_of(cause) : APLOG_INFO;
}

channels::DeliveryOptions delivery_options(server_rec* server, runtime::ChildCount& counts) {
  channels::DeliveryOptions options;
  options.lost = [server, &counts](const channels::HookRequest& request, const std::string& why) {
    runtime::add_shared(counts.hook_events_lost);
    const Child* child = Child::current();  // see VirtualHost::log
    if (child && !child->has_ended())
      log_server(server, level_of(Cause::event_lost),
                 "CWS0122: the application " + request.url + " could not be told of an event: " + why);
  };
  return options;
}

}  // namespace

std::unique_ptr<Hooks> Hooks::make(server_rec* main_server, runtime::ChildCount& counts) {
  for (const server_rec* server = main_server; server; server = server->next)
    if (config_of(const_cast<server_rec*>(server)).child.has_hooks)
      return std::make_unique<Hooks>(main_server, counts, half_of_workers());
  return nullptr;
}

Hooks::Hooks(server_rec* main_server, runtime::ChildCount& counts, std::size_t most_held)
    : server_(main_server),
      counts_(counts),
      applications_(channels::make_http_client(), most_held, delivery_options(main_server, counts)) {}

channels::HookAnswer Hooks::ask(const channels::Hook& hook, std::string_view event, std::string body,
                                std::vector<std::string> fields, bool on_worker) {
  const auto begin = std::chrono::steady_clock::now();
  auto answer = on_worker ? applications_.ask_on_worker(hook, std::move(body), std::move(fields))
                          : applications_.ask(hook, std::move(body), std::move(fields));
  counts_.hooks.note(std::chrono::steady_clock::now() - begin, runtime::add_shared);
  runtime::add_shared(counts_.hook_answers[static_cast<std::size_t>(answer.word)]);
  const std::string what = std::string(event) + ": the application " + hook.url;
  if (answer.word == Word::no)
    log_server(server_, APLOG_INFO, "CWS0120: " + what + " refuses with " + std::to_string(answer.status) +
                                        (answer.reason.empty() ? "" : ": " + answer.reason));
  if (answer.word == Word::none)
    log_server(server_, level_of(Cause::application), "CWS0121: " + what + " gives no answer: " + answer.reason);
  return answer;
}

void Hooks::when_ended(std::uint64_t connection, Farewell farewell) {
  const std::lock_guard lock(mutex_);
  farewells_.insert_or_assign(connection, std::move(farewell));
}

void Hooks::ended(std::uint64_t id, runtime::Connection* connection) noexcept {
  Farewell farewell;
  {
    const std::lock_guard lock(mutex_);
    const auto found = farewells_.find(id);
    if (found == farewells_.end()) return;
    farewell = std::move(found->second);
    farewells_.erase(found);
  }
  try {
    farewell(connection);
  } catch (const std::exception&) {  // no memory to tell with
    runtime::add_shared(counts_.hook_events_lost);
  }
}

}  // namespace cppwebsocket::httpd
