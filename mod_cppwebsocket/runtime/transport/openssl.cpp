#include "runtime/transport/openssl.hpp"

#include <cassert>

namespace cppwebsocket::runtime {

namespace {
// Global, because what OpenSSL calls back has nothing else to go by.
OpenSsl functions{};
bool loaded = false;
}  // namespace

const char* load_openssl(const std::function<void*(const char*)>& find) {
  const char* missing = nullptr;
#define CPPWEBSOCKET_FIND(name)                                             \
  functions.name = reinterpret_cast<decltype(functions.name)>(find(#name)); \
  if (!functions.name && !missing) missing = #name;
  CPPWEBSOCKET_OPENSSL_FUNCTIONS(CPPWEBSOCKET_FIND)
#undef CPPWEBSOCKET_FIND
  loaded = !missing;
  return missing;
}

bool has_openssl() noexcept { return loaded; }

const OpenSsl& openssl() noexcept {
  assert(loaded);
  return functions;
}

}  // namespace cppwebsocket::runtime
