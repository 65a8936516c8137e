#include "runtime/session/request_text.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace cppwebsocket::testing {
namespace {

using detail::Text;
using Pairs = std::vector<std::pair<std::string, std::string>>;

Pairs list(std::string_view packed) {
  Pairs pairs;
  for (const auto [name, value] : HeaderList(packed)) pairs.emplace_back(name, value);
  return pairs;
}

// A record whose views point into strings that the test then destroys.
class RequestText : public ::testing::Test {
 protected:
  RequestText() { record_.handshake = std::make_unique<detail::HandshakeRecord>(); }
  std::string_view keep(const std::string& text) {
    return *texts_.emplace_back(std::make_unique<std::string>(text));
  }
  void overwrite_originals() {
    for (auto& text : texts_) std::fill(text->begin(), text->end(), '#');
    texts_.clear();
  }

  void own_text() {
    runtime::own_text(record_);
    record_.handshake.reset();
    overwrite_originals();
  }
  std::string_view text(Text which) const { return record_.text(which); }

  detail::RequestRecord record_;
  std::vector<std::unique_ptr<std::string>> texts_;

  std::string_view keep_list(std::initializer_list<Header> headers) {
    std::string packed;
    for (const Header& header : headers) HeaderList::append(packed, header.name, header.value);
    return keep(packed);
  }
};

TEST_F(RequestText, EverythingSurvivesWhatItWasCopiedFrom) {
  record_.set_text(Text::location, keep("ws://somewhere.example:8080/foo/bar?x=1&y=two"));
  record_.set_text(Text::resource, keep("/foo/bar, which is long enough to live on the heap"));
  record_.set_text(Text::query, keep("x=1&y=two"));
  record_.set_text(Text::unparsed_uri, keep("/foo/bar?x=1&y=two"));
  record_.set_text(Text::remote_address, keep("192.0.2.1:1234"));
  record_.set_text(Text::local_address, keep("[2001:db8::1]:1234"));
  record_.set_text(Text::user, keep("somebody"));
  record_.set_text(Text::extensions, keep("permessage-deflate; server_no_context_takeover"));
  record_.set_text(Text::origin, keep("http://somewhere.example"));
  record_.set_text(Text::protocol, keep("chat.v1"));
  record_.set_text(Text::headers, keep_list({{"Host", "somewhere.example:8080"}, {"Cookie", "a=b; c=d"}}));
  record_.set_text(Text::environment, keep_list({{"SSL_CLIENT_S_DN", "CN=somebody"}}));

  own_text();

  EXPECT_EQ(text(Text::location), "ws://somewhere.example:8080/foo/bar?x=1&y=two");
  EXPECT_EQ(text(Text::resource), "/foo/bar, which is long enough to live on the heap");
  EXPECT_EQ(text(Text::query), "x=1&y=two");
  EXPECT_EQ(text(Text::unparsed_uri), "/foo/bar?x=1&y=two");
  EXPECT_EQ(text(Text::remote_address), "192.0.2.1:1234");
  EXPECT_EQ(text(Text::local_address), "[2001:db8::1]:1234");
  EXPECT_EQ(text(Text::user), "somebody");
  EXPECT_EQ(text(Text::extensions), "permessage-deflate; server_no_context_takeover");
  EXPECT_EQ(text(Text::origin), "http://somewhere.example");
  EXPECT_EQ(text(Text::protocol), "chat.v1");
  EXPECT_EQ(list(text(Text::headers)), (Pairs{{"Host", "somewhere.example:8080"}, {"Cookie", "a=b; c=d"}}));
  EXPECT_EQ(list(text(Text::environment)), (Pairs{{"SSL_CLIENT_S_DN", "CN=somebody"}}));
}

TEST_F(RequestText, WhatIsPartOfAnotherTextIsKeptOnce) {
  record_.set_text(Text::location, keep("ws://somewhere.example/foo?x=1"));
  record_.set_text(Text::unparsed_uri, keep("/foo?x=1"));
  record_.set_text(Text::resource, keep("/foo"));
  record_.set_text(Text::query, keep("x=1"));
  own_text();
  const auto is_in_location = [&](std::string_view view) {
    return view.data() >= text(Text::location).data() &&
           view.data() + view.size() <= text(Text::location).data() + text(Text::location).size();
  };
  EXPECT_EQ(text(Text::unparsed_uri), "/foo?x=1");
  EXPECT_EQ(text(Text::resource), "/foo");
  EXPECT_EQ(text(Text::query), "x=1");
  EXPECT_TRUE(is_in_location(text(Text::unparsed_uri)));
  EXPECT_TRUE(is_in_location(text(Text::resource)));
  EXPECT_TRUE(is_in_location(text(Text::query)));
}

TEST_F(RequestText, ThereMayBeMuchOfIt) {
  const std::string much(100'000, 'x');
  record_.set_text(Text::location, keep("ws://somewhere.example/"));
  record_.set_text(Text::headers, keep_list({{"Host", "somewhere.example"}, {"X-Much", much}}));
  record_.set_text(Text::user, keep("somebody"));
  own_text();
  EXPECT_EQ(text(Text::location), "ws://somewhere.example/");
  EXPECT_EQ(list(text(Text::headers)), (Pairs{{"Host", "somewhere.example"}, {"X-Much", much}}));
  EXPECT_EQ(text(Text::user), "somebody");
  EXPECT_EQ(record_.optional_text(Text::origin), std::nullopt);
}

TEST_F(RequestText, NamesThatMostHandshakesHaveTakeTwoBytes) {
  std::string packed;
  HeaderList::append(packed, "Sec-WebSocket-Extensions", "x");
  EXPECT_EQ(packed.size(), 4u);
  HeaderList::append(packed, "sec-websocket-extensions", "y");
  HeaderList::append(packed, "", "of no name");
  HeaderList::append(packed, "Via", "");
  HeaderList::append(packed, "X", "");
  EXPECT_EQ(list(packed), (Pairs{{"Sec-WebSocket-Extensions", "x"},
                                 {"sec-websocket-extensions", "y"},
                                 {"", "of no name"},
                                 {"Via", ""},
                                 {"X", ""}}));
}

TEST_F(RequestText, AtEachSizeWhereItsPlacesBecomeLarger) {
  for (const std::size_t border : {std::size_t{256}, std::size_t{65536}})
    for (std::size_t size = border - 60; size <= border + 4; ++size) {
      record_.handshake = std::make_unique<detail::HandshakeRecord>();
      const std::string much(size - 8, 'x');
      record_.set_text(Text::location, keep(much));
      record_.set_text(Text::protocol, keep("the last"));
      own_text();
      ASSERT_EQ(text(Text::location), much) << size;
      ASSERT_EQ(text(Text::protocol), "the last") << size;
      ASSERT_EQ(record_.optional_text(Text::origin), std::nullopt);
    }
}

TEST_F(RequestText, AbsentStaysAbsentAndEmptyStaysEmpty) {
  record_.set_text(Text::protocol, std::string_view());
  own_text();
  EXPECT_EQ(record_.optional_text(Text::origin), std::nullopt);
  EXPECT_EQ(record_.optional_text(Text::protocol), "");
  EXPECT_EQ(text(Text::user), "");
  EXPECT_TRUE(text(Text::headers).empty());
  EXPECT_TRUE(text(Text::environment).empty());
}

}  // namespace
}  // namespace cppwebsocket::testing
