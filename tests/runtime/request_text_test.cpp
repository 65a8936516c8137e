#include "runtime/request_text.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace cppwebsocket::testing {
namespace {

// A record whose views point into strings that the test then destroys.
class RequestText : public ::testing::Test {
 protected:
  std::string_view keep(const std::string& text) {
    return *texts_.emplace_back(std::make_unique<std::string>(text));
  }
  void overwrite_originals() {
    for (auto& text : texts_) std::fill(text->begin(), text->end(), '#');
    texts_.clear();
    headers_.assign(headers_.size(), Header{"#", "#"});
    environment_.clear();
  }

  detail::RequestRecord record_;
  std::vector<std::unique_ptr<std::string>> texts_;
  std::vector<Header> headers_, environment_;
};

TEST_F(RequestText, EverythingSurvivesWhatItWasCopiedFrom) {
  record_.location = keep("ws://somewhere.example:8080/foo/bar?x=1&y=two");
  record_.resource = keep("/foo/bar, which is long enough to live on the heap");
  record_.query = keep("x=1&y=two");
  record_.unparsed_uri = keep("/foo/bar?x=1&y=two");
  record_.remote_address = keep("192.0.2.1:1234");
  record_.local_address = keep("[2001:db8::1]:1234");
  record_.user = keep("somebody");
  record_.handler_name = keep("foo/bar_wsh.so");
  record_.extensions = keep("permessage-deflate; server_no_context_takeover");
  record_.origin = keep("http://somewhere.example");
  record_.protocol = keep("chat.v1");
  headers_ = {{keep("Host"), keep("somewhere.example:8080")}, {keep("Cookie"), keep("a=b; c=d")}};
  environment_ = {{keep("SSL_CLIENT_S_DN"), keep("CN=somebody")}};
  record_.headers = headers_;
  record_.environment = environment_;

  runtime::own_text(record_);
  overwrite_originals();

  EXPECT_EQ(record_.location, "ws://somewhere.example:8080/foo/bar?x=1&y=two");
  EXPECT_EQ(record_.resource, "/foo/bar, which is long enough to live on the heap");
  EXPECT_EQ(record_.query, "x=1&y=two");
  EXPECT_EQ(record_.unparsed_uri, "/foo/bar?x=1&y=two");
  EXPECT_EQ(record_.remote_address, "192.0.2.1:1234");
  EXPECT_EQ(record_.local_address, "[2001:db8::1]:1234");
  EXPECT_EQ(record_.user, "somebody");
  EXPECT_EQ(record_.handler_name, "foo/bar_wsh.so");
  EXPECT_EQ(record_.extensions, "permessage-deflate; server_no_context_takeover");
  EXPECT_EQ(record_.origin, "http://somewhere.example");
  EXPECT_EQ(record_.protocol, "chat.v1");
  ASSERT_EQ(record_.headers.size(), 2u);
  EXPECT_EQ(record_.headers[0].name, "Host");
  EXPECT_EQ(record_.headers[0].value, "somewhere.example:8080");
  EXPECT_EQ(record_.headers[1].name, "Cookie");
  EXPECT_EQ(record_.headers[1].value, "a=b; c=d");
  ASSERT_EQ(record_.environment.size(), 1u);
  EXPECT_EQ(record_.environment[0].name, "SSL_CLIENT_S_DN");
  EXPECT_EQ(record_.environment[0].value, "CN=somebody");
}

TEST_F(RequestText, AbsentStaysAbsentAndEmptyStaysEmpty) {
  record_.protocol = std::string_view();
  runtime::own_text(record_);
  EXPECT_EQ(record_.origin, std::nullopt);
  EXPECT_EQ(record_.protocol, "");
  EXPECT_EQ(record_.user, "");
  EXPECT_TRUE(record_.headers.empty());
  EXPECT_TRUE(record_.environment.empty());
}

TEST_F(RequestText, TextThatIsAlreadyOwnedMayBeCopiedAgain) {
  record_.location = keep("ws://somewhere.example/");
  headers_ = {{keep("Host"), keep("somewhere.example")}};
  record_.headers = headers_;
  runtime::own_text(record_);
  record_.protocol = keep("late");
  runtime::own_text(record_);
  overwrite_originals();
  EXPECT_EQ(record_.location, "ws://somewhere.example/");
  EXPECT_EQ(record_.headers[0].value, "somewhere.example");
  EXPECT_EQ(record_.protocol, "late");
}

}  // namespace
}  // namespace cppwebsocket::testing
