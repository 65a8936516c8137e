#include "runtime/transport/tls_bio.hpp"

#include <algorithm>
#include <cstring>
#include <new>

namespace cppwebsocket::runtime {

BIO* TlsBio::make(TlsTransport& transport) {
  static BIO_METHOD* const method = make_method();  // for ever
  BIO* const bio = method ? openssl().BIO_new(method) : nullptr;
  if (!bio) throw std::bad_alloc();
  openssl().BIO_set_data(bio, &transport);
  openssl().BIO_set_init(bio, 1);
  return bio;
}

BIO_METHOD* TlsBio::make_method() noexcept {
  const OpenSsl& ssl = openssl();
  BIO_METHOD* const method =
      ssl.BIO_meth_new(ssl.BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "mod_cppwebsocket");
  if (!method) return nullptr;
  ssl.BIO_meth_set_read(method, read);
  ssl.BIO_meth_set_write(method, write);
  ssl.BIO_meth_set_ctrl(method, control);
  return method;
}

TlsTransport& TlsBio::of(BIO* bio) noexcept {
  return *static_cast<TlsTransport*>(openssl().BIO_get_data(bio));
}

int TlsBio::read(BIO* bio, char* buffer, int size) noexcept {
  std::string_view& input = of(bio).input_;
  openssl().BIO_clear_flags(bio, BIO_FLAGS_RWS | BIO_FLAGS_SHOULD_RETRY);
  if (input.empty()) {
    openssl().BIO_set_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY);
    return -1;
  }
  const std::size_t count = std::min(static_cast<std::size_t>(size), input.size());
  std::memcpy(buffer, input.data(), count);
  input.remove_prefix(count);
  return static_cast<int>(count);
}

int TlsBio::write(BIO* bio, const char* bytes, int size) noexcept {
  TlsTransport& transport = of(bio);
  openssl().BIO_clear_flags(bio, BIO_FLAGS_RWS | BIO_FLAGS_SHOULD_RETRY);
  if (transport.unsent() + static_cast<std::size_t>(size) > most_unsent) return -1;
  try {
    transport.unsent_.append(bytes, static_cast<std::size_t>(size));
  } catch (const std::bad_alloc&) {
    return -1;
  }
  return size;
}

long TlsBio::control(BIO*, int command, long, void*) noexcept {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

}  // namespace cppwebsocket::runtime
