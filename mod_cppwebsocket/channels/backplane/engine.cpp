#include "channels/backplane/engine.hpp"

#include <stdexcept>

#include <dlfcn.h>
#include <unistd.h>

#ifdef CPPWEBSOCKET_HIREDIS
#include "channels/backplane/redis/backplane.hpp"
#endif

namespace cppwebsocket::channels {

namespace {

// Beside the object that this is linked into.
std::string nats_object() {
  static const char here = 0;
  Dl_info self{};
  const bool known = ::dladdr(&here, &self) != 0 && self.dli_fname;
  const std::string file = known ? self.dli_fname : "";
  const std::size_t slash = file.rfind('/');
  return (slash == file.npos ? "." : file.substr(0, slash)) + "/cppwebsocket_nats.so";
}

std::unique_ptr<Backplane> load(const std::string& file, const BackplaneUrl& url,
                                const BackplaneOptions& options) {
  // Its threads run until the process ends: it stays.
  void* const object = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  void* const symbol = object ? ::dlsym(object, make_backplane_symbol) : nullptr;
  if (!symbol) throw std::runtime_error(::dlerror());
  std::string problem;
  Backplane* const made = reinterpret_cast<MakeBackplane*>(symbol)(url, options, problem);
  if (!made) throw std::runtime_error(problem);
  return std::unique_ptr<Backplane>(made);
}

}  // namespace

std::string why_no_engine(const BackplaneUrl& url) {
  switch (url.scheme) {
    case BackplaneUrl::Scheme::redis:
#ifndef CPPWEBSOCKET_HIREDIS
      return "this mod_cppwebsocket was built without hiredis, so it cannot use Redis";
#else
      return {};
#endif
    case BackplaneUrl::Scheme::rediss:
      return "this mod_cppwebsocket was built without hiredis_ssl, so it cannot use Redis over "
             "TLS; a TLS tunnel on this machine with redis:// can";
    case BackplaneUrl::Scheme::nats: break;
  }
  if (::access(nats_object().c_str(), R_OK) == 0) return {};
  return nats_object() + " is missing; it is built where libnats is installed";
}

std::unique_ptr<Backplane> make_backplane(const BackplaneUrl& url, BackplaneOptions options,
                                          [[maybe_unused]] runtime::Reactor& reactor) {
  if (std::string problem = why_no_engine(url); !problem.empty())
    throw std::runtime_error(problem);
#ifdef CPPWEBSOCKET_HIREDIS
  if (url.scheme == BackplaneUrl::Scheme::redis)
    return std::make_unique<RedisBackplane>(reactor, url, std::move(options));
#endif
  return load(nats_object(), url, options);
}

}  // namespace cppwebsocket::channels
