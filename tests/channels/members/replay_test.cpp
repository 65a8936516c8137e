// Members that are given a part of their channel's past, however long that is.
#include "channels/support/channel_fixture.hpp"
#include "channels/support/channel_story.hpp"
#include "channels/store/past.hpp"
#include "channels/support/fake_uplink.hpp"

namespace cppwebsocket::testing {
namespace {

using namespace channels;

class Replay : public ChannelFixture {
 protected:
  static constexpr std::uint32_t most = 5'000;
  static constexpr std::size_t piece = Past::piece_words * 8;
  const ChannelOptions kept_{.history = most};

  Replay() : ChannelFixture(64 << 20) {}

  void publish_numbers(int from, int to, std::size_t size = 1'000) {
    for (int i = from; i <= to; ++i) {
      std::string text = std::to_string(i) + " ";
      text.resize(std::max(text.size(), size), '.');
      Channel::named("chat", kept_).publish(std::move(text));
    }
    settle();
  }
  // The numbers in what a member has got, e.g. "1-20 gap 30-31".
  static std::string numbers(const Words& words) {
    std::string found;
    long first = 0, last = -1;
    const auto end_run = [&] {
      if (last < 0) return;
      found += (found.empty() ? "" : " ") + std::to_string(first) + "-" + std::to_string(last);
      last = -1;
    };
    for (const std::string& each : words) {
      const auto data = each.find("\"data\":\"");
      const std::string text = data != each.npos      ? each.substr(data + 8)
                               : each.starts_with("text:") ? each.substr(5)
                                                           : each;
      char* end;
      const long number = std::strtol(text.c_str(), &end, 10);
      if (end == text.c_str()) {
        if (each.find("\"type\":\"subscribed\"") != each.npos) continue;
        end_run();
        const bool is_gap = each.find("\"type\":\"gap\"") != each.npos || each == "gap";
        found += (found.empty() ? "" : " ") + (is_gap ? "gap" : each.substr(0, 40));
      } else if (number == last + 1 && last >= 0) {
        last = number;
      } else {
        end_run();
        first = last = number;
      }
    }
    end_run();
    return found;
  }
  std::string numbers(Connection& connection) { return numbers(connection.take_words()); }

  // A member whose client takes nothing as yet.
  Connection& deaf(JoinOptions options) {
    Script script;
    script.handshake = [&](Request&) { connections_.back().peer->capacity = 0; };
    return member("chat", options, std::move(script));
  }
  // The client takes `bytes` more.
  void take(Connection& connection, std::size_t bytes = FakePeer::unlimited) {
    connection.peer->capacity = bytes;
    settle();
  }
  static JoinOptions all(bool json = false) {
    JoinOptions options;
    options.history = most;
    options.json = json;
    return options;
  }
};

TEST_F(Replay, GoesInPiecesAsTheClientTakesThem) {
  publish_numbers(1, 3'000);
  Connection& ann = deaf(all());
  settle();
  EXPECT_LE(ann.session->wire().unsent(), 2 * piece);
  EXPECT_TRUE(source_->prepare_to_wait()) << "nothing to do until the client takes some";
  for (int i = 0; i < 20; ++i) {
    take(ann, 10'000);
    EXPECT_LE(ann.session->wire().unsent(), 2 * piece);
  }
  take(ann);
  EXPECT_EQ(numbers(ann), "1-3000");
}

TEST_F(Replay, IsFollowedByWhatWasPublishedMeanwhile) {
  publish_numbers(1, 500);
  Connection& ann = deaf(all());
  Connection& bob = member("chat");
  publish_numbers(501, 1'000);
  EXPECT_LE(ann.session->wire().unsent(), 2 * piece);
  take(ann);
  publish_numbers(1'001, 1'100);
  EXPECT_EQ(numbers(ann), "1-1100");
  EXPECT_EQ(numbers(bob), "501-1100");
  EXPECT_EQ(hub_.counters().dropped, 0u);
}

TEST_F(Replay, TellsAGapOfWhatIsOverwrittenMeanwhile) {
  publish_numbers(1, 500);
  Connection& ann = deaf(all(true));
  Connection& plain = deaf(all());
  publish_numbers(501, 12'000);
  take(ann);
  take(plain);
  publish_numbers(12'001, 12'002);
  const std::string told = numbers(ann);
  EXPECT_EQ(told.find("gap"), told.rfind("gap")) << told;
  EXPECT_TRUE(told.starts_with("1-")) << told;
  EXPECT_NE(told.find(" gap "), told.npos) << told;
  EXPECT_TRUE(told.ends_with("-12002")) << told;
  const std::string plain_told = numbers(plain);
  EXPECT_TRUE(plain_told.ends_with("close:1013 messages were lost")) << plain_told;
}

TEST_F(Replay, IsTheSameForManyAtDifferentPlaces) {
  publish_numbers(1, 1'000);
  const Position first = store_.history("chat", std::nullopt, most).records[99].position;
  std::vector<Connection*> members;
  for (int i = 0; i < 20; ++i) {
    JoinOptions options;
    if (i % 2) options.resume = Position{first.epoch, first.offset + static_cast<unsigned>(i) * 7};
    options.history = i % 2 ? 0 : 100 + static_cast<unsigned>(i) * 13;
    members.push_back(&deaf(options));
  }
  for (int i = 0; i < 20; ++i) take(*members[static_cast<unsigned>(i)], 3'000u * static_cast<unsigned>(i));
  for (Connection* each : members) each->peer->capacity = FakePeer::unlimited;
  settle();
  publish_numbers(1'001, 1'001);
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(numbers(*members[static_cast<unsigned>(i)]),
              std::to_string(i % 2 ? 101 + i * 7 : 1'001 - 100 - i * 13) + "-1001");
}

TEST_F(Replay, LetsTheHandlerSendInBetween) {
  publish_numbers(1, 500);
  Script script;
  script.handshake = [&](Request&) { connections_.back().peer->capacity = 0; };
  script.transfer = [](Request& request) -> Task<> {
    auto room = Channel::named("chat").join(request, all());
    while (auto message = co_await msgutil::receive_message(request))
      co_await msgutil::send_message(request, "the handler's");
  };
  Connection& ann = open(std::move(script));
  receive(ann, client_text("say something"));
  EXPECT_LE(ann.session->wire().unsent(), 3 * piece);
  take(ann);
  std::string told = numbers(ann);
  const auto at = told.find(" text:the handler's ");
  ASSERT_NE(at, told.npos) << told;
  EXPECT_TRUE(told.starts_with("1-") && told.ends_with("-500")) << told;
}

TEST_F(Replay, TellsWhereItGoesOnFromAtOnce) {
  publish_numbers(1, 2'000);
  const Position newest = store_.position("chat");
  std::optional<Recovery> told;
  Script script;
  script.handshake = [&](Request&) { connections_.back().peer->capacity = 0; };
  script.transfer = [&](Request& request) -> Task<> {
    JoinOptions options;
    options.resume = Position{newest.epoch, 0};
    auto room = Channel::named("chat").join(request, options);
    told = co_await room.recovery();
    co_await msgutil::receive_message(request);
  };
  Connection& ann = open(std::move(script));
  settle();
  ASSERT_TRUE(told);
  EXPECT_TRUE(told->recovered);
  EXPECT_EQ(told->position, newest);
  take(ann);
  EXPECT_EQ(numbers(ann), "1-2000");
}

TEST_F(Replay, EndsWithItsMemberOrConnection) {
  publish_numbers(1, 500);
  Connection& ann = deaf(all());
  Connection& bob = deaf(all());
  Connection& eve = deaf(all());
  lose(ann);
  EXPECT_TRUE(ann.gone);
  take(bob, 50'000);
  bob.peer->write_error = EPIPE;
  settle();
  take(eve);
  EXPECT_EQ(numbers(eve), "1-500");
  EXPECT_EQ(hub_.local_members("chat"), 1u);
}

TEST_F(Replay, IsHeldByAReceiverThatDoesNotReceive) {
  publish_numbers(1, 1'000);
  std::string received;
  Script script;
  std::size_t at_first = 0;
  script.transfer = [&](Request& request) -> Task<> {
    JoinOptions options = all();
    options.receive = true;
    options.max_queued = 10'000;
    auto room = Channel::named("chat").join(request, options);
    co_await msgutil::receive_message(request);
    Words words;
    for (; auto next = room.try_receive(); ++at_first) words.push_back("text:" + next->message.payload());
    while (words.size() < 1'010) {
      auto next = co_await room.receive();
      words.push_back(next->kind == Publication::Kind::gap ? "gap" : "text:" + next->message.payload());
    }
    received = numbers(words);
    EXPECT_EQ(room.dropped(), 0u);
  };
  Connection& ann = open(std::move(script));
  settle();
  publish_numbers(1'001, 1'010);
  receive(ann, client_text("now"));
  settle();
  EXPECT_LE(at_first, 11u);
  EXPECT_EQ(received, "1-1010");
}

TEST_F(Replay, IsHeldByABlockingReceiverToo) {
  publish_numbers(1, 1'000);
  std::atomic<bool> ended = false;
  std::string received;
  open_blocking([&](BlockingRequest& request) {
    JoinOptions options = all();
    options.receive = true;
    options.max_queued = 10'000;
    auto room = Channel::named("chat").join(request, options);
    Words words;
    while (words.size() < 1'000) words.push_back("text:" + room.receive()->message.payload());
    received = numbers(words);
    ended = true;
  });
  ASSERT_TRUE(loop_.run_until([&] {
    source_->run();
    return ended.load();
  }));
  EXPECT_EQ(received, "1-1000");
}

TEST_F(Replay, GivesEventsBehindIt) {
  publish_numbers(1, 500);
  JoinOptions options = all(true);
  options.events = true;
  Connection& ann = deaf(options);
  hub_.tell("chat", Publication::Kind::joined, Member{"1", "Bob"});
  settle();
  take(ann);
  const Words words = ann.take_words();
  EXPECT_NE(words.back().find("\"type\":\"joined\""), std::string::npos);
  EXPECT_EQ(words.size(), 502u);
}

TEST_F(Replay, GivesWhatABackplaneHasFoundInPiecesToo) {
  auto made = std::make_unique<FakeUplink>(store_);
  FakeUplink& far = *made;
  hub_.set_uplink(std::move(made));
  for (std::uint64_t i = 1'001; i <= 1'010; ++i)
    store_.publish("chat", numbered(std::to_string(i) + " ", {7, i}));
  JoinOptions options;
  options.resume = Position{7, 0};
  Connection& ann = deaf(options);
  settle();
  int asked = 0;
  while (const auto done = std::exchange(far.done, nullptr)) {
    ++asked;
    StoredHistory found;
    for (std::uint64_t i = far.asked->offset + 1; i <= 1'005; ++i) {
      std::string text = std::to_string(i) + " ";
      text.resize(1'000, '.');
      found.records.push_back(numbered(std::move(text), {7, i}));
    }
    found.newest = {7, 1'005};
    found.complete = true;
    done(std::move(found));
    settle();
    EXPECT_LE(ann.session->wire().unsent(), 2 * piece);
    if (asked == 1) {
      EXPECT_FALSE(far.done) << "what it holds is with its client first";
    }
    take(ann);
  }
  EXPECT_EQ(asked, 1'005 * 1'000 / piece + 1);
  EXPECT_EQ(numbers(ann), "1-1010");
}

}  // namespace
}  // namespace cppwebsocket::testing
