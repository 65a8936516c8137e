// What a record says beside its message.
#include "channels/store/remarks.hpp"

#include <gtest/gtest.h>

namespace cppwebsocket::channels {
namespace {

TEST(Remarks, AreWhatTheyWere) {
  for (const Remarks& remarks : {Remarks{}, Remarks{.user = "ann"}, Remarks{.event = "price"}, Remarks{.retry_ms = 5000},
                                 Remarks{.ttl_s = 60}, Remarks{.except = "page-1"},
                                 Remarks{"ann", "price", 5000, 4294967295, "page-1"}})
    EXPECT_EQ(unpacked(packed(remarks).value()), remarks);
  EXPECT_EQ(packed({}), "");
  EXPECT_EQ(packed({.user = "ann"}), "ann") << "those who have nothing else pay for nothing else";
}

TEST(Remarks, HaveABoundTogether) {
  EXPECT_EQ(packed({.user = std::string(longest_remarks, 'u')}), std::string(longest_remarks, 'u'));
  EXPECT_FALSE(packed({.user = std::string(longest_remarks + 1, 'u')}));
  EXPECT_FALSE(packed({.user = std::string(longest_remarks - 1, 'u'), .event = "e"}));
}

TEST(Remarks, OfGarbageWhatCanBeRead) {
  using namespace std::string_literals;
  EXPECT_EQ(unpacked("ann\0\0x\0-1\0\0more"s), Remarks{.user = "ann"});
  EXPECT_EQ(unpacked("\0\0\0\0"s), Remarks{});
  EXPECT_EQ(unpacked("ann\0"s), Remarks{.user = "ann"});
  EXPECT_EQ(unpacked("\0\0" "99999999999" "\0" "6x" "\0" "x"s), (Remarks{.except = "x"}));
}

}  // namespace
}  // namespace cppwebsocket::channels
