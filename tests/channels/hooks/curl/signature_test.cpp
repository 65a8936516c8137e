// Signatures as Standard Webhooks has them. The digest was made with `openssl dgst -sha256 -hmac`.
#include <gtest/gtest.h>

#include "channels/hooks/curl/signature.hpp"
#include "protocol/base64.hpp"

namespace cppwebsocket::channels {
namespace {

TEST(HookSignature, IsHmacSha256OfIdTimestampAndBody) {
  EXPECT_EQ(signature_of("a secret of some length", "msg-1", "1764583000", R"({"event":"connect"})"), "v1,oU3l+TP7scW19xJoFFc17aVFuWDRQb1h4bSCwY/ZEiA=");
}

TEST(HookSignature, ASecretWithPrefixIsBase64) {
  std::string base64 = "whsec_";
  protocol::append_base64(base64, "a secret of some length");
  EXPECT_EQ(signature_of(base64, "i", "1", "b"), signature_of("a secret of some length", "i", "1", "b"));
  EXPECT_NE(signature_of("whsec_?", "i", "1", "b"), signature_of("?", "i", "1", "b"));
}

TEST(HookSignature, EachPartCounts) {
  const std::string whole = signature_of("secret", "i", "1", "b");
  EXPECT_NE(whole, signature_of("other", "i", "1", "b"));
  EXPECT_NE(whole, signature_of("secret", "j", "1", "b"));
  EXPECT_NE(whole, signature_of("secret", "i", "2", "b"));
  EXPECT_NE(whole, signature_of("secret", "i", "1", "c"));
}

}  // namespace
}  // namespace cppwebsocket::channels
