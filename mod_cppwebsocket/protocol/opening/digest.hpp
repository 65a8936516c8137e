// The digests that handshakes need, supplied from outside (httpd/ brings APR's).
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace cppwebsocket::protocol {

struct Digest {
  std::array<unsigned char, 20> (*sha1)(std::string_view bytes);
  std::array<unsigned char, 16> (*md5)(std::string_view bytes);
  std::string (*base64_encode)(std::string_view bytes);
};

}  // namespace cppwebsocket::protocol
