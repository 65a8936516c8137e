// A binary message as a client with permessage-deflate sends it.
#pragma once

#include <string>
#include <string_view>

#include "protocol/support/deflate_peer.hpp"
#include "runtime/support/session_fixture.hpp"

namespace cppwebsocket::testing {

inline std::string compressed_frame(protocol::test::Peer& client, std::string_view payload) {
  std::string frame = client_frame(binary, client.compress(payload));
  frame[0] = static_cast<char>(frame[0] | 0x40);  // RSV1
  return frame;
}

}  // namespace cppwebsocket::testing
