// The real artefact: NAME_wsh.so as it was built, opened as httpd's child opens it.
#pragma once

#include <dlfcn.h>

#include <stdexcept>
#include <string>

#include <cppwebsocket/handler_table.hpp>

namespace cppwebsocket::testing {

// Must outlive what comes from it: the request, and every exception that the handler raises.
class HandlerFile {
 public:
  explicit HandlerFile(const std::string& name)
      : object_(dlopen((HANDLER_DIR "/" + name + "_wsh.so").c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (!object_) throw std::runtime_error(dlerror());
    table_ = static_cast<const HandlerTable*>(dlsym(object_, handler_table_symbol));
    if (!table_) throw std::runtime_error(dlerror());
  }
  ~HandlerFile() { dlclose(object_); }
  HandlerFile(const HandlerFile&) = delete;
  HandlerFile& operator=(const HandlerFile&) = delete;

  operator const HandlerTable&() const { return *table_; }

 private:
  void* object_;
  const HandlerTable* table_ = nullptr;
};

}  // namespace cppwebsocket::testing
