#include "channels/object_file.hpp"

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
std::string path_of(std::string_view name) {
  const std::string file = "/cppwebsocket_" + std::string(name) + ".so";
  const std::string beside = own_folder() + file;
  return ::access(beside.c_str(), R_OK) == 0 ? beside : CPPWEBSOCKET_ENGINE_DIR + file;
}

}  // namespace

std::string why_no_object(std::string_view name, std::string_view library) {
  const std::string file = path_of(name);
  if (::access(file.c_str(), R_OK) == 0) return {};
  return file + " is missing: it is built where " + std::string(library) + " is, and installed with the module";
}

void* load_function(std::string_view name, const char* symbol) {
  const std::string file = path_of(name);
  void* const object = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (!object) throw std::runtime_error(::dlerror());
  const auto* const version = static_cast<const char*>(::dlsym(object, object_version_symbol));
  void* const function = ::dlsym(object, symbol);
  if (!version || !function) throw std::runtime_error(file + " is no engine of mod_cppwebsocket");
  if (std::string_view(version) != CPPWEBSOCKET_VERSION)
    throw std::runtime_error(file + " is of version " + version +
                             ", and mod_cppwebsocket of " CPPWEBSOCKET_VERSION
                             ": both have to be installed, and httpd restarted");
  return function;
}

KeptObject keep_object(std::string_view name) {
  // Who loads it by the same name gets this one, whatever the file is by then.
  return KeptObject(::dlopen(path_of(name).c_str(), RTLD_NOW | RTLD_LOCAL), [](void* object) { ::dlclose(object); });
}

}  // namespace cppwebsocket::channels
