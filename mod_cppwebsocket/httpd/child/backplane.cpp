#include "httpd/child/backplane.hpp"

#include "channels/backplane/engine.hpp"
#include "httpd/child/child.hpp"
#include "httpd/configuration/config.hpp"
#include "httpd/log.hpp"
#include "httpd/module.hpp"
#include "httpd/pool.hpp"
#include "runtime/reactor/reactor.hpp"

#include <new>
#include <random>
#include <stdexcept>

namespace cppwebsocket::httpd {

namespace {

constexpr char instance_key[] = "mod_cppwebsocket:instance";

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

void prepare_backplane(server_rec* main_server) {
  const char* const backplane = config_of(main_server).child.backplane;
  if (!backplane) return;
  make_in<channels::KeptObject>(main_server->process->pconf,
                                channels::keep_engine(*channels::BackplaneUrl::parse(backplane)));
  if (instance_of(main_server) != 0) return;
  apr_pool_t* const pool = main_server->process->pool;
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
    const auto url = *channels::BackplaneUrl::parse(config.backplane);
    channels::BackplaneOptions options;
    options.user = config.backplane_user ? config.backplane_user : url.user;
    options.tls = {.authorities = std::string(view(config.backplane_authorities)),
                   .certificate = std::string(view(config.backplane_certificate)),
                   .verify = config.backplane_verify};
    options.password = view(config.backplane_password);
    options.prefix = view(config.backplane_prefix);
    options.instance = instance_of(main_server);
    options.log = log;
    auto engine = channels::make_backplane(url, std::move(options), reactor);
    auto control = [&hub, &reactor](std::string_view channel, const channels::Record& record) {
      try {
        reactor.post([&hub, channel = std::string(channel), record] {
          if (hub.directory()) hub.directory()->control(channel, record, true);
        });
      } catch (const std::bad_alloc&) {  // as if it had been lost: all is announced again
      }
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
