// OpenSSL, found at run time. A TLS connection that httpd has begun goes on in the very library in
// which it began, mod_ssl's; so this module is not linked with one of its own, and loads where
// there is none. Thread: load_openssl: start-up, before there are others; the rest: any.
#pragma once

#include <functional>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

namespace cppwebsocket::runtime {

// All that transport/tls.cpp and httpd/ways_in/tls.cpp call. Each is in OpenSSL 1.1.0 and later.
// clang-format off
#define CPPWEBSOCKET_OPENSSL_FUNCTIONS(each) \
  each(BIO_clear_flags) each(BIO_get_data) each(BIO_get_new_index) each(BIO_meth_new) \
  each(BIO_meth_set_ctrl) each(BIO_meth_set_read) each(BIO_meth_set_write) each(BIO_new) \
  each(BIO_set_data) each(BIO_set_flags) each(BIO_set_init) each(ERR_clear_error) each(SSL_ctrl) \
  each(SSL_free) each(SSL_get_error) each(SSL_get_shutdown) each(SSL_pending) each(SSL_read) \
  each(SSL_set_bio) each(SSL_set_ex_data) each(SSL_set_options) each(SSL_set_quiet_shutdown) \
  each(SSL_set_shutdown) each(SSL_shutdown) each(SSL_up_ref) each(SSL_write)
// clang-format on

struct OpenSsl {
#define CPPWEBSOCKET_MEMBER(name) decltype(&::name) name;
  CPPWEBSOCKET_OPENSSL_FUNCTIONS(CPPWEBSOCKET_MEMBER)
#undef CPPWEBSOCKET_MEMBER
};

// `find` gives a function's address by its name, or null. Returns the name of the first function
// that is missing, or null if openssl() may be used from now on.
const char* load_openssl(const std::function<void*(const char*)>& find);

bool has_openssl() noexcept;
const OpenSsl& openssl() noexcept;

}  // namespace cppwebsocket::runtime
