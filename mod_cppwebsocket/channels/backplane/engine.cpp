#include "channels/backplane/engine.hpp"

#include <stdexcept>

#include <dlfcn.h>
#include <unistd.h>

namespace cppwebsocket::channels {

namespace {

// The folder of the object that this is linked into.
std::string own_folder() {
  static const char here = 0;
  Dl_info self{};
  const bool known = ::dladdr(&here, &self) != 0 && self.dli_fname;
  const std::string file = known ? self.dli_fname : "";
  const std::size_t slash = file.rfind('/');
  return slash == file.npos ? "." : file.substr(0, slash);
}

// Beside the module, as in a build tree, or where the installation has put it.
std::string engine_object(const std::string& library) {
  const std::string name = "/cppwebsocket_" + library + ".so";
  const std::string beside = own_folder() + name;
  return ::access(beside.c_str(), R_OK) == 0 ? beside : CPPWEBSOCKET_ENGINE_DIR + name;
}

std::string library_of(const BackplaneUrl& url) {
  return url.is_nats() ? "nats" : "redis";
}

MakeBackplane& load(const std::string& file) {
  // Its threads run until the process ends: it stays.
  void* const object = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (!object) throw std::runtime_error(::dlerror());
  const auto* const version = static_cast<const char*>(::dlsym(object, engine_version_symbol));
  void* const make = ::dlsym(object, make_backplane_symbol);
  if (!version || !make) throw std::runtime_error(file + " is no engine of mod_cppwebsocket");
  if (std::string_view(version) != CPPWEBSOCKET_VERSION)
    throw std::runtime_error(file + " is of version " + version +
                             ", and mod_cppwebsocket of " CPPWEBSOCKET_VERSION
                             ": both have to be installed, and httpd restarted");
  return *reinterpret_cast<MakeBackplane*>(make);
}

}  // namespace

std::string why_no_engine(const BackplaneUrl& url) {
  const std::string library = library_of(url), file = engine_object(library);
  if (::access(file.c_str(), R_OK) == 0) return {};
  return file + " is missing: it is built where " + (library == "nats" ? "libnats" : "libhiredis") +
         " is, and installed with the module";
}

std::unique_ptr<Backplane> make_backplane(const BackplaneUrl& url, BackplaneOptions options,
                                          runtime::EventLoop& loop) {
  if (std::string problem = why_no_engine(url); !problem.empty())
    throw std::runtime_error(problem);
  std::string problem;
  Backplane* const made = load(engine_object(library_of(url)))(url, options, loop, problem);
  if (!made) throw std::runtime_error(problem);
  return std::unique_ptr<Backplane>(made);
}

KeptEngine keep_engine(const BackplaneUrl& url) {
  // Who loads it by the same name gets this one, whatever the file is by then.
  return KeptEngine(::dlopen(engine_object(library_of(url)).c_str(), RTLD_NOW | RTLD_LOCAL),
                    [](void* object) { ::dlclose(object); });
}

}  // namespace cppwebsocket::channels
