// Members that come back, or want to know what was before them; and those that receive themselves.
#include "channels/support/channel_fixture.hpp"

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
  EXPECT_EQ(words[1], "text:{\"type\":\"message\",\"channel\":\"chat\",\"position\":\"" +
                          first.to_string() + "\",\"data\":\"say \\\"hi\\\"\\u000a\"}");
  EXPECT_NE(words[2].find("\"base64\":\"AP8=\""), std::string::npos);
}

TEST_F(Recovering, AsksTheUplinkForWhatIsLostHere) {
  struct Far final : channels::Uplink {
    explicit Far(channels::ChannelStore& store) : store(store) {}
    PublishResult publish(std::string_view channel, channels::HistoryBound bound,
                          Message&& message) override {
      channels::Record record{};
      record.message = std::move(message);
      record.bound = bound;
      return {PublishStatus::accepted, store.publish(channel, record).position};
    }
    void in_use(std::string_view channel, bool used) override {
      uses.push_back(std::string(channel) + (used ? " used" : " unused"));
    }
    bool recover(std::string_view, std::optional<Position> after,
                 std::function<void(channels::StoredHistory&&)> found) override {
      asked = after;
      done = std::move(found);
      return true;
    }
    void control(std::string_view, const Message&) override {}
    channels::ChannelStore& store;
    std::vector<std::string> uses;
    std::optional<Position> asked;
    std::function<void(channels::StoredHistory&&)> done;
  };
  auto made = std::make_unique<Far>(store_);
  Far& far = *made;
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
