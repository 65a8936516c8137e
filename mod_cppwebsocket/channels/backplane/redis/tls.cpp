#include "channels/backplane/redis/tls.hpp"

#include <cerrno>
#include <cstring>
#include <new>
#include <stdexcept>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

namespace cppwebsocket::channels {

namespace {

struct FreePem {
  void operator()(BIO* bio) const noexcept { ::BIO_free(bio); }
  void operator()(X509* certificate) const noexcept { ::X509_free(certificate); }
  void operator()(EVP_PKEY* key) const noexcept { ::EVP_PKEY_free(key); }
};
using Pem = std::unique_ptr<BIO, FreePem>;
using Certificate = std::unique_ptr<X509, FreePem>;
using Key = std::unique_ptr<EVP_PKEY, FreePem>;

std::string reason_of(unsigned long error) {
  const char* const text = ::ERR_reason_error_string(error);
  return text ? text : "OpenSSL's error " + std::to_string(error);
}

[[noreturn]] void fail_with(const std::string& what) {
  throw std::runtime_error(what + " (OpenSSL: " + reason_of(::ERR_peek_last_error()) + ")");
}

Pem open_pem(const std::string& text) {
  Pem pem(::BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  if (!pem) throw std::bad_alloc();
  return pem;
}

// Nobody is there to be asked for one.
int no_passphrase(char*, int, int, void*) noexcept { return 0; }

Certificate next_certificate(const Pem& pem) {
  return Certificate(::PEM_read_bio_X509_AUX(pem.get(), nullptr, no_passphrase, nullptr));
}

void trust(SSL_CTX* context, const std::string& authorities) {
  const Pem pem = open_pem(authorities);
  X509_STORE* const store = ::SSL_CTX_get_cert_store(context);
  int count = 0;
  for (Certificate one; (one = next_certificate(pem)); ++count)
    if (::X509_STORE_add_cert(store, one.get()) != 1)
      fail_with("a certificate in WebSocketBackplaneCACertificateFile cannot be used");
  if (count == 0) fail_with("WebSocketBackplaneCACertificateFile has no certificate that can be read");
}

void show(SSL_CTX* context, const std::string& own) {
  const Pem certificates = open_pem(own), keys = open_pem(own);
  const Certificate first = next_certificate(certificates);
  if (!first || ::SSL_CTX_use_certificate(context, first.get()) != 1)
    fail_with("WebSocketBackplaneCertificateFile has no certificate that can be used");
  while (const Certificate issuer = next_certificate(certificates))
    if (::SSL_CTX_add1_chain_cert(context, issuer.get()) != 1)
      fail_with("a certificate in WebSocketBackplaneCertificateFile cannot be used");
  ::ERR_clear_error();  // of the end
  const Key key(::PEM_read_bio_PrivateKey(keys.get(), nullptr, no_passphrase, nullptr));
  if (!key) fail_with("WebSocketBackplaneCertificateFile has no key that can be read");
  if (::SSL_CTX_use_PrivateKey(context, key.get()) != 1)
    fail_with("the key in WebSocketBackplaneCertificateFile is not that of its first certificate");
}

std::string refused_certificate(long why) {
  const bool is_name = why == X509_V_ERR_HOSTNAME_MISMATCH || why == X509_V_ERR_IP_ADDRESS_MISMATCH;
  return std::string("its certificate is not accepted: ") + ::X509_verify_cert_error_string(why) +
         (is_name ? " (it has to be for the host that WebSocketBackplane names)"
                  : " (WebSocketBackplaneCACertificateFile is for the CA that has issued it)");
}

}  // namespace

RedisTls::RedisTls(const BackplaneTls& options) : context_(::SSL_CTX_new(::TLS_client_method())) {
  if (!context_) throw std::bad_alloc();
  ::ERR_clear_error();
  SSL_CTX* const context = context_.get();
  ::SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  ::SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
  ::SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  ::SSL_CTX_set_verify(context, options.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (!options.authorities.empty())
    trust(context, options.authorities);
  else if (options.verify && ::SSL_CTX_set_default_verify_paths(context) != 1)
    fail_with("cannot read the system's CA certificates");
  if (!options.certificate.empty()) show(context, options.certificate);
}

std::unique_ptr<SSL, FreeSsl> RedisTls::begin(int descriptor, const std::string& host) const {
  std::unique_ptr<SSL, FreeSsl> made(::SSL_new(context_.get()));
  if (!made || ::SSL_set_fd(made.get(), descriptor) != 1) return nullptr;
  X509_VERIFY_PARAM* const expected = ::SSL_get0_param(made.get());
  if (::X509_VERIFY_PARAM_set1_ip_asc(expected, host.c_str()) != 1) {
    ::X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (::X509_VERIFY_PARAM_set1_host(expected, host.data(), host.size()) != 1) return nullptr;
    ::SSL_set_tlsext_host_name(made.get(), host.c_str());
  }
  ::SSL_set_connect_state(made.get());
  return made;
}

std::string RedisTls::problem_of(const SSL* connection, int result) {
  const int number = errno;
  const int kind = ::SSL_get_error(connection, result);
  if (kind == SSL_ERROR_ZERO_RETURN) return redis_closed;
  if (kind == SSL_ERROR_SYSCALL) return number == 0 ? redis_closed : std::strerror(number);
  const long verified = ::SSL_get_verify_result(connection);
  if (verified != X509_V_OK && ::SSL_get_verify_mode(connection) != SSL_VERIFY_NONE)
    return refused_certificate(verified);
  const unsigned long error = ::ERR_peek_last_error();
  switch (::ERR_GET_REASON(error)) {
    case SSL_R_UNEXPECTED_EOF_WHILE_READING: return redis_closed;
    case SSL_R_WRONG_VERSION_NUMBER: return "it does not speak TLS at this port";
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
      return reason_of(error) + " (it may want a certificate of this httpd: WebSocketBackplaneCertificateFile)";
    default: return "TLS: " + reason_of(error);
  }
}

}  // namespace cppwebsocket::channels
