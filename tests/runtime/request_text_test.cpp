#include "runtime/request_text.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace cppwebsocket::testing {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

Pairs list(std::string_view packed) {
  Pairs pairs;
  for (const auto [name, value] : HeaderList(packed)) pairs.emplace_back(name, value);
  return pairs;
}

// A record whose views point into strings that the test then destroys.
class RequestText : public ::testing::Test {
 protected:
  std::string_view keep(const std::string& text) {
    return *texts_.emplace_back(std::make_unique<std::string>(text));
  }
  void overwrite_originals() {
    for (auto& text : texts_) std::fill(text->begin(), text->end(), '#');
    texts_.clear();
  }

  detail::RequestRecord record_;
  std::vector<std::unique_ptr<std::string>> texts_;

  std::string_view keep_list(std::initializer_list<Header> headers) {
    std::string packed;
    for (const Header& header : headers) HeaderList::append(packed, header.name, header.value);
    return keep(packed);
  }
};

TEST_F(RequestText, EverythingSurvivesWhatItWasCopiedFrom) {
  record_.location = keep("ws://somewhere.example:8080/foo/bar?x=1&y=two");
  record_.resource = keep("/foo/bar, which is long enough to live on the heap");
  record_.query = keep("x=1&y=two");
  record_.unparsed_uri = keep("/foo/bar?x=1&y=two");
  record_.remote_address = keep("192.0.2.1:1234");
  record_.local_address = keep("[2001:db8::1]:1234");
  record_.user = keep("somebody");
  record_.extensions = keep("permessage-deflate; server_no_context_takeover");
  record_.origin = keep("http://somewhere.example");
  record_.protocol = keep("chat.v1");
  record_.headers = keep_list({{"Host", "somewhere.example:8080"}, {"Cookie", "a=b; c=d"}});
  record_.environment = keep_list({{"SSL_CLIENT_S_DN", "CN=somebody"}});

  runtime::own_text(record_);
  overwrite_originals();

  EXPECT_EQ(record_.location, "ws://somewhere.example:8080/foo/bar?x=1&y=two");
  EXPECT_EQ(record_.resource, "/foo/bar, which is long enough to live on the heap");
  EXPECT_EQ(record_.query, "x=1&y=two");
  EXPECT_EQ(record_.unparsed_uri, "/foo/bar?x=1&y=two");
  EXPECT_EQ(record_.remote_address, "192.0.2.1:1234");
  EXPECT_EQ(record_.local_address, "[2001:db8::1]:1234");
  EXPECT_EQ(record_.user, "somebody");
  EXPECT_EQ(record_.extensions, "permessage-deflate; server_no_context_takeover");
  EXPECT_EQ(record_.origin, "http://somewhere.example");
  EXPECT_EQ(record_.protocol, "chat.v1");
  EXPECT_EQ(list(record_.headers), (Pairs{{"Host", "somewhere.example:8080"}, {"Cookie", "a=b; c=d"}}));
  EXPECT_EQ(list(record_.environment), (Pairs{{"SSL_CLIENT_S_DN", "CN=somebody"}}));
}

TEST_F(RequestText, WhatIsPartOfAnotherTextIsKeptOnce) {
  record_.location = keep("ws://somewhere.example/foo?x=1");
  record_.unparsed_uri = keep("/foo?x=1");
  record_.resource = keep("/foo");
  record_.query = keep("x=1");
  runtime::own_text(record_);
  overwrite_originals();
  const auto is_in_location = [&](std::string_view view) {
    return view.data() >= record_.location.data() &&
           view.data() + view.size() <= record_.location.data() + record_.location.size();
  };
  EXPECT_EQ(record_.unparsed_uri, "/foo?x=1");
  EXPECT_EQ(record_.resource, "/foo");
  EXPECT_EQ(record_.query, "x=1");
  EXPECT_TRUE(is_in_location(record_.unparsed_uri));
  EXPECT_TRUE(is_in_location(record_.resource));
  EXPECT_TRUE(is_in_location(record_.query));
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
  record_.headers = keep_list({{"Host", "somewhere.example"}});
  runtime::own_text(record_);
  record_.protocol = keep("late");
  runtime::own_text(record_);
  overwrite_originals();
  EXPECT_EQ(record_.location, "ws://somewhere.example/");
  EXPECT_EQ(list(record_.headers), (Pairs{{"Host", "somewhere.example"}}));
  EXPECT_EQ(record_.protocol, "late");
}

}  // namespace
}  // namespace cppwebsocket::testing
