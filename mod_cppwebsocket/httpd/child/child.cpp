#include "httpd/child/child.hpp"

#include "channels/presence/directory.hpp"
#include "httpd/child/administration.hpp"
#include "httpd/child/background.hpp"
#include "httpd/child/backplane.hpp"
#include "httpd/child/door.hpp"
#include "httpd/child/handler_copies.hpp"
#include "httpd/child/shared_channels.hpp"
#include "httpd/child/start_hold.hpp"
#include "httpd/child/virtual_host.hpp"
#include "httpd/child/watch.hpp"
#include "httpd/configuration/config.hpp"
#include "httpd/log.hpp"
#include "httpd/module.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include <ap_mpm.h>
#include <scoreboard.h>

#include <dlfcn.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace cppwebsocket::httpd {

Child* the_child = nullptr;  // set once, in child_init, before any other thread exists

namespace {

constexpr rlim_t most_descriptors = 1 << 20;  // not to ask a kernel without limits for all it has

// Raises the soft limit of open files to the hard one and returns what holds now.
std::size_t raise_descriptor_limit() noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  const rlim_t wanted = std::min(limit.rlim_max, most_descriptors);
  if (limit.rlim_cur < wanted) {
    const rlim_t before = limit.rlim_cur;
    limit.rlim_cur = wanted;
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) limit.rlim_cur = before;
  }
  return std::min(limit.rlim_cur, most_descriptors);
}

// Without descriptors httpd cannot even read an .htaccess file, and its event MPM gives up a child
// whose accept() fails. So a quarter, and some more, is never ours.
std::size_t most_connections(std::size_t descriptors) noexcept {
  constexpr std::size_t reserve = 64;
  const std::size_t share = descriptors - descriptors / 4;
  return std::max<std::size_t>(share > reserve ? share - reserve : 0, 1);
}

int make_dummy_socket() {
  // TCP and unconnected: shutdown() on it fails with ENOTCONN, so that the MPM closes at once
  // instead of lingering for a client which is no longer its own.
  for (const int family : {AF_INET, AF_INET6, AF_UNIX})
    if (const int made = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0); made >= 0) return made;
  throw std::system_error(errno, std::generic_category(), "socket");
}

// Keeps this module mapped until the process is gone. At its end httpd unloads all modules, and a
// thread that is late must not find its code missing.
void pin_module() noexcept {
  Dl_info self{};
  if (::dladdr(&the_child, &self) != 0 && self.dli_fname)
    ::dlopen(self.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
}

runtime::RuntimeOptions options_of(server_rec* main_server, std::size_t descriptors) {
  const ChildConfig& config = config_of(main_server).child;
  runtime::RuntimeOptions options;
  options.reactor_threads = config.threads.value_or(default_threads());
  options.blocking_threads = config.blocking_threads.value_or(default_blocking_threads);
  // StopPlan's default for a stop at once: httpd's parent looks after 2.3 s and again after 3.3 s
  // whether a child is gone, and then signals it with a warning (ap_reclaim_child_processes).
  if (config.drain) {
    options.stop.drain_time = config.drain->time;
    options.stop.keep_serving = config.drain->keep_serving;
    options.stop.drain_code = config.drain->code;
  }
  options.report = [main_server](std::string_view text) {
    const Child* child = Child::current();  // see VirtualHost::log
    if (child && !child->has_ended())
      log_server(main_server, APLOG_NOTICE, "CWS0028: at the stop, " + std::string(text));
  };
  if (GenerationMemory* const shared = config_of(main_server).generation)
    options.load_notes = &shared->load_notes;
  options.copies = config_of(main_server).copies;
  options.place_is_needed = [] {
    Child* const child = Child::current();
    return child && child->place().is_needed();
  };
  options.gone = [](const detail::RequestRecord& record) {
    Child* const child = Child::current();
    if (!child) return;
    child->client_counts().give_back(record);
    if (child->hooks()) child->hooks()->ended(record.id, nullptr);  // if it was never open
  };
  options.memory = config.memory.value_or(default_memory());
  const std::size_t most = most_connections(descriptors);
  options.max_connections = std::min(config.max_connections.value_or(most), most);
  return options;
}

void report_broken_handlers(Child& child, server_rec* main_server) {
  std::set<std::pair<std::string, bool>> seen;  // virtual hosts often share a root
  for (server_rec* server = main_server; server; server = server->next) {
    const runtime::HandlerRoot* root = config_of(server).root;
    if (!root || !seen.emplace(root->directory, root->allow_outside).second) continue;
    for (const runtime::Lookup& found : child.runtime().handlers().scan(*root))
      if (!found.handler)
        log_server(server, APLOG_ERR, text_of_problem(found));
  }
}

// What only the first child of a generation says.
void say_once(Child& child, server_rec* main_server, std::size_t descriptors) {
  const ServerConfig& config = config_of(main_server);
  if (!config.generation || config.generation->first_child_claimed.exchange(true)) return;
  const std::size_t most = most_connections(descriptors);
  if (config.child.max_connections.value_or(0) > most)
    log_server(main_server, APLOG_WARNING,
               "CWS0004: WebSocketMaxConnections is reduced from " +
                   std::to_string(*config.child.max_connections) + " to " + std::to_string(most) +
                   ": a child may open " + std::to_string(descriptors) +
                   " files (ulimit -n), and httpd needs some of them");
  tell_of_handler_copies(main_server);
  report_broken_handlers(child, main_server);
}

// Where the administrator's questions come in.
void listen_to_others(Child& child, server_rec* main_server) {
  const channels::ChannelStore& store = child.hub().store();
  if (&store.memory() != channel_memory()) return;  // nobody knows of this child (CWS0036)
  try {
    open_door(store.memory(), store.seat(),
              [&child](std::string_view question) { return answer_question(child, question); });
  } catch (const std::system_error& error) {
    log_server(main_server, APLOG_WARNING,
               std::string("CWS0112: the other children cannot ask this one, so that websocket-admin tells of its own "
                           "child only: abstract AF_UNIX sockets are not allowed here: ") +
                   error.what());
  }
}

void join_backplane(Child& child, server_rec* main_server) {
  runtime::Reactor* first = nullptr;
  child.runtime().for_each_reactor([&](runtime::Reactor& each) {
    if (!first) first = &each;
  });
  if (auto uplink = make_uplink(main_server, child.hub(), *first))
    child.hub().set_uplink(std::move(uplink));
}

// Without them whoever needs an application's answer is refused.
void begin_hooks(Child& child, server_rec* main_server) {
  try {
    child.set_hooks(Hooks::make(main_server, child.counts()));
  } catch (const std::runtime_error& error) {
    log_server(main_server, APLOG_ERR, std::string("CWS0123: applications cannot be asked: ") + error.what());
  }
}

// The administrator has lost patience with a graceful stop. Thread: the main one.
void hurry(int, siginfo_t* signal, void*) noexcept {
  // event and worker wake their own main thread with it. A child that has ended has its shared memory
  // no more.
  if (!signal || signal->si_pid == ::getpid() || the_child->has_ended()) return;
  const int error = errno;
  the_child->begin_stop(runtime::Stop::at_once);
  errno = error;
}

// prefork does not tell. It ends a child at once in the handler of SIGTERM or SIGHUP, which is
// blocked there, and gracefully outside of one.
bool is_in_signal_handler() noexcept {
  sigset_t blocked;
  pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
  return sigismember(&blocked, SIGTERM) == 1 || sigismember(&blocked, SIGHUP) == 1;
}

// prefork's parent takes a child that waits for its connections for an idle one, and would end
// another instead.
void show_in_scoreboard() noexcept {
  const pid_t self = ::getpid();
  int most = 0;
  ap_mpm_query(AP_MPMQ_HARD_LIMIT_DAEMONS, &most);
  for (int i = 0; i < most; ++i)
    if (ap_get_scoreboard_process(i)->pid == self)
      ap_get_scoreboard_worker_from_indexes(i, 0)->status = SERVER_GRACEFUL;
}

}  // namespace

Child* Child::current() noexcept { return the_child; }

Child::Child(runtime::RuntimeOptions options, std::size_t filter_connections,
             std::unique_ptr<channels::ChannelStore> store, server_rec* main_server)
    : store_(std::move(store)),
      place_(*store_, main_server),
      client_counts_(main_server, *store_, options.max_connections, options.blocking_threads),
      idempotency_(make_idempotency_table(*store_)),
      hub_(*store_),
      runtime_((options.channels = &hub_,
                options.connections = &store_->child_counters().connections, std::move(options))),
      dummy_socket_(make_dummy_socket()),
      filter_connections_(filter_connections),
      counts_(runtime_.count()),
      handler_lines_(main_server, runtime_.first_reactor()),
      generation_(config_of(main_server).generation),
      threaded_(is_threaded()) {
  if (const int socket = take_log_socket(); socket >= 0) logs_.emplace(socket, counts_, [this, main_server] {
      log_server(main_server, log_level_of(Cause::log_lost),
                 "CWS0096: lines of WebSocketLog are lost: the process that writes them does not keep up");
    });
  detail::channel_service = &hub_;  // for handlers that are part of this module
  hub_.set_member_counts(make_member_counts(*store_));
  hub_.set_directory(std::make_unique<channels::PresenceDirectory>(hub_, runtime_.first_reactor()));
  runtime_.for_each_reactor([this](runtime::Reactor& reactor) {
    channel_sources_.emplace_back(reactor, hub_.serve(reactor));
  });
}

void Child::start_channels() {
  for (auto& [reactor, source] : std::exchange(channel_sources_, {}))
    reactor.attach(std::move(source));
}

void Child::connection_ended(runtime::Connection& connection) noexcept {
  log_end(connection);
  if (hooks_) hooks_->ended(connection.record().id, &connection);
}

// In the logs of its virtual host.
void Child::log_end(runtime::Connection& connection) noexcept {
  if (!logs_ || has_ended()) return;
  try {
    static_cast<const VirtualHost*>(connection.record().server)->log_end(connection, *logs_);
  } catch (const std::bad_alloc&) {
    runtime::add_shared(counts_.log_lines_lost);
  }
}

void Child::begin_stop(runtime::Stop how) noexcept {
  stopping_ = true;
  place_.leave();
  runtime_.begin_stop(how);
  if (how == runtime::Stop::gracefully) hear_of_hurry();
}

void Child::retire() noexcept {
  overloaded_ = true;  // that it has no room is no news
  place_.leave();
  runtime_.retire();
}

// In a child that stops, MPMs ignore SIGTERM, and their parent kills who does not mind it.
void Child::hear_of_hurry() noexcept {
  struct sigaction action {};
  action.sa_sigaction = hurry;
  action.sa_flags = SA_SIGINFO;
  sigemptyset(&action.sa_mask);
  ::sigaction(SIGTERM, &action, nullptr);
}

// A cleanup of the child's pool, the last that is heard of it. prefork runs it (and
// child_stopping) inside a signal handler, on top of whatever the main thread was doing: so it
// takes no lock and no memory, and the Child is not destroyed but goes with the process. If that
// was in the middle of something that holds a lock a reactor needs, then this wait ends by its
// time limit.
apr_status_t wait_for_connections(void*) noexcept {
  if (!the_child || the_child->is_elsewhere()) return APR_SUCCESS;
  if (!the_child->stopping_)  // not all MPMs say child_stopping on all of their ways out
    the_child->begin_stop(runtime::Stop::at_once);
  if (the_child->runtime_.stop() != runtime::Stop::at_once) {
    the_child->hear_of_hurry();  // again: the MPM may have set its own handler since
    sigset_t term;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    pthread_sigmask(SIG_UNBLOCK, &term, nullptr);
  }
  the_child->runtime_.wait_stopped();
  if (the_child->hooks_) the_child->hooks_->finish();
  if (the_child->logs_) the_child->logs_->finish();
  the_child->ended_ = true;
  return APR_SUCCESS;
}

void child_stopping(apr_pool_t*, int graceful) noexcept {
  if (!the_child || the_child->is_elsewhere()) return;
  if (!the_child->threaded_) {
    graceful = !is_in_signal_handler();
    if (graceful) show_in_scoreboard();
  }
  const bool sockets_closed = !graceful && the_child->threaded_;
  if (sockets_closed) the_child->filter_connections_.open_again();
  the_child->begin_stop(graceful ? runtime::Stop::gracefully : runtime::Stop::at_once);
  if (sockets_closed) the_child->filter_connections_.finish();
}

void child_init(apr_pool_t* pool, server_rec* main_server) noexcept {
  const StartHold hold;
  try {
    forget_lines();
    const std::size_t descriptors = raise_descriptor_limit();
    pin_module();
    report_crashes(main_server);
    const ChildConfig& config = config_of(main_server).child;
    auto store = make_channel_store(main_server);
    runtime::RuntimeOptions options = options_of(main_server, descriptors);
    options.sheet = counters();
    options.page = page_of(*store);
    options.ended = [](runtime::Connection& connection) {
      if (Child* const child = Child::current()) child->connection_ended(connection);
    };
    the_child = new Child(std::move(options),
                          config.filter_connections.value_or(default_filter_connections()),
                          std::move(store), main_server);
    join_backplane(*the_child, main_server);
    begin_hooks(*the_child, main_server);
    the_child->start_channels();
    listen_to_others(*the_child, main_server);
    apr_pool_pre_cleanup_register(pool, nullptr, wait_for_connections);
    say_once(*the_child, main_server, descriptors);
    run_background(*the_child, main_server);
    watch(*the_child, main_server);
  } catch (const std::exception& error) {
    log_server(main_server, APLOG_ALERT,
               std::string("CWS0003: this child cannot serve WebSockets: ") + error.what());
  } catch (...) {
    log_server(main_server, APLOG_ALERT, "CWS0003: this child cannot serve WebSockets");
  }
}

}  // namespace cppwebsocket::httpd
