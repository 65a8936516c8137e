#include "runtime/handlers/handler.hpp"

#include <dlfcn.h>
#include <unistd.h>

namespace cppwebsocket::runtime {

std::string path_of_copy(int descriptor) { return "/proc/self/fd/" + std::to_string(descriptor); }

void unload(void* object, int descriptor) noexcept {
  // While the object is mapped, its descriptor's number is its name, and dlopen of another file by
  // the same name would give back this one. An object with STB_GNU_UNIQUE symbols stays mapped
  // for ever (built without -fno-gnu-unique), and so does its name.
  const std::string path = path_of_copy(descriptor);
  ::dlclose(object);
  if (void* still = ::dlopen(path.c_str(), RTLD_NOW | RTLD_NOLOAD))
    ::dlclose(still);
  else
    ::close(descriptor);
}

Handler::~Handler() {
  if (table_.before_unload && *table_.before_unload) (*table_.before_unload)();
  if (object_) unload(object_, descriptor_);
}

}  // namespace cppwebsocket::runtime
