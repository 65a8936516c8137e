#include "runtime/handler.hpp"

#include <dlfcn.h>
#include <unistd.h>

namespace cppwebsocket::runtime {

Handler::~Handler() {
  if (object_) ::dlclose(object_);
  // Only now: while the object is mapped, its descriptor's number is its name, and dlopen of
  // another file by the same name would give back this one.
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace cppwebsocket::runtime
