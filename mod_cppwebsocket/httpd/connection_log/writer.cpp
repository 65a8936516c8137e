#include "httpd/connection_log/writer.hpp"

#include "httpd/connection_log/outlets.hpp"
#include "httpd/log.hpp"
#include "httpd/module.hpp"
#include "httpd/pool.hpp"

#include <ap_listen.h>
#include <apr_thread_proc.h>
#include <http_log.h>
#include <unixd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cppwebsocket::httpd {

namespace {

using namespace std::chrono_literals;

constexpr const char* socket_key = "cppwebsocket-log-socket-1";
constexpr int socket_buffer = 4 << 20;  // bytes: some thousand lines, while a new process begins

struct Ends {
  int read, write;
};
Ends the_ends{-1, -1};

// Made once; both ends stay the parent's, so that nothing is lost while no process reads.
Ends ends_of(server_rec* main_server) {
  apr_pool_t* const process = main_server->process->pool;
  void* found = nullptr;
  apr_pool_userdata_get(&found, socket_key, process);
  if (!found) {
    int made[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, made) != 0)
      throw std::system_error(errno, std::generic_category(), "socketpair");
    if (::setsockopt(made[1], SOL_SOCKET, SO_SNDBUFFORCE, &socket_buffer, sizeof socket_buffer) != 0)
      ::setsockopt(made[1], SOL_SOCKET, SO_SNDBUF, &socket_buffer, sizeof socket_buffer);
    found = new (apr_palloc(process, sizeof(Ends))) Ends{made[0], made[1]};
    apr_pool_userdata_set(found, socket_key, nullptr, process);
  }
  return *static_cast<Ends*>(found);
}

// --- the process ----------------------------------------------------------------------------------

volatile sig_atomic_t is_to_end = 0;

void become_like_a_child() {
  ap_close_listeners();
  if (::geteuid() != 0) return;
  const auto& as = ap_unixd_config;
  const bool done = ::initgroups(as.user_name, as.group_id) == 0 && ::setgid(as.group_id) == 0 &&
                    ::setuid(as.user_id) == 0;
  if (!done) ::_exit(EXIT_FAILURE);
}

// Not SIGTERM: prefork sends that, and others, to its whole process group, and the children have more to say then.
constexpr int end_signal = SIGUSR2;

// Without SA_RESTART: poll() is to end.
void handle_signals() noexcept {
  struct sigaction action {};
  sigemptyset(&action.sa_mask);
  action.sa_handler = [](int) { is_to_end = 1; };
  ::sigaction(end_signal, &action, nullptr);
  action.sa_handler = SIG_IGN;  // the parent's matter; and of a program that ends
  for (const int each : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGWINCH, SIGPIPE}) ::sigaction(each, &action, nullptr);
}

[[noreturn]] void write_lines(int socket, Outlets& outlets) {
  static char packet[sizeof(std::uint64_t) + longest_log_line];
  // The signal counts while it waits only, so that none is missed.
  sigset_t end, without;
  sigemptyset(&end);
  sigaddset(&end, end_signal);
  ::sigprocmask(SIG_BLOCK, &end, &without);
  sigdelset(&without, end_signal);
  for (bool at_end = false;;) {
    auto waited = outlets.to_wait_for(socket);
    const timespec at_once{};
    ::ppoll(waited.data(), waited.size(), is_to_end ? &at_once : nullptr, &without);
    outlets.flush();
    for (int i = 0; i < 1000; ++i) {
      const ssize_t size = ::recv(socket, packet, sizeof packet, MSG_DONTWAIT);
      at_end = size == 0 || (size < 0 && is_to_end);
      if (size <= 0) break;
      if (static_cast<std::size_t>(size) <= sizeof(std::uint64_t)) continue;
      std::uint64_t id;
      std::memcpy(&id, packet, sizeof id);
      outlets.write(id, {packet + sizeof id, static_cast<std::size_t>(size) - sizeof id});
    }
    if (!at_end) continue;
    outlets.finish();
    ::_exit(EXIT_SUCCESS);
  }
}

// --- the parent's side of it ----------------------------------------------------------------------

struct Writer {
  apr_pool_t* pool;
  server_rec* main_server;
  Outlets outlets;
  apr_proc_t process{};
};

void begin(Writer& writer);

// It has ended without being told to. Thread: the parent's.
void mourn(int reason, void* memory, apr_wait_t) {
  auto& writer = *static_cast<Writer*>(memory);
  if (reason != APR_OC_REASON_DEATH && reason != APR_OC_REASON_LOST) return;
  apr_proc_other_child_unregister(memory);
  log_server(writer.main_server, APLOG_WARNING, "CWS0095: the process that writes WebSocketLog has ended; another begins");
  begin(writer);
}

void begin(Writer& writer) {
  const apr_status_t status = apr_proc_fork(&writer.process, writer.pool);
  if (status == APR_INCHILD) {
    handle_signals();
    become_like_a_child();
    ::close(the_ends.write);
    write_lines(the_ends.read, writer.outlets);
  }
  if (status != APR_INPARENT) {
    log_server(writer.main_server, APLOG_ERR, "CWS0095: the process that writes WebSocketLog cannot be started");
    writer.process.pid = 0;
    return;
  }
  apr_proc_other_child_register(&writer.process, mourn, &writer, nullptr, writer.pool);
}

// Before the programs are told to end, which are to read all.
apr_status_t end(void* memory) noexcept {
  auto& writer = *static_cast<Writer*>(memory);
  const pid_t pid = writer.process.pid;
  if (pid == 0) return APR_SUCCESS;
  apr_proc_other_child_unregister(&writer);
  ::kill(pid, end_signal);
  for (int i = 0; i < 300; ++i) {
    if (::waitpid(pid, nullptr, WNOHANG) != 0) return APR_SUCCESS;
    std::this_thread::sleep_for(10ms);
  }
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  return APR_SUCCESS;
}

}  // namespace

std::uint64_t log_id(const char* where) noexcept { return std::hash<std::string_view>()(where); }

void start_log_writer(apr_pool_t* pconf, server_rec* main_server, std::span<const LogTarget> logs) {
  if (logs.empty()) return;
  auto* const writer = make_in<Writer>(pconf, pconf, main_server, Outlets(main_server));
  for (const LogTarget& each : logs) writer->outlets.open(pconf, each);
  the_ends = ends_of(main_server);
  begin(*writer);
  apr_pool_pre_cleanup_register(pconf, writer, end);
}

int take_log_socket() noexcept {
  if (the_ends.read >= 0) ::close(std::exchange(the_ends.read, -1));
  return the_ends.write;
}

}  // namespace cppwebsocket::httpd
