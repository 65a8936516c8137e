#include "runtime/administration/selection.hpp"

#include <gtest/gtest.h>

#include "runtime/support/session_fixture.hpp"

namespace cppwebsocket::testing {
namespace {

using runtime::Selection, runtime::without_port;

class SelectionOf : public SessionFixture {};

TEST(WithoutPort, LeavesTheAddress) {
  EXPECT_EQ(without_port("192.0.2.1:80"), "192.0.2.1");
  EXPECT_EQ(without_port("[2001:db8::1]:80"), "2001:db8::1");
  EXPECT_EQ(without_port(""), "");
}

TEST_F(SelectionOf, WantsAllThatIsGiven) {
  const runtime::Session& session = *open(echo).session;
  const std::uint64_t id = session.id();
  EXPECT_TRUE(Selection().is_all());
  EXPECT_TRUE(Selection().has(session));
  EXPECT_TRUE(Selection{.id = id}.has(session));
  EXPECT_FALSE(Selection{.id = id + 1}.has(session));
  const std::string name = session.handler().name();
  EXPECT_TRUE(Selection{.handler = name}.has(session));
  EXPECT_FALSE(Selection{.handler = name + "x"}.has(session));
  EXPECT_FALSE((Selection{.id = id + 1, .handler = name}).has(session));
  EXPECT_TRUE(Selection{.user = ""}.has(session));
  EXPECT_FALSE(Selection{.user = "ann"}.has(session));
  EXPECT_FALSE(Selection{.channel = "chat"}.has(session));
  EXPECT_TRUE(Selection{.part = name.substr(1)}.has(session));
  EXPECT_FALSE(Selection{.part = "nowhere"}.has(session));
}

}  // namespace
}  // namespace cppwebsocket::testing
