// Members that come back, or want to know what was before them; and those that receive themselves.
#include "channels/support/channel_fixture.hpp"
#include "channels/support/fake_uplink.hpp"
#include "protocol/support/event_reader.hpp"

namespace cppwebsocket::testing {
namespace {

using Kind = Publication::Kind;

class Recovering : public ChannelFixture {
 protected:
  const ChannelOptions kept_{.history = 10};

  Position publish_kept(std::string text) { return publish("chat", std::move(text), kept_).position; }
};

TEST_F(Recovering, GetsExactlyWhatItMissed) {
  publish_kept("1");
  const Position last = publish_kept("2");
  publish_kept("3");
  publish_kept("4");
  std::optional<Recovery> told;
  Connection& back = open([&](Request& request) -> Task<> {
    JoinOptions options;
    options.resume = last;
    auto room = Channel::named("chat").join(request, options);
    told = co_await room.recovery();
    co_await msgutil::receive_message(request);
  });
  publish_kept("5");
  ASSERT_TRUE(told);
  EXPECT_TRUE(told->recovered);
  EXPECT_EQ(told->position.offset, last.offset + 2);
  EXPECT_EQ(back.take_words(), (Words{"text:3", "text:4", "text:5"}));
}

TEST_F(Recovering, GetsNothingTwiceWhenItIsReadMeanwhile) {
  member("chat");  // so that the channel is read anyway
  const Position first = publish_kept("1");
  Channel::named("chat", kept_).publish("2");  // not read yet
  JoinOptions options;
  options.resume = first;
  Connection& back = member("chat", options);
  publish_kept("3");
  EXPECT_EQ(back.take_words(), (Words{"text:2", "text:3"}));
}

TEST_F(Recovering, IsToldWhenSomethingIsLost) {
  const Position first = publish_kept("1");
  for (int i = 0; i < 20; ++i) publish_kept("more");
  JoinOptions options;
  options.resume = first;
  options.history = 2;
  options.json = true;
  Connection& back = member("chat", options);
  const Words words = back.take_words();
  ASSERT_EQ(words.size(), 3u);
  EXPECT_NE(words[0].find("\"recovered\":false"), std::string::npos);
  EXPECT_NE(words[1].find("\"data\":\"more\""), std::string::npos);
}

TEST_F(Recovering, IsToldWhenTheEpochIsAnother) {
  Position first = publish_kept("1");
  first.epoch += 1;
  std::optional<Recovery> told;
  Connection& back = open([&](Request& request) -> Task<> {
    JoinOptions options;
    options.resume = first;
    auto room = Channel::named("chat").join(request, options);
    told = co_await room.recovery();
    co_await msgutil::receive_message(request);
  });
  EXPECT_FALSE(told->recovered);
  EXPECT_EQ(back.take_words(), Words{});
}

TEST_F(Recovering, StartsWithTheNewestIfItWants) {
  for (int i = 1; i <= 5; ++i) publish_kept(std::to_string(i));
  JoinOptions options;
  options.history = 2;
  Connection& late = member("chat", options);
  publish_kept("6");
  EXPECT_EQ(late.take_words(), (Words{"text:4", "text:5", "text:6"}));
}

TEST_F(Recovering, SpeaksJson) {
  JoinOptions options;
  options.json = true;
  Connection& ann = member("chat", options);
  const Position first = publish_kept("say \"hi\"\n");
  publish("chat", Message::binary(std::string("\x00\xff", 2)), kept_);
  const Words words = ann.take_words();
  ASSERT_EQ(words.size(), 3u);
  EXPECT_NE(words[0].find("\"type\":\"subscribed\""), std::string::npos);
  const std::string time =
      std::to_string(store_.history("chat", {}, 2).records.at(0).time_ms);
  EXPECT_EQ(words[1], "text:{\"type\":\"message\",\"channel\":\"chat\",\"position\":\"" +
                          first.to_string() + "\",\"time\":" + time +
                          ",\"data\":\"say \\\"hi\\\"\\u000a\"}");
  EXPECT_NE(words[2].find("\"base64\":\"AP8=\""), std::string::npos);
}

TEST_F(Recovering, AsksTheUplinkForWhatIsLostHere) {
  auto made = std::make_unique<FakeUplink>(store_);
  FakeUplink& far = *made;
  hub_.set_uplink(std::move(made));
  const Position first = publish_kept("1");
  for (int i = 2; i <= 20; ++i) publish_kept(std::to_string(i));
  JoinOptions options;
  options.resume = first;
  Connection& back = member("chat", options);
  publish_kept("21");  // while it waits
  EXPECT_EQ(back.take_words(), Words{});
  ASSERT_TRUE(far.done);
  EXPECT_EQ(far.asked, first);
  channels::StoredHistory found;
  for (std::uint64_t i = 2; i <= 18; ++i) {
    channels::Record& record = found.records.emplace_back();
    record.message = Message(std::to_string(i));
    record.position = {first.epoch, i};
  }
  found.newest = {first.epoch, 18};
  found.complete = true;
  far.done(std::move(found));
  settle();
  publish_kept("22");
  Words expected;
  for (int i = 2; i <= 22; ++i) expected.push_back("text:" + std::to_string(i));
  EXPECT_EQ(back.take_words(), expected);
  lose(back);
  EXPECT_EQ(far.uses, (Words{"chat used", "chat unused"}));
}

// The uplink has what the rings do not have any more.
class RecoveringFromElsewhere : public Recovering {
 protected:
  static constexpr std::size_t size = 10'000;

  RecoveringFromElsewhere() {
    auto made = std::make_unique<FakeUplink>(store_);
    far_ = made.get();
    hub_.set_uplink(std::move(made));
    for (int i = 1; i <= 20; ++i) position_ = publish_kept(text(i));
  }
  static std::string text(std::uint64_t i) {
    std::string text = std::to_string(i);
    return text.append(size - text.size(), '.');
  }
  // What it was asked for, up to `last`, of which it gives a page.
  void answer(std::uint64_t last, std::uint64_t page) {
    ASSERT_TRUE(far_->done);
    const std::uint64_t from = far_->asked->offset + 1;
    channels::StoredHistory found;
    for (std::uint64_t i = from; i < from + page && i <= last; ++i) {
      channels::Record& record = found.records.emplace_back();
      record.message = Message(text(i));
      record.position = {position_.epoch, i};
    }
    found.newest = {position_.epoch, last};
    found.complete = true;
    std::exchange(far_->done, nullptr)(std::move(found));
    settle();
  }
  Connection& back_at(std::uint64_t offset) {
    JoinOptions options;
    options.resume = {position_.epoch, offset};
    return member("chat", options);
  }
  static Words numbers(int from, int to) {
    Words words;
    for (int i = from; i <= to; ++i) words.push_back("text:" + text(static_cast<std::uint64_t>(i)));
    return words;
  }

  FakeUplink* far_;
  Position position_;
};

TEST_F(RecoveringFromElsewhere, AsksForAPageWhenTheLastHasGone) {
  Connection& back = back_at(1);
  back.peer->capacity = 0;
  answer(18, 32);
  EXPECT_FALSE(far_->done) << "it takes nothing";
  back.peer->capacity = FakePeer::unlimited;
  settle();
  EXPECT_EQ(back.take_words(), numbers(2, 5)) << "a piece; it keeps no more";
  EXPECT_EQ(far_->asked->offset, 5u);
  answer(18, 3);
  EXPECT_EQ(back.take_words(), numbers(6, 8));
  answer(18, 3);
  EXPECT_FALSE(far_->done) << "the rest is in the rings";
  publish_kept(text(21));
  EXPECT_EQ(back.take_words(), numbers(9, 21));
}

TEST_F(RecoveringFromElsewhere, IsToldWhatIsLostBetweenThePages) {
  JoinOptions options;
  options.resume = {position_.epoch, 1};
  options.json = true;
  Connection& back = member("chat", options);
  answer(18, 2);
  EXPECT_EQ(back.take_words().size(), 3u);
  std::exchange(far_->done, nullptr)({});
  settle();
  const Words words = back.take_words();
  ASSERT_FALSE(words.empty());
  EXPECT_NE(words.front().find("gap"), std::string::npos);
  EXPECT_NE(words.back().find(position_.to_string()), std::string::npos);
}

TEST_F(RecoveringFromElsewhere, MayLeaveMeanwhile) {
  Connection& back = back_at(1);
  answer(18, 2);
  lose(back);
  answer(18, 2);
  EXPECT_EQ(far_->uses, (Words{"chat used", "chat unused"}));
}

TEST_F(Recovering, AnswersWhoWaitsForTheUplinkThatItHasNothing) {
  auto made = std::make_unique<FakeUplink>(store_);
  FakeUplink& far = *made;
  hub_.set_uplink(std::move(made));
  std::optional<Recovery> told;
  open([&](Request& request) -> Task<> {
    auto room = Channel::named("chat", kept_).join(request);
    told = co_await room.recovery();
    co_await msgutil::receive_message(request);
  });
  ASSERT_TRUE(far.done);
  EXPECT_FALSE(told);
  far.done({});
  settle();
  ASSERT_TRUE(told);
  EXPECT_FALSE(told->recovered);
}

// What a browser sees of the event stream of a member.
class RecoveringStream : public Recovering {
 protected:
  using Events = std::vector<protocol::test::SeenEvent>;

  Connection& stream(JoinOptions options) {
    return member("chat", options, {.version = Version::event_stream});
  }
  Events seen(Connection& connection) {
    return protocol::test::read_events(connection.peer->take_output());
  }
  static std::string begun(Position position, bool recovered) {
    return "{\"type\":\"subscribed\",\"channel\":\"chat\",\"position\":\"" + position.to_string() +
           "\",\"recovered\":" + (recovered ? "true}" : "false}");
  }
};

// Firefox keeps no id of a block without data.
TEST_F(RecoveringStream, IsToldWhereItBeginsInAnEventWithData) {
  const Position last = publish_kept("1");
  const std::string id = last.to_string();
  EXPECT_EQ(seen(stream({})), (Events{{id, "subscribed", begun(last, false)}}));
}

TEST_F(RecoveringStream, IsTakenNoFurtherThanWhatItHasGot) {
  const Position first = publish_kept("1");
  const Position last = publish_kept("2");
  JoinOptions options;
  options.resume = first;
  EXPECT_EQ(seen(stream(options)),
            (Events{{"", "subscribed", begun(last, true)}, {last.to_string(), "message", "2"}}));
}

TEST_F(RecoveringStream, IsToldOfWhatIsLostBeforeWhatFollows) {
  const Position last = publish_kept("1");
  for (const Position& unknown : {Position(), Position{last.epoch + 1, 1}}) {
    JoinOptions options;
    options.resume = unknown;
    options.history = 1;
    EXPECT_EQ(seen(stream(options)), (Events{{last.to_string(), "subscribed", begun(last, false)},
                                             {last.to_string(), "gap", "chat"},
                                             {last.to_string(), "message", "1"}}));
  }
}

// As who comes back is: by the channel's name.
TEST_F(RecoveringStream, IsToldOfAGapWhileItIsOpen) {
  Connection& ann = stream({});
  seen(ann);
  Channel::named("chat").publish("lost");
  flood(store_);
  const Position last = publish_kept("kept");
  const Events events = seen(ann);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].name, "gap");
  EXPECT_EQ(events[0].text, "chat");
  EXPECT_EQ(events[1], (protocol::test::SeenEvent{last.to_string(), "message", "kept"}));
}

TEST_F(RecoveringStream, IsToldInJsonInOneEventToo) {
  const Position last = publish_kept("1");
  JoinOptions options;
  options.json = true;
  EXPECT_EQ(seen(stream(options)), (Events{{last.to_string(), "message", begun(last, false)}}));
}

class Receiving : public Recovering {
 protected:
  // A connection whose handler shows what its membership receives.
  Connection& shows(JoinOptions options) {
    options.receive = true;
    return open([options](Request& request) -> Task<> {
      auto room = Channel::named("chat").join(request, options);
      while (auto next = co_await room.receive()) {
        std::string shown = next->message.payload();
        if (next->kind == Kind::gap) shown = "a gap";
        if (next->kind == Kind::joined) shown = "joined: " + next->member->info;
        if (next->kind == Kind::left) shown = "left: " + next->member->info;
        co_await msgutil::send_message(request, std::move(shown));
      }
      co_await msgutil::send_message(request, "the end");
    });
  }
};

TEST_F(Receiving, HandsMessagesToTheHandler) {
  Connection& ann = shows({});
  publish("chat", "1");
  publish("chat", "2");
  EXPECT_EQ(ann.take_words(), (Words{"text:1", "text:2"}));
}

TEST_F(Receiving, TellsWhoComesAndGoes) {
  JoinOptions options;
  options.events = true;
  Connection& ann = shows(options);
  hub_.tell("chat", Kind::joined, Member{"1", "Bob"});
  settle();
  hub_.tell("chat", Kind::left, Member{"1", "Bob"});
  settle();
  EXPECT_EQ(ann.take_words(), (Words{"text:joined: Bob", "text:left: Bob"}));
  Connection& eve = shows({});
  hub_.tell("chat", Kind::joined, Member{"2", "Cid"});
  settle();
  EXPECT_EQ(eve.take_words(), Words{});
}

TEST_F(Receiving, TellsGapsOfWhatTheHandlerWasTooSlowFor) {
  std::vector<std::string> seen;
  Connection& ann = open([&](Request& request) -> Task<> {
    JoinOptions options;
    options.receive = true;
    options.slow = SlowPolicy::drop_oldest;
    options.max_queued = 3;
    auto room = Channel::named("chat").join(request, options);
    co_await msgutil::receive_message(request);
    while (auto next = room.try_receive())
      seen.push_back(next->kind == Kind::gap ? "gap" : next->message.payload());
    EXPECT_EQ(room.dropped(), 2u);
    co_await msgutil::receive_message(request);
  });
  for (int i = 1; i <= 5; ++i) publish("chat", std::to_string(i));
  receive(ann, client_text("now"));
  EXPECT_EQ(seen, (Words{"gap", "3", "4", "5"}));
}

TEST_F(Receiving, EndsWithTheConnection) {
  Connection& ann = shows({});
  receive(ann, client_close());
  EXPECT_EQ(ann.take_words(), (Words{"close:1000"}));
  Connection& bob = shows({});
  lose(bob);
  EXPECT_TRUE(bob.gone);
}

TEST_F(Receiving, NeedsToBeAskedFor) {
  bool refused = false;
  open([&](Request& request) -> Task<> {
    auto room = Channel::named("chat").join(request);
    try {
      co_await room.receive();
    } catch (const BadOperationException&) {
      refused = true;
    }
  });
  EXPECT_TRUE(refused);
}

TEST_F(Receiving, WaitsInBlockingHandlers) {
  std::atomic<int> received = 0;
  std::atomic<bool> joined = false, ended = false;
  Connection& ann = open_blocking([&](BlockingRequest& request) {
    JoinOptions options;
    options.receive = true;
    auto room = Channel::named("chat").join(request, options);
    EXPECT_THROW(room.receive(std::chrono::milliseconds(1)), TimeoutException);
    joined = true;
    while (room.receive()) ++received;
    ended = true;
  });
  ASSERT_TRUE(loop_.run_until([&] { return joined.load(); }));
  publish("chat", "1");
  publish("chat", "2");
  ASSERT_TRUE(loop_.run_until([&] { return received == 2; }));
  receive(ann, client_close());
  ASSERT_TRUE(loop_.run_until([&] { return ended.load(); }));
}

}  // namespace
}  // namespace cppwebsocket::testing
