// One httpd child's WebSockets: made in child_init, told to stop by child_stopping, waited for when
// the child's pool goes. A graceful stop may take its time (WebSocketDrainTimeout), until SIGTERM.
#pragma once

#include "channels/members/hub.hpp"
#include "channels/store/idempotency.hpp"
#include "channels/store/store.hpp"
#include "httpd/child/client_counts.hpp"
#include "httpd/child/filter_connections.hpp"
#include "httpd/child/handler_lines.hpp"
#include "httpd/child/hooks.hpp"
#include "httpd/child/place.hpp"
#include "httpd/configuration/config.hpp"
#include "httpd/connection_log/sender.hpp"
#include "runtime/runtime.hpp"

#include <httpd.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <unistd.h>

namespace cppwebsocket::httpd {

class Child {
 public:
  // Of this process; null outside of a child, and if it could not start. Thread: any.
  static Child* current() noexcept;

  Child(runtime::RuntimeOptions options, std::size_t filter_connections,
        std::unique_ptr<channels::ChannelStore> store, server_rec* main_server);
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  runtime::Runtime& runtime() noexcept { return runtime_; }
  channels::Hub& hub() noexcept { return hub_; }
  ChildPlace& place() noexcept { return place_; }

  // Whether this is a process that was forked from the child's, without its threads: mpm_itk has
  // each connection served in one. Thread: any.
  bool is_elsewhere() const noexcept { return ::getpid() != process_; }

  // An unconnected socket, to be put in the place of one that was taken from httpd.
  int dummy_socket() const noexcept { return dummy_socket_; }

  // True for the first who asks: "no room" is a warning once, for a crowd must not fill the log. A
  // child that stops has none for anyone, and that is no reason to warn.
  bool is_first_overload() noexcept { return !stopping_ && !overloaded_.exchange(true); }

  // What all of this child's threads count.
  runtime::ChildCount& counts() noexcept { return counts_; }
  void count(runtime::Refused why) noexcept {
    runtime::add_shared(counts_.refused[static_cast<std::size_t>(why)]);
  }

  // Null: there is no WebSocketHook. To be set before there are requests.
  Hooks* hooks() noexcept { return hooks_.get(); }
  void set_hooks(std::unique_ptr<Hooks> hooks) noexcept { hooks_ = std::move(hooks); }

  // What is to be done at a connection's end. Thread: the connection's, in a turn.
  void connection_ended(runtime::Connection& connection) noexcept;

  HandlerLines& handler_lines() noexcept { return handler_lines_; }

  // How loudly a refusal is to be told of.
  int log_level_of(Cause cause) noexcept {
    return generation_ ? generation_->warnings.level_of(cause) : APLOG_INFO;
  }

  // True for the first who asks in this generation of children: a connection keeps such a filter.
  bool is_first_filter(std::string_view name) noexcept {
    return generation_ && generation_->filters.is_first(name);
  }

  FilterConnections& filter_connections() noexcept { return filter_connections_; }
  ClientCounts& client_counts() noexcept { return client_counts_; }
  // Null: its channels reach no other child.
  channels::IdempotencyTable* idempotency() noexcept { return idempotency_.get(); }

  // From here on the reactors run what the hub has for them; until here only child_init uses it.
  // Raises system_error.
  void start_channels();

  // Has every connection close with 1001, in its time. Only writes to eventfds, and again does
  // nothing. Thread: any, and in a signal handler.
  void begin_stop(runtime::Stop how) noexcept;

  // It ends, though httpd does not know yet: everyone is told so, and who comes is refused. Thread: any.
  void retire() noexcept;

  // Connections drain, and other children see that no new ones come here. Thread: any.
  void leave() noexcept {
    place_.leave();
    runtime_.begin_stop(runtime::Stop::gracefully);
  }

  bool has_ended() const noexcept { return ended_.load(std::memory_order_relaxed); }

 private:
  friend struct DebugLayout;  // debug_layout.cpp
  friend apr_status_t wait_for_connections(void*) noexcept;
  friend void child_stopping(apr_pool_t* pool, int graceful) noexcept;
  void hear_of_hurry() noexcept;
  void log_end(runtime::Connection& connection) noexcept;

  const std::unique_ptr<channels::ChannelStore> store_;
  ChildPlace place_;
  ClientCounts client_counts_;
  const std::unique_ptr<channels::IdempotencyTable> idempotency_;
  channels::Hub hub_;
  runtime::Runtime runtime_;
  std::vector<std::pair<runtime::Reactor&, std::shared_ptr<runtime::LoopSource>>> channel_sources_;
  int dummy_socket_;
  FilterConnections filter_connections_;
  runtime::ChildCount& counts_;
  std::optional<LogSender> logs_;
  HandlerLines handler_lines_;
  std::unique_ptr<Hooks> hooks_;
  GenerationMemory* const generation_;  // of all children; null: there is none
  const bool threaded_;  // the MPM
  const pid_t process_ = ::getpid();
  std::atomic<bool> overloaded_{false};
  std::atomic<bool> stopping_{false};
  std::atomic<bool> ended_{false};
};

// What current() gives; debuggers find it, too.
extern Child* the_child;

// Hooks.
void child_init(apr_pool_t* pool, server_rec* main_server) noexcept;
void child_stopping(apr_pool_t* pool, int graceful) noexcept;

}  // namespace cppwebsocket::httpd
