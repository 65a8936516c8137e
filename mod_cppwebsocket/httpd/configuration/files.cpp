#include "httpd/configuration/files.hpp"

#include "httpd/module.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>

namespace cppwebsocket::httpd {

namespace {

constexpr std::size_t largest_pem = 1 << 20;

}  // namespace

void fail_to_read(const std::string& path) {
  throw std::runtime_error("cannot read " + path + ": " + std::strerror(errno));
}

std::string read_pem(cmd_parms* command, const char* argument) {
  const char* path = ap_server_root_relative(command->pool, argument);
  errno = 0;
  std::ifstream file(path ? path : argument, std::ios::binary);
  if (!file.is_open()) fail_to_read(argument);
  std::string text(largest_pem + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || (file.gcount() == 0 && errno != 0)) fail_to_read(argument);
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > largest_pem) throw std::runtime_error(std::string(argument) + " is larger than 1M");
  if (text.find("-----BEGIN CERTIFICATE-----") == text.npos || text.find('\0') != text.npos)
    throw std::runtime_error(std::string(argument) + " has no certificate in PEM (-----BEGIN CERTIFICATE-----)");
  return text;
}

}  // namespace cppwebsocket::httpd
