#include "httpd/request/apr_digest.hpp"

#include <array>
#include <string>
#include <string_view>

#include <apr_base64.h>
#include <apr_md5.h>
#include <apr_sha1.h>

namespace cppwebsocket::httpd {

namespace {

const unsigned char* octets(std::string_view bytes) noexcept {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

std::array<unsigned char, APR_SHA1_DIGESTSIZE> sha1(std::string_view bytes) {
  apr_sha1_ctx_t state;
  apr_sha1_init(&state);
  apr_sha1_update_binary(&state, octets(bytes), static_cast<unsigned int>(bytes.size()));
  std::array<unsigned char, APR_SHA1_DIGESTSIZE> digest;
  apr_sha1_final(digest.data(), &state);
  return digest;
}

std::array<unsigned char, APR_MD5_DIGESTSIZE> md5(std::string_view bytes) {
  std::array<unsigned char, APR_MD5_DIGESTSIZE> digest;
  apr_md5(digest.data(), bytes.data(), bytes.size());
  return digest;
}

std::string base64_encode(std::string_view bytes) {
  const int size = static_cast<int>(bytes.size());
  std::string text(static_cast<std::size_t>(apr_base64_encode_len(size)), '\0');
  // APR counts and writes the terminating NUL, which the string keeps for itself.
  text.resize(
      static_cast<std::size_t>(apr_base64_encode_binary(text.data(), octets(bytes), size) - 1));
  return text;
}

}  // namespace

const protocol::Digest apr_digest{&sha1, &md5, &base64_encode};

}  // namespace cppwebsocket::httpd
