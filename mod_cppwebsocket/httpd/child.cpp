#include "httpd/child.hpp"

#include "httpd/config.hpp"
#include "httpd/log.hpp"
#include "httpd/module.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <set>
#include <string>
#include <system_error>
#include <utility>

#include <dlfcn.h>
#include <sys/resource.h>
#include <sys/socket.h>

namespace cppwebsocket::httpd {

namespace {

Child* the_child = nullptr;  // set once, in child_init, before any other thread exists

constexpr rlim_t most_descriptors = 1 << 20;  // not to ask a kernel without limits for all it has

// httpd's parent looks after 2.3 s and again after 3.3 s whether a child is gone, and then signals
// it with a warning (ap_reclaim_child_processes).
constexpr std::chrono::milliseconds stop_timeout{2'000};

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

runtime::RuntimeOptions options_of(const ChildConfig& config, std::size_t descriptors) noexcept {
  runtime::RuntimeOptions options;
  options.reactor_threads = config.threads.value_or(default_threads());
  options.blocking_threads = config.blocking_threads.value_or(default_blocking_threads);
  options.stop_timeout = stop_timeout;
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
        log_server(server, APLOG_ERR,
                   "CWS0005: handler " + found.file + " is not used: " + found.problem);
  }
}

// What only the first child of a generation says.
void say_once(Child& child, server_rec* main_server, std::size_t descriptors) {
  const ServerConfig& config = config_of(main_server);
  if (!config.first_child_claimed || config.first_child_claimed->exchange(true)) return;
  const std::size_t most = most_connections(descriptors);
  if (config.child.max_connections.value_or(0) > most)
    log_server(main_server, APLOG_WARNING,
               "CWS0004: WebSocketMaxConnections is reduced from " +
                   std::to_string(*config.child.max_connections) + " to " + std::to_string(most) +
                   ": a child may open " + std::to_string(descriptors) +
                   " files (ulimit -n), and httpd needs some of them");
  report_broken_handlers(child, main_server);
}

}  // namespace

Child* Child::current() noexcept { return the_child; }

Child::Child(const runtime::RuntimeOptions& options)
    : runtime_(options), dummy_socket_(make_dummy_socket()) {}

void Child::begin_stop() noexcept {
  stopping_ = true;
  runtime_.begin_stop();
}

// A cleanup of the child's pool, the last that is heard of it. prefork runs it (and
// child_stopping) inside a signal handler, on top of whatever the main thread was doing: so it
// takes no lock and no memory, and the Child is not destroyed but goes with the process. If that
// was in the middle of something that holds a lock a reactor needs, then this wait ends by its
// time limit.
apr_status_t wait_for_connections(void*) noexcept {
  if (!the_child) return APR_SUCCESS;
  the_child->begin_stop();  // not all MPMs say child_stopping on all of their ways out
  the_child->runtime_.wait_stopped();
  the_child->ended_ = true;
  return APR_SUCCESS;
}

void child_stopping(apr_pool_t*, int) noexcept {
  if (the_child) the_child->begin_stop();
}

void child_init(apr_pool_t* pool, server_rec* main_server) noexcept {
  try {
    const std::size_t descriptors = raise_descriptor_limit();
    pin_module();
    the_child = new Child(options_of(config_of(main_server).child, descriptors));
    apr_pool_pre_cleanup_register(pool, nullptr, wait_for_connections);
    say_once(*the_child, main_server, descriptors);
  } catch (const std::exception& error) {
    log_server(main_server, APLOG_ALERT,
               std::string("CWS0003: this child cannot serve WebSockets: ") + error.what());
  } catch (...) {
    log_server(main_server, APLOG_ALERT, "CWS0003: this child cannot serve WebSockets");
  }
}

}  // namespace cppwebsocket::httpd
