// What `SetHandler websocket-client` serves. The build makes it of client/source: see
// client/bundle. Thread: any; it is constant.
#pragma once

#include <array>
#include <string_view>

namespace cppwebsocket::httpd {

struct ClientFile {
  std::string_view name;
  std::string_view content;
};

extern const std::array<ClientFile, 4> client_files;

}  // namespace cppwebsocket::httpd
