#include "runtime/transport/socket.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "runtime/support/socket_client.hpp"

namespace cppwebsocket::testing {
namespace {

using runtime::IoStatus;

TEST(SocketTransport, HasInputOnlyWhileReadsTakeAllThatTheyHaveRoomFor) {
  SocketClient client;
  const auto transport = client.transport();
  std::vector<char> buffer(100);
  EXPECT_FALSE(transport->has_input());
  client.send(std::string(250, 'x'));
  for (const std::size_t bytes : {100, 100, 50}) {
    const auto result = transport->read(buffer);
    EXPECT_EQ(result.status, IoStatus::ok);
    EXPECT_EQ(result.bytes, bytes);
    EXPECT_EQ(transport->has_input(), bytes == buffer.size());
  }
  client.send(std::string(100, 'x'));
  EXPECT_EQ(transport->read(buffer).bytes, 100U);
  EXPECT_TRUE(transport->has_input());
  EXPECT_EQ(transport->read(buffer).status, IoStatus::would_block);
  EXPECT_FALSE(transport->has_input());
  client.close();
  EXPECT_EQ(transport->read(buffer).status, IoStatus::closed);
  EXPECT_FALSE(transport->has_input());
}

}  // namespace
}  // namespace cppwebsocket::testing
