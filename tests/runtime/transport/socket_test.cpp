#include "runtime/transport/socket.hpp"

#include <gtest/gtest.h>

#include <new>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <fcntl.h>

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

bool is_open(int descriptor) { return ::fcntl(descriptor, F_GETFD) >= 0; }

int open_one() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

TEST(Descriptor, IsClosedByItsLastOwner) {
  const int number = open_one();
  {
    runtime::Descriptor first(number);
    runtime::Descriptor second(std::move(first));
    EXPECT_EQ(first.get(), -1);
    EXPECT_EQ(second.get(), number);
    first = std::move(second);
    EXPECT_TRUE(is_open(number));
  }
  EXPECT_FALSE(is_open(number));
}

TEST(Descriptor, ReleasedIsNotClosed) {
  const int number = open_one();
  EXPECT_EQ(runtime::Descriptor(number).release(), number);
  EXPECT_TRUE(is_open(number));
  runtime::Descriptor{number};
}

// What make_unique() does when it has no memory: the argument is there, the object never is.
template <typename Transport, typename... Arguments>
void fail_to_make(Arguments&&...) {
  static_assert(std::is_nothrow_constructible_v<Transport, Arguments...>);
  throw std::bad_alloc();
}

TEST(Descriptor, OfATransportThatCannotBeMadeIsClosed) {
  static_assert(!std::is_constructible_v<runtime::SocketTransport, int>);  // nobody would own it
  const int number = open_one();
  try {
    runtime::Descriptor descriptor(number);
    fail_to_make<runtime::SocketTransport>(std::move(descriptor));
  } catch (const std::bad_alloc&) {
  }
  EXPECT_FALSE(is_open(number));
}

}  // namespace
}  // namespace cppwebsocket::testing
