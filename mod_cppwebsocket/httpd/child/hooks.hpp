// What a child has for WebSocketHook: who asks applications, counts it and has the log say so, and what is to be done
// once a connection has ended. Thread: any.
#pragma once

#include "channels/hooks/hook.hpp"
#include "runtime/counters/sheet.hpp"

#include <httpd.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace cppwebsocket::runtime {
class Connection;
}

namespace cppwebsocket::httpd {

class Hooks {
 public:
  // Null: no application is named anywhere. Raises runtime_error. Thread: child_init's.
  static std::unique_ptr<Hooks> make(server_rec* main_server, runtime::ChildCount& counts);

  Hooks(server_rec* main_server, runtime::ChildCount& counts, std::size_t most_held);

  // `on_worker`: see Applications::ask_on_worker(). `event` is for the log. Raises std::bad_alloc.
  channels::HookAnswer ask(const channels::Hook& hook, std::string_view event, std::string body,
                           std::vector<std::string> fields, bool on_worker);
  void tell(const channels::Hook& hook, std::string body) noexcept { applications_.tell(hook, std::move(body)); }

  // Is called in the last turn of that connection, which is going to be opened; or with null, if that was not to be.
  // Raises std::bad_alloc.
  using Farewell = std::function<void(runtime::Connection*)>;
  void when_ended(std::uint64_t connection, Farewell farewell);
  void ended(std::uint64_t id, runtime::Connection* connection) noexcept;

  // See channels::Deliveries.
  void finish() noexcept { applications_.finish(); }

 private:
  server_rec* const server_;
  runtime::ChildCount& counts_;
  channels::Applications applications_;
  std::mutex mutex_;
  std::unordered_map<std::uint64_t, Farewell> farewells_;  // GUARDED_BY(mutex_)
};

}  // namespace cppwebsocket::httpd
