// Publishing, joining and leaving, as handlers see it.
#include "channels/support/channel_fixture.hpp"
#include "protocol/frames/utf8.hpp"
#include "runtime/limits/table.hpp"

namespace cppwebsocket::testing {
namespace {

class Hub : public ChannelFixture {};

TEST_F(Hub, GivesAMessageToAllMembersAndToNobodyElse) {
  Connection& ann = member("chat");
  Connection& bob = member("chat");
  Connection& eve = member("other");
  EXPECT_TRUE(publish("chat", "hello"));
  EXPECT_EQ(ann.take_words(), Words{"text:hello"});
  EXPECT_EQ(bob.take_words(), Words{"text:hello"});
  EXPECT_EQ(eve.take_words(), Words{});
}

TEST_F(Hub, GivesTheSenderItsOwnMessageInOrder) {
  Connection& ann = open([](Request& request) -> Task<> {
    auto room = Channel::named("chat").join(request);
    while (auto message = co_await msgutil::receive_message(request)) {
      room.publish(std::move(*message));
      co_await msgutil::send_message(request, "published");
    }
  });
  receive(ann, client_text("1") + client_text("2"));
  settle();
  EXPECT_EQ(ann.take_words(), (Words{"text:published", "text:published", "text:1", "text:2"}));
}

TEST_F(Hub, PublishesWithTheOptionsWithWhichAMemberJoined) {
  const auto publisher = [](std::uint32_t history) {
    return [history](Request& request) -> Task<> {
      auto room = Channel::named("chat", {.history = history}).join(request);
      while (auto message = co_await msgutil::receive_message(request))
        room.publish(std::move(*message));
    };
  };
  Connection& ann = open(publisher(3));
  Connection& bob = open(publisher(7));
  receive(ann, client_text("1"));
  EXPECT_EQ(store_.bound("chat").messages, 3u);
  receive(bob, client_text("2"));
  EXPECT_EQ(store_.bound("chat").messages, 7u);
  receive(ann, client_text("3"));
  EXPECT_EQ(store_.bound("chat").messages, 3u);
}

TEST_F(Hub, HearsWhatAnotherChildPublishes) {
  OtherChild other(*memory_);
  Connection& ann = member("chat");
  other.hub.publish("chat", ChannelOptions(), Message("from afar"));
  settle();
  EXPECT_EQ(ann.take_words(), Words{"text:from afar"});
}

TEST_F(Hub, EncodesForEachVersionOfTheProtocol) {
  Connection& draft = member("chat", {}, Script{.version = Version::draft75});
  Connection& modern = member("chat");
  publish("chat", "hi");
  publish("chat", Message::binary(std::string("\x01\x02")));
  EXPECT_EQ(draft.peer->take_output(), std::string("\x00hi\xff", 4));
  EXPECT_EQ(modern.take_words(), (Words{"text:hi", "binary:\x01\x02"}));
}

// The answers would come in on the thread that waits for them.
TEST_F(Hub, WhatWaitsForAReactorRaisesThere) {
  const Channel chat = Channel::named("chat");
  EXPECT_THROW(chat.members(), BadOperationException);
  std::size_t members = 7;
  std::thread([&] { members = chat.members(); }).join();
  EXPECT_EQ(members, 0u);
  std::string said;
  open([&](Request& request) -> Task<> {
    try {
      chat.members();
    } catch (const BadOperationException& error) {
      said = error.what();
    }
    members = co_await request.run_blocking([&] { return chat.members() + 1; });
  });
  EXPECT_NE(said.find("run_blocking"), said.npos);
  EXPECT_TRUE(loop_.run_until([&] { return members == 1; }));
}

TEST_F(Hub, LeavesAtTheEndOfTheScope) {
  Connection& ann = open([](Request& request) -> Task<> {
    {
      auto room = Channel::named("chat").join(request);
      co_await msgutil::receive_message(request);
    }
    co_await msgutil::receive_message(request);
  });
  EXPECT_EQ(hub_.local_members("chat"), 1u);
  receive(ann, client_text("leave"));
  EXPECT_EQ(hub_.local_members("chat"), 0u);
  publish("chat", "nobody");
  EXPECT_EQ(ann.take_words(), Words{});
}

TEST_F(Hub, LeavesWhenTheConnectionEnds) {
  Connection& ann = member("chat");
  lose(ann);
  EXPECT_TRUE(ann.gone);
  EXPECT_EQ(hub_.local_members("chat"), 0u);
  EXPECT_EQ(hub_.counters().memberships, 0u);
  EXPECT_TRUE(hub_.channels_in_use().empty());
}

TEST_F(Hub, ForgetsAMembershipThatOutlivesItsConnection) {
  std::optional<Membership> kept;
  Connection& ann = open([&](Request& request) -> Task<> {
    kept.emplace(Channel::named("chat").join(request));
    co_return;
  });
  receive(ann, client_close());
  lose(ann);
  ASSERT_TRUE(ann.gone);
  EXPECT_EQ(hub_.local_members("chat"), 0u);
  publish("chat", "nobody");
  EXPECT_THROW(kept->publish("too late"), ConnectionTerminatedException);
}

TEST_F(Hub, MayBeJoinedSeveralTimes) {
  Connection& ann = open([](Request& request) -> Task<> {
    auto one = Channel::named("chat").join(request);
    auto two = Channel::named("chat").join(request);
    co_await msgutil::receive_message(request);
  });
  publish("chat", "hi");
  EXPECT_EQ(ann.take_words(), (Words{"text:hi", "text:hi"}));
}

TEST_F(Hub, GivesNothingFromBeforeTheJoin) {
  member("chat");  // so that the channel is read anyway
  Channel::named("chat").publish("before");
  Connection& late = member("chat");
  publish("chat", "after");
  EXPECT_EQ(late.take_words(), Words{"text:after"});
}

TEST_F(Hub, NeverBreaksAFragmentedMessage) {
  Connection& ann = open([](Request& request) -> Task<> {
    auto room = Channel::named("chat").join(request);
    co_await msgutil::send_message(request, "one ", false);
    co_await msgutil::receive_message(request);
    co_await msgutil::send_message(request, "message");
    co_await msgutil::receive_message(request);
  });
  publish("chat", "from the channel");
  EXPECT_EQ(server_frames(ann.peer->take_output()).size(), 1u);
  receive(ann, client_text("go on"));
  settle();
  const auto frames = server_frames(ann.peer->take_output());
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].payload, "message");
  EXPECT_EQ(frames[1].payload, "from the channel");
}

TEST_F(Hub, RefusesTextsThatAreNotUtf8) {
  Connection& ann = member("chat");
  EXPECT_THROW(Channel::named("chat").publish("\xff"), InvalidUTF8Exception);
  settle();
  EXPECT_EQ(ann.take_words(), Words{});
}

TEST_F(Hub, RefusesNamesThatAreNone) {
  EXPECT_THROW(Channel::named(""), BadOperationException);
  EXPECT_THROW(Channel::named(std::string(256, 'x')), BadOperationException);
  EXPECT_EQ(Channel::named(std::string(255, 'x')).name().size(), 255u);
  for (const std::string_view wrong : {"a\nb", "a\rb", "\x1f", "\x7f", "caf\xe9", "\xc0\x80",
                                       "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe3\x82"})
    EXPECT_THROW(Channel::named(std::string(wrong)), BadOperationException) << wrong;
  EXPECT_FALSE(Channel::may_be_named(std::string_view("a\0b", 3)));
  for (const char* right :
       {"caf\u00e9", "\u3082", "\U0001f600", "a b", " ", "a/b,c", "*.>", "\u0080"})
    EXPECT_TRUE(Channel::may_be_named(right)) << right;
}

// Two implementations, because handlers have no other than that of the public API.
TEST(ChannelName, IsWhatTheValidatorOfMessagesTakes) {
  constexpr std::string_view bytes =
      "\x20\x7e\x80\x8f\x90\x9f\xa0\xbf\xc0\xc1\xc2\xdf\xe0\xe1\xec\xed\xee\xef\xf0\xf1\xf3\xf4\xf5"
      "\xff";
  std::string name(4, ' ');
  for (const char a : bytes)
    for (const char b : bytes)
      for (const char c : bytes)
        for (const char d : bytes) {
          name = {a, b, c, d};
          ASSERT_EQ(Channel::may_be_named(name), protocol::is_utf8(name));
          ASSERT_EQ(Channel::may_be_named(name + " "), protocol::is_utf8(name));
          name.resize(2);
          ASSERT_EQ(Channel::may_be_named(name), protocol::is_utf8(name));
        }
}

TEST_F(Hub, TakesPartInTheHandshakeOnlyWhenItIsOver) {
  bool refused = false;
  open(Script{.transfer = echo, .handshake = [&](Request& request) {
                try {
                  const auto room = Channel::named("chat").join(request);
                } catch (const BadOperationException&) {
                  refused = true;
                }
              }});
  EXPECT_TRUE(refused);
  EXPECT_EQ(hub_.local_members("chat"), 0u);
}

TEST_F(Hub, BoundsWhatTheOthersSeeOfAMember) {
  bool refused = false;
  open([&](Request& request) -> Task<> {
    JoinOptions options;
    options.presence = std::string(max_presence, 'x');
    const auto fits = Channel::named("chat").join(request, options);
    *options.presence += 'x';
    try {
      const auto room = Channel::named("chat").join(request, options);
    } catch (const BadOperationException&) {
      refused = true;
    }
    co_return;
  });
  EXPECT_TRUE(refused);
}

TEST_F(Hub, HasOneLeaderPerChannel) {
  OtherChild other(*memory_);
  const Channel ticks = Channel::named("ticks");
  auto leadership = ticks.try_lead();
  ASSERT_TRUE(leadership);
  EXPECT_FALSE(ticks.try_lead());
  EXPECT_FALSE(other.hub.try_lead("ticks"));
  leadership.reset();
  EXPECT_TRUE(other.hub.try_lead("ticks"));
  EXPECT_FALSE(ticks.try_lead());
  other.hub.stop_leading("ticks");
  EXPECT_TRUE(ticks.try_lead());
}

TEST_F(Hub, GivesACrowdItsMessagesInSeveralRounds) {
  constexpr int crowd = 2500;
  for (int i = 0; i < crowd; ++i) member("chat");
  Channel::named("chat").publish("one");
  source_->run();
  int have = 0;
  for (Connection& each : connections_) have += !each.peer->output.empty();
  EXPECT_GT(have, 0);
  EXPECT_LT(have, crowd);
  lose(connections_.front());  // in the middle
  publish("chat", "two");
  connections_.pop_front();
  for (Connection& each : connections_) EXPECT_EQ(each.take_words(), (Words{"text:one", "text:two"}));
}

TEST_F(Hub, ServesBlockingHandlersToo) {
  std::atomic<bool> joined = false;
  Connection& ann = open_blocking([&](BlockingRequest& request) {
    auto room = Channel::named("chat").join(request);
    joined = true;
    while (auto message = msgutil::receive_message(request)) room.publish(std::move(*message));
  });
  ASSERT_TRUE(loop_.run_until([&] { return joined.load(); }));
  EXPECT_EQ(hub_.local_members("chat"), 1u);
  receive(ann, client_text("hi"));
  ASSERT_TRUE(loop_.run_until([&] {
    source_->run();
    return !ann.peer->output.empty();
  }));
  EXPECT_EQ(ann.take_words(), Words{"text:hi"});
  receive(ann, client_close());
  lose(ann);
  ASSERT_TRUE(loop_.run_until([&] { return hub_.local_members("chat") == 0; }));
}

// In a table that all children share, so that nobody is asked.
TEST_F(Hub, CountsTheMembersOfAllChildren) {
  alignas(64) static std::byte memory[64 << 10];
  const auto table = [&](channels::ChannelStore& store) {
    return std::make_unique<runtime::LimitTable>(memory, memory_->seats(), store.seat(), [this](unsigned seat) {
      return memory_->locks().is_held(seat) || memory_->locks().holds(seat);
    });
  };
  hub_.set_member_counts(table(store_));
  OtherChild other(*memory_);
  other.hub.set_member_counts(table(other.store));
  EXPECT_EQ(other.hub.members("chat"), 0u);
  Connection& ann = member("chat");
  Connection& bob = member("chat");
  member("news");
  EXPECT_EQ(other.hub.members("chat"), 2u);
  receive(ann, client_close());
  EXPECT_EQ(other.hub.members("chat"), 1u);
  receive(bob, client_close());
  EXPECT_EQ(other.hub.members("chat"), 0u);
  EXPECT_EQ(other.hub.members("news"), 1u);
  // Where not all could be counted, what was asked of others counts: here there is nobody to ask.
  runtime::LimitTable full(memory, memory_->seats(), 3, [](unsigned) { return true; });
  for (int i = 0; !full.was_without_room(); ++i) full.set(full.key("members", std::to_string(i)), 1, {});
  EXPECT_EQ(other.hub.members("news"), 0u);
}

TEST_F(Hub, TellsWhoPublishedWhereTheChannelIsToTellIt) {
  const std::uint16_t some = 7;
  hub_.publish("chat", {.history = 10, .tell_publisher = true}, Message("a"), some, {.user = "ann"});
  hub_.publish("chat", {.history = 10, .tell_publisher = true}, Message("b"), some, {.user = std::string(256, 'x')});
  hub_.publish("chat", {.history = 10}, Message("c"), some, {.user = "ann"});
  hub_.publish("chat", {.history = 10, .tell_publisher = true}, Message("d"), some);
  std::vector<std::string> told;
  for (const Publication& each : hub_.history("chat", std::nullopt, 10).publications) told.push_back(each.publisher);
  EXPECT_EQ(told, (std::vector<std::string>{"ann", "", "", ""}));
}

TEST_F(Hub, TellsWhenAMessageWasPublished) {
  const auto before = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  publish("chat", "hello", {.history = 10});
  const auto after = std::chrono::system_clock::now();
  const History history = hub_.history("chat", std::nullopt, 10);
  ASSERT_EQ(history.publications.size(), 1u);
  EXPECT_GE(history.publications[0].time, before);
  EXPECT_LE(history.publications[0].time, after);
}

}  // namespace
}  // namespace cppwebsocket::testing
