#include "httpd/connection_log/outlets.hpp"

#include "httpd/log.hpp"

#include <apr_file_io.h>
#include <apr_portable.h>
#include <http_log.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace cppwebsocket::httpd {

namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr std::size_t most_kept = 1 << 20;  // bytes

int open_program(apr_pool_t* pool, const char* command) {
  const bool by_shell = *command == '$';
  command += by_shell || *command == '|' ? 1 : 0;  // "||" is "|", as of CustomLog
  piped_log* const log = ap_open_piped_log_ex(pool, command, by_shell ? APR_SHELLCMD_ENV : APR_PROGRAM_ENV);
  if (!log) throw std::runtime_error(std::string("WebSocketLog: the program cannot be started: ") + command);
  apr_os_file_t descriptor = -1;
  apr_os_file_get(&descriptor, ap_piped_log_write_fd(log));
  ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) | O_NONBLOCK);
  return descriptor;
}

int open_file(apr_pool_t* pool, const char* path) {
  apr_file_t* file = nullptr;
  const apr_status_t status =
      apr_file_open(&file, path, APR_FOPEN_WRITE | APR_FOPEN_APPEND | APR_FOPEN_CREATE | APR_FOPEN_LARGEFILE,
                    APR_OS_DEFAULT, pool);
  if (status != APR_SUCCESS)
    throw std::runtime_error(std::string("WebSocketLog: cannot open ") + path + ": " +
                             std::generic_category().message(status));
  apr_os_file_t descriptor = -1;
  apr_os_file_get(&descriptor, file);
  return descriptor;
}

}  // namespace

void Outlets::open(apr_pool_t* pool, const LogTarget& target) {
  if (std::ranges::find(outlets_, target.id, &Outlet::id) != outlets_.end()) return;
  const bool is_pipe = *target.where == '|';
  const int descriptor = is_pipe ? open_program(pool, target.where + 1) : open_file(pool, target.where);
  outlets_.push_back({target.where, target.id, descriptor, is_pipe, {}});
}

void Outlets::write(std::uint64_t id, std::string_view line) {
  const auto found = std::ranges::find(outlets_, id, &Outlet::id);
  if (found == outlets_.end()) return;
  if (found->kept.size() + line.size() > most_kept) return lose(*found, 0);
  found->kept += line;
  flush(*found);
}

void Outlets::flush(Outlet& outlet) {
  while (!outlet.kept.empty()) {
    const ssize_t written = ::write(outlet.descriptor, outlet.kept.data(), outlet.kept.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN && outlet.is_pipe) return;
    if (written < 0) {  // no room on the disk; or a program has ended, and httpd begins it again
      lose(outlet, errno);
      return outlet.kept.clear();
    }
    outlet.kept.erase(0, static_cast<std::size_t>(written));
  }
}

void Outlets::flush() {
  for (Outlet& each : outlets_) flush(each);
}

void Outlets::lose(Outlet& outlet, int error) {
  ++outlet.lost;
  const auto now = steady_clock::now();
  if (outlet.told != steady_clock::time_point{} && now - outlet.told < 60s) return;
  outlet.told = now;
  log_server(main_server_, APLOG_WARNING,
             "CWS0096: " + std::to_string(outlet.lost) + " lines are lost for WebSocketLog " + outlet.where + ": " +
                 (error != 0 ? std::generic_category().message(error) : "it does not take them"));
  outlet.lost = 0;
}

std::vector<pollfd> Outlets::to_wait_for(int socket) const {
  std::vector<pollfd> all = {{socket, POLLIN, 0}};
  for (const Outlet& each : outlets_)
    if (!each.kept.empty()) all.push_back({each.descriptor, POLLOUT, 0});
  return all;
}

void Outlets::finish() {
  const auto end = steady_clock::now() + 1s;
  const auto has_read = [](const Outlet& each) {
    int unread = 0;
    return !each.is_pipe || (each.kept.empty() && (::ioctl(each.descriptor, FIONREAD, &unread) != 0 || unread == 0));
  };
  for (flush(); !std::ranges::all_of(outlets_, has_read) && steady_clock::now() < end; flush())
    std::this_thread::sleep_for(5ms);
}

}  // namespace cppwebsocket::httpd
