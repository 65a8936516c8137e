#include "channels/hooks/curl/signature.hpp"

#include <stdexcept>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "protocol/base64.hpp"

namespace cppwebsocket::channels {

namespace {

std::string key_of(std::string_view secret) {
  constexpr std::string_view prefix = "whsec_";
  if (!secret.starts_with(prefix)) return std::string(secret);
  return protocol::decode_base64(secret.substr(prefix.size())).value_or(std::string(secret));
}

}  // namespace

std::string signature_of(std::string_view secret, std::string_view id, std::string_view timestamp, std::string_view body) {
  std::string text(id);
  text.append(".").append(timestamp).append(".").append(body);
  const std::string key = key_of(secret);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (!::HMAC(::EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
              text.size(), digest, &size))
    throw std::runtime_error("OpenSSL has no HMAC-SHA256");
  std::string signature = "v1,";
  protocol::append_base64(signature, {reinterpret_cast<const char*>(digest), size});
  return signature;
}

}  // namespace cppwebsocket::channels
