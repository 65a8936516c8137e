#include "httpd/child/backplane.hpp"

#include "channels/backplane/engine.hpp"
#include "httpd/child/child.hpp"
#include "httpd/configuration/config.hpp"
#include "httpd/log.hpp"
#include "httpd/module.hpp"
#include "httpd/pool.hpp"
#include "runtime/reactor/reactor.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <random>
#include <stdexcept>

#include <dlfcn.h>

namespace cppwebsocket::httpd {

namespace {

constexpr char instance_key[] = "mod_cppwebsocket:instance";
constexpr std::size_t longest_password = 4096;

int level_of(channels::Severity severity) noexcept {
  switch (severity) {
    case channels::Severity::notice: return APLOG_NOTICE;
    case channels::Severity::warning: return APLOG_WARNING;
    case channels::Severity::error: break;
  }
  return APLOG_ERR;
}

std::uint64_t instance_of(server_rec* server) noexcept {
  void* kept = nullptr;
  apr_pool_userdata_get(&kept, instance_key, server->process->pool);
  return kept ? *static_cast<const std::uint64_t*>(kept) : 0;
}

}  // namespace

std::string module_directory() {
  Dl_info self{};
  if (::dladdr(instance_key, &self) == 0 || !self.dli_fname) return ".";
  const std::string file = self.dli_fname;
  const std::size_t slash = file.rfind('/');
  return slash == file.npos ? "." : file.substr(0, slash);
}

std::string read_password(const char* path) {
  errno = 0;
  std::ifstream file(path);
  std::string password;
  if (!file.is_open() || (!std::getline(file, password) && errno != 0))
    throw std::runtime_error(std::string("cannot read ") + path + ": " + std::strerror(errno));
  if (password.ends_with('\r')) password.pop_back();
  if (password.empty() || password.size() > longest_password ||
      password.find('\0') != password.npos)
    throw std::runtime_error(std::string(path) +
                             " has no password as its first line (1 to 4096 bytes)");
  return password;
}

void prepare_backplane(server_rec* main_server) {
  apr_pool_t* const pool = main_server->process->pool;
  if (!config_of(main_server).child.backplane || instance_of(main_server) != 0) return;
  std::random_device random;
  const std::uint64_t instance = (std::uint64_t{random()} << 32 | random()) | 1;
  // Not _setn: the key's text goes when a restart unloads this module.
  apr_pool_userdata_set(make_in<std::uint64_t>(pool, instance), instance_key, nullptr, pool);
}

std::unique_ptr<channels::Uplink> make_uplink(server_rec* main_server, channels::Hub& hub,
                                              runtime::Reactor& reactor) {
  const ChildConfig& config = config_of(main_server).child;
  if (!config.backplane) return nullptr;
  const auto log = [main_server](channels::Severity severity, const std::string& text) {
    const Child* child = Child::current();  // see VirtualHost::log
    if (!child || !child->has_ended()) log_server(main_server, level_of(severity), text);
  };
  try {
    channels::BackplaneOptions options;
    options.password = view(config.backplane_password);
    options.instance = instance_of(main_server);
    options.log = log;
    auto engine = channels::make_backplane(*channels::BackplaneUrl::parse(config.backplane),
                                           std::move(options), reactor, module_directory());
    auto control = [&hub, &reactor](std::string_view channel, const channels::Record& record) {
      reactor.post([&hub, channel = std::string(channel), record] {
        if (hub.directory()) hub.directory()->control(channel, record, true);
      });
    };
    return std::make_unique<channels::BackplaneUplink>(hub.store(), std::move(engine),
                                                       std::move(control), log);
  } catch (const std::exception& error) {
    log(channels::Severity::error,
        std::string("CWS0040: cannot use the backplane ") + config.backplane + ": " + error.what());
    return nullptr;
  }
}

}  // namespace cppwebsocket::httpd
