#include "httpd/ways_in/library.hpp"

#include <apr_dso.h>
#include <apr_portable.h>

#include <dlfcn.h>

namespace cppwebsocket::httpd {

void* library_of(const module* other) noexcept {
  apr_os_dso_handle_t library = nullptr;
  if (other->dynamic_load_handle)
    apr_os_dso_handle_get(&library, static_cast<apr_dso_handle_t*>(other->dynamic_load_handle));
  return library ? library : RTLD_DEFAULT;
}

void pin_library(const void* function) noexcept {
  Dl_info library{};
  if (::dladdr(function, &library) != 0 && library.dli_fname)
    ::dlopen(library.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
}

std::string_view file_of(const void* function) noexcept {
  Dl_info library{};
  if (::dladdr(function, &library) == 0 || !library.dli_fname) return "an unknown module";
  const std::string_view path = library.dli_fname;
  return path.substr(path.rfind('/') + 1);
}

}  // namespace cppwebsocket::httpd
