#include "runtime/handlers/handler.hpp"

#include <dlfcn.h>

namespace cppwebsocket::runtime {

void unload(void* object, PrivateCopy copy) noexcept {
  // While the object is mapped, its name is taken: dlopen of another file by the same one would
  // give back this one. An object with STB_GNU_UNIQUE symbols stays mapped for ever (built without
  // -fno-gnu-unique), and so does its name.
  ::dlclose(object);
  if (void* still = ::dlopen(copy.path().c_str(), RTLD_NOW | RTLD_NOLOAD)) {
    ::dlclose(still);
    copy.keep();
  }
}

Handler::~Handler() {
  if (table_.before_unload && *table_.before_unload) (*table_.before_unload)();
  if (object_) unload(object_, std::move(copy_));
}

}  // namespace cppwebsocket::runtime
