// What is published once a connection has its place in a channel, and before it has joined, reaches it.
#include "channels/support/channel_fixture.hpp"
#include "channels/support/channel_story.hpp"
#include "channels/support/fake_uplink.hpp"

namespace cppwebsocket::testing {
namespace {

using namespace channels;

class Place : public ChannelFixture {
 protected:
  const ChannelOptions kept_{.history = 10};

  void set_uplink() {
    auto made = std::make_unique<FakeUplink>(store_);
    uplink_ = made.get();
    hub_.set_uplink(std::move(made));
  }
  // As a connection's reactor may, while the handshake is answered on another thread.
  void let_reactor_run() {
    source_->run();
    loop_.run();
  }
  static JoinOptions json(JoinOptions options = {}) {
    options.json = true;
    return options;
  }
  // Of what a member was told in JSON: "gap", "subscribed", or the data.
  static Words told(const Words& words) {
    Words found;
    for (const std::string& each : words) {
      const auto data = each.find("\"data\":\"");
      if (data != each.npos)
        found.push_back(each.substr(data + 8, each.size() - data - 10));
      else if (each.find("\"type\":\"gap\"") != each.npos)
        found.push_back("gap");
      else if (each.find("\"type\":\"subscribed\"") == each.npos)
        found.push_back(each);
    }
    return found;
  }

  FakeUplink* uplink_ = nullptr;
  OtherChild other_{*memory_};
};

TEST_F(Place, GivesWhatWasPublishedBehindItWithoutAHistory) {
  publish("chat", "before");
  Connection& ann = member("chat", {}, with_place([&] {
    other_.store.publish("chat", message("1"));
    let_reactor_run();
    Channel::named("chat").publish("2");
  }));
  publish("chat", "3");
  EXPECT_EQ(ann.take_words(), (Words{"text:1", "text:2", "text:3"}));
}

TEST_F(Place, IsTheBeginningOfAChannelThatDoesNotExistYet) {
  Connection& ann = member("chat", {}, with_place([&] {
    EXPECT_EQ(store_.position("chat"), Position()) << "a handshake makes none";
    publish("chat", "1");
  }));
  publish("chat", "2");
  EXPECT_EQ(ann.take_words(), (Words{"text:1", "text:2"}));
}

TEST_F(Place, GivesALaterMemberWhatTheReactorHasReadMeanwhile) {
  Connection& ann = member("chat");
  Connection& bob = member("chat", {}, with_place([&] {
    Channel::named("chat").publish("1");
    let_reactor_run();
    Channel::named("chat").publish("2");  // not read yet
  }));
  publish("chat", "3");
  EXPECT_EQ(ann.take_words(), (Words{"text:1", "text:2", "text:3"}));
  EXPECT_EQ(bob.take_words(), (Words{"text:1", "text:2", "text:3"}));
}

// From where the client would resume, if it were cut off now.
TEST_F(Place, IsThePositionThatTheMemberIsTold) {
  const Position before = publish("chat", "before", kept_).position;
  Recovery told;
  Script script = with_place([&] { publish("chat", "1", kept_); });
  script.transfer = [&](Request& request) -> Task<> {
    auto room = Channel::named("chat").join(request, json({.history = 1}));
    told = co_await room.recovery();
    co_await msgutil::receive_message(request);
  };
  Connection& ann = open(std::move(script));
  publish("chat", "2", kept_);
  const Words words = ann.take_words();
  EXPECT_EQ(told.position, before);
  EXPECT_NE(words[0].find(before.to_string()), std::string::npos) << words[0];
  EXPECT_EQ((Words{"1", "2"}), Place::told(words));
}

TEST_F(Place, CountsForTheFirstJoinOnly) {
  Script script = with_place([&] { publish("chat", "1"); });
  script.transfer = [](Request& request) -> Task<> {
    auto first = Channel::named("chat").join(request);
    auto second = Channel::named("chat").join(request);
    co_await msgutil::receive_message(request);
  };
  Connection& ann = open(std::move(script));
  publish("chat", "2");
  EXPECT_EQ(ann.take_words(), (Words{"text:1", "text:2", "text:2"}));
}

TEST_F(Place, HoldsWhereWhatTheClientHadIsLost) {
  Position unknown = publish("chat", "before", kept_).position;
  unknown.epoch += 1;
  JoinOptions options;
  options.resume = unknown;
  Connection& ann = member("chat", json(options), with_place([&] { publish("chat", "1", kept_); }));
  const Words words = ann.take_words();
  ASSERT_FALSE(words.empty());
  EXPECT_NE(words[0].find("\"recovered\":false"), std::string::npos);
  EXPECT_EQ(told(words), Words{"1"});
}

TEST_F(Place, HoldsWhereAShorterHistoryIsAskedFor) {
  publish("chat", "before", kept_);
  JoinOptions options;
  options.history = 1;
  Connection& ann = member("chat", options, with_place([&] {
    publish("chat", "1", kept_);
    publish("chat", "2", kept_);
  }));
  EXPECT_EQ(ann.take_words(), (Words{"text:1", "text:2"}));
  options.history = 4;
  Connection& bob = member("chat", options, with_place([&] { publish("chat", "3", kept_); }));
  EXPECT_EQ(bob.take_words(), (Words{"text:before", "text:1", "text:2", "text:3"}));
}

TEST_F(Place, AddsNothingToWhatIsResumed) {
  const Position first = publish("chat", "1", kept_).position;
  publish("chat", "2", kept_);
  JoinOptions options;
  options.resume = first;
  Connection& ann = member("chat", json(options), with_place([&] { publish("chat", "3", kept_); }));
  const Words words = ann.take_words();
  EXPECT_NE(words[0].find("\"recovered\":true"), std::string::npos);
  EXPECT_EQ(told(words), (Words{"2", "3"}));
}

TEST_F(Place, IsResumedWhereNothingIsKeptAndNothingWasMissed) {
  JoinOptions options;
  options.resume = publish("chat", "before").position;
  Connection& ann = member("chat", json(options), with_place([&] { publish("chat", "1"); }));
  const Words words = ann.take_words();
  ASSERT_FALSE(words.empty());
  EXPECT_NE(words[0].find("\"recovered\":true"), std::string::npos);
  EXPECT_EQ(told(words), Words{"1"});
  Connection& late = member("chat", json(options), with_place([&] { publish("chat", "2"); }));
  EXPECT_NE(late.take_words()[0].find("\"recovered\":false"), std::string::npos);
}

TEST_F(Place, TellsAGapOfWhatWasOverwrittenSince) {
  const auto overwrite = [&] {
    publish("chat", "lost");
    flood(store_);
    other_.store.publish("chat", message("1"));
  };
  Connection& ann = member("chat", json(), with_place(overwrite));
  publish("chat", "2");
  EXPECT_EQ(told(ann.take_words()), (Words{"gap", "1", "2"}));
  Connection& bob = member("chat", {}, with_place(overwrite));
  EXPECT_EQ(bob.take_words(), Words{"close:1013 messages were lost"});
}

TEST_F(Place, TellsAGapWhereTheChannelHasBegunAnew) {
  store_.publish("chat", numbered("before", {7, 1}));
  Connection& ann = member("chat", json(), with_place([&] {
    store_.publish("chat", numbered("lost", {7, 2}));
    store_.publish("chat", numbered("1", {8, 1}));
  }));
  publish("chat", "2");
  EXPECT_EQ(told(ann.take_words()), (Words{"gap", "1", "2"}));
}

TEST_F(Place, IsTakenInTheHandshakeOnly) {
  bool refused = false;
  open([&](Request& request) -> Task<> {
    try {
      Channel::named("chat").reserve(request);
    } catch (const BadOperationException&) {
      refused = true;
    }
    co_return;
  });
  EXPECT_TRUE(refused);
}

TEST_F(Place, IsOfReceiversToo) {
  std::vector<std::string> received;
  Script script = with_place([&] { publish("chat", "1"); });
  script.transfer = [&](Request& request) -> Task<> {
    JoinOptions options;
    options.receive = true;
    auto room = Channel::named("chat").join(request, options);
    while (auto next = co_await room.receive()) received.push_back(next->message.payload());
  };
  open(std::move(script));
  publish("chat", "2");
  EXPECT_EQ(received, (Words{"1", "2"}));
}

TEST_F(Place, IsOfBlockingHandlersToo) {
  Script script;
  script.blocking_handshake = [&](BlockingRequest& request) {
    Channel::named("chat").reserve(request);
    publish("chat", "1");
  };
  std::atomic<bool> joined = false;
  script.blocking_transfer = [&](BlockingRequest& request) {
    auto room = Channel::named("chat").join(request);
    joined = true;
    request.receive({}, false);
  };
  Connection& ann = open(std::move(script));
  ASSERT_TRUE(loop_.run_until([&] { return joined.load(); }));
  publish("chat", "2");
  EXPECT_EQ(ann.take_words(), (Words{"text:1", "text:2"}));
}

// --- what other machines publish --------------------------------------------------------------------

class PlaceWithUplink : public Place {
 protected:
  PlaceWithUplink() { set_uplink(); }
  void loose(const char* text) { store_.publish("chat", of_kind(RecordKind::loose, text)); }
};

TEST_F(PlaceWithUplink, GivesWhatHasNoOffset) {
  Connection& ann = member("chat", {}, with_place([&] {
    loose("1");
    let_reactor_run();
    loose("2");
  }));
  settle();
  EXPECT_EQ(ann.take_words(), (Words{"text:1", "text:2"}));
  Connection& bob = member("chat", {}, with_place([&] {
    loose("3");
    let_reactor_run();
    loose("4");
  }));
  settle();
  loose("5");
  settle();
  EXPECT_EQ(ann.take_words(), (Words{"text:3", "text:4", "text:5"}));
  EXPECT_EQ(bob.take_words(), (Words{"text:3", "text:4", "text:5"}));
}

TEST_F(PlaceWithUplink, GivesNothingTwiceOfWhatIsReadAndNotYetDelivered) {
  for (int i = 0; i < 1'100; ++i) member("chat");  // more than the reactor serves in one round
  member("chat", {}, with_place([&] {
    loose("1");
    source_->run();
    loose("2");
    source_->run();
  }));
  settle();
  Connection& last = connections_.back();
  loose("3");
  settle();
  EXPECT_EQ(last.take_words(), (Words{"text:1", "text:2", "text:3"}));
  EXPECT_EQ(connections_.front().take_words(), (Words{"text:1", "text:2", "text:3"}));
}

// It may be read before what is older and has an offset.
TEST_F(PlaceWithUplink, GivesWhatComesTogetherWithWhatIsBeforeIt) {
  member("chat");
  other_.store.publish("chat", message("before"));
  Connection& bob = member("chat", {}, with_place([] {}));
  loose("1");
  settle();
  EXPECT_EQ(bob.take_words(), Words{"text:1"});
}

TEST_F(PlaceWithUplink, GivesAProvisionalMessageOnce) {
  const std::uint64_t origin = other_.store.origin();
  Connection& ann = member("chat", {}, with_place([&] {
    other_.store.publish("chat", provisional("1", origin, 1));
    let_reactor_run();
  }));
  settle();
  store_.publish("chat", numbered("1", {engine_epoch | 7, 1}, origin, 1));
  store_.publish("chat", numbered("2", {engine_epoch | 7, 2}, origin, 2));
  settle();
  EXPECT_EQ(ann.take_words(), (Words{"text:1", "text:2"}));
}

TEST_F(PlaceWithUplink, WaitsUntilTheChannelHasAllFromOtherMachines) {
  uplink_->is_current = false;
  uplink_->becoming_current = [&](auto done) {
    EXPECT_EQ(uplink_->uses, Words{"chat used"});
    store_.publish("chat", numbered("long ago", {engine_epoch | 7, 1}));
    uplink_->is_current = true;
    done();
  };
  Connection& ann = member("chat", {}, with_place([&] {
    store_.publish("chat", numbered("1", {engine_epoch | 7, 2}));
  }));
  settle();
  EXPECT_EQ(ann.take_words(), Words{"text:1"});
  lose(ann);
  EXPECT_EQ(uplink_->uses, (Words{"chat used", "chat unused"}));
}

TEST_F(PlaceWithUplink, IsGivenBackByAHandshakeThatIsRefused) {
  Script script = with_place([] { throw HandshakeException(403, "no"); });
  script.transfer = [](Request&) -> Task<> { co_return; };
  EXPECT_THROW(open(std::move(script)), HandshakeException);
  EXPECT_EQ(uplink_->uses, (Words{"chat used", "chat unused"}));
}

TEST_F(PlaceWithUplink, TellsAGapOfWhatWasOverwrittenAndHadNoOffset) {
  Connection& ann = member("chat", json(), with_place([&] {
    loose("lost");
    flood(store_);
    let_reactor_run();
  }));
  settle();
  EXPECT_EQ(told(ann.take_words()), Words{"gap"});
}

}  // namespace
}  // namespace cppwebsocket::testing
