#include "httpd/child/watch.hpp"

#include "httpd/child/child.hpp"
#include "httpd/child/draining.hpp"
#include "httpd/configuration/config.hpp"
#include "httpd/log.hpp"
#include "runtime/watch/crash_report.hpp"
#include "runtime/watch/stack_of_thread.hpp"
#include "runtime/watch/watchdog.hpp"

#include <ap_config.h>
#include <apr_portable.h>
#include <mpm_common.h>

#include <string>
#include <string_view>

#include <signal.h>
#include <unistd.h>

namespace cppwebsocket::httpd {

namespace {

using runtime::WatchNews;

// The error log of the main server, as it is while this child lives: a file, or a pipe to a program. With
// syslog there is none, and httpd has made standard error lead nowhere.
int error_log_of(server_rec* main_server) noexcept {
  apr_os_file_t file = STDERR_FILENO;
  if (main_server->error_log) apr_os_file_get(&file, main_server->error_log);
  return file;
}

void tell(server_rec* main_server, WatchNews news, std::string_view text) {
  Child* const child = Child::current();  // see VirtualHost::log
  if (!child || child->has_ended()) return;
  const auto line = [&](int level, std::string_view tag) {
    log_server(main_server, level, std::string(tag).append(": ").append(text));
  };
  switch (news) {
    case WatchNews::stalled:
      runtime::add_shared(child->counts().stalls);
      return line(APLOG_WARNING, "CWS0090");
    case WatchNews::goes_on:
      return line(APLOG_NOTICE, "CWS0091");
    case WatchNews::retires:
      return line(APLOG_ERR, "CWS0092");
    case WatchNews::threads_gone:
      return line(APLOG_WARNING, "CWS0093");
  }
}

// httpd has no call for it. Thread: the watchdog's.
void retire() {
  Child* const child = Child::current();
  if (!child) return;
  if (!is_threaded()) {
    ::kill(::getpid(), AP_SIG_GRACEFUL);  // prefork's child takes it for the end of its work
    return;
  }
  child->retire();
  accept_no_more();
}

}  // namespace

void report_crashes(server_rec* main_server) noexcept {
  runtime::StackOfThread::install();
  runtime::CrashReport::install(error_log_of(main_server), "CWS0094");
}

void watch(Child& child, server_rec* main_server) {
  const ChildConfig& config = config_of(main_server).child;
  runtime::WatchdogOptions options;
  if (config.stall_warning) options.warning = *config.stall_warning;
  if (config.stall_timeout) options.timeout = *config.stall_timeout;
  options.tell = [main_server](WatchNews news, std::string_view text) { tell(main_server, news, text); };
  options.retire = retire;
  child.runtime().watch(std::move(options));
}

}  // namespace cppwebsocket::httpd
