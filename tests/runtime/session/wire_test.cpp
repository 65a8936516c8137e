// The wire alone: a fake transport, the fake loop's output, no session.
#include "runtime/session/wire.hpp"

#include <gmock/gmock.h>

#include <cerrno>
#include <string>

#include "runtime/support/fake_loop.hpp"
#include "runtime/support/fake_transport.hpp"
#include "runtime/support/frames.hpp"

namespace cppwebsocket::testing {
namespace {

using namespace std::chrono_literals;
using runtime::IoStatus;
using runtime::Wire;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// May be lent, as a socket may.
struct SocketLike final : runtime::Transport {
  explicit SocketLike(std::shared_ptr<FakePeer> peer) : fake(std::move(peer)) {}
  int descriptor() const noexcept override { return fake.descriptor(); }
  runtime::IoResult read(std::span<char> buffer) noexcept override { return fake.read(buffer); }
  runtime::IoResult write(std::span<const std::string_view> pieces) noexcept override {
    return fake.write(pieces);
  }
  bool may_write_anywhere() const noexcept override { return true; }
  bool shutdown_write() noexcept override { return fake.shutdown_write(); }
  FakeTransport fake;
};

struct WireTest : ::testing::Test {
  WireTest() {
    wire.open(std::make_unique<FakeTransport>(peer), protocol::make_rfc6455(1 << 20, nullptr),
              false);
    wire.start();
  }
  // What the peer has got, frame by frame.
  std::vector<std::string> got() { return words(std::exchange(peer->output, {})); }

  std::shared_ptr<FakePeer> peer = std::make_shared<FakePeer>();
  FakeLoop loop;
  Wire wire{loop};
};

TEST_F(WireTest, GathersWhatIsSentUntilItIsFlushed) {
  wire.send("one", true);
  wire.send_ping("two");
  EXPECT_THAT(got(), IsEmpty());
  EXPECT_EQ(wire.unsent(), 5u + 5u);
  EXPECT_TRUE(wire.flush().moved);
  EXPECT_EQ(wire.unsent(), 0u);
  EXPECT_EQ(peer->writes, 1u);
  EXPECT_THAT(got(), ElementsAre("text:one", "ping:two"));
  EXPECT_FALSE(wire.flush().moved);  // there is nothing
}

TEST_F(WireTest, KeepsWhatTheKernelDidNotTakeAndGivesTheLoopItsOutputBack) {
  peer->capacity = 3;
  wire.send("one", true);
  EXPECT_TRUE(wire.flush().moved);
  wire.keep_unsent();
  EXPECT_EQ(wire.unsent(), 2u);
  EXPECT_TRUE(loop.spare_output().empty());
  wire.send("two", true);
  EXPECT_TRUE(loop.spare_output().empty());
  peer->capacity = FakePeer::unlimited;
  wire.flush();
  wire.keep_unsent();
  EXPECT_EQ(wire.unsent(), 0u);
  EXPECT_THAT(got(), ElementsAre("text:one", "text:two"));
}

TEST_F(WireTest, ReturnsTheErrorOfAWrite) {
  peer->write_error = EPIPE;
  wire.send("one", true);
  const Wire::Flushed flushed = wire.flush();
  EXPECT_EQ(flushed.error, EPIPE);
  EXPECT_FALSE(flushed.moved);
  EXPECT_EQ(wire.drop_unsent(), 5u);
  EXPECT_EQ(wire.unsent(), 0u);
}

TEST_F(WireTest, CountsWhatTheTransportHolds) {
  peer->capacity = 0;
  peer->transport_buffer = 100;
  wire.send("one", true);
  EXPECT_TRUE(wire.flush().moved);
  EXPECT_TRUE(wire.output().empty());
  EXPECT_EQ(wire.unsent(), 5u);
}

TEST_F(WireTest, HoldsAWholeMessageBackUntilTheFragmentedOneIsComplete) {
  wire.send("a", false);
  EXPECT_TRUE(wire.in_fragments());
  wire.send_whole("whole");
  EXPECT_EQ(wire.unsent_and_held_back(), wire.unsent() + 5);
  wire.flush();
  wire.keep_unsent();  // as at the end of a turn: it stays
  wire.send("b", true);
  wire.send_whole("more");
  wire.flush();
  wire.keep_unsent();
  EXPECT_THAT(got(), ElementsAre("text…:a", "more:b", "text:whole", "text:more"));
}

TEST_F(WireTest, TellsHowManyMessagesItForgets) {
  EXPECT_EQ(wire.drop_held_back(), 0u);
  wire.send("a", false);
  wire.send_whole("one");
  wire.send_whole("two");
  EXPECT_EQ(wire.drop_held_back(), 2u);
  wire.send("b", true);
  wire.flush();
  EXPECT_THAT(got(), ElementsAre("text…:a", "more:b"));
}

TEST_F(WireTest, OwesTheLastPongOnly) {
  EXPECT_FALSE(wire.owes_pong());
  wire.owe_pong("one");
  wire.owe_pong("two");
  wire.keep_unsent();
  EXPECT_TRUE(wire.owes_pong());
  wire.pay_pong();
  EXPECT_FALSE(wire.owes_pong());
  wire.flush();
  EXPECT_THAT(got(), ElementsAre("pong:two"));
}

TEST_F(WireTest, WaitsForAPongUntilAnythingIsHeard) {
  const auto begin = wire.heard_at();
  loop.advance(1s);
  wire.probe();
  EXPECT_TRUE(wire.waits_for_pong());
  EXPECT_EQ(wire.heard_at(), begin);
  EXPECT_EQ(wire.read().status, IoStatus::would_block);
  EXPECT_TRUE(wire.waits_for_pong());
  peer->send("x");
  EXPECT_EQ(wire.read().bytes, 1u);
  EXPECT_FALSE(wire.waits_for_pong());
  EXPECT_LT(begin + 1s - wire.heard_at(), 2ms);
}

TEST_F(WireTest, ASlowPeerThatTakesSomeBytesIsHeard) {
  loop.advance(1s);
  peer->capacity = 1;
  wire.send("one", true);
  wire.flush();
  EXPECT_LT(loop.now() - wire.heard_at(), 2ms);
}

TEST_F(WireTest, EndsItsOutputOnceNothingIsUnsent) {
  peer->shutdowns_refused = 1;
  wire.send_close(Close(1000));
  wire.end_output();
  EXPECT_EQ(peer->shutdowns_refused, 1);  // not asked
  wire.flush();
  wire.end_output();
  EXPECT_FALSE(wire.output_ended());
  wire.end_output();
  EXPECT_TRUE(wire.output_ended());
  EXPECT_TRUE(peer->write_ended);
}

TEST_F(WireTest, WritesSharedBytesAtOnceAndTellsHowManyWent) {
  peer->capacity = 4;
  const auto written = wire.write_shared("shared");
  ASSERT_TRUE(written);
  EXPECT_EQ(written->bytes, 4u);
  EXPECT_EQ(peer->output, "shar");
}

TEST_F(WireTest, WritesNothingSharedBetweenFragmentsOrBehindABacklog) {
  wire.send("a", false);
  wire.flush();
  wire.keep_unsent();
  EXPECT_FALSE(wire.write_shared("shared"));
  peer->capacity = 0;
  wire.send("b", true);
  wire.flush();
  wire.keep_unsent();
  EXPECT_FALSE(wire.write_shared("shared"));
  peer->capacity = 1000;
  wire.flush();
  wire.keep_unsent();
  EXPECT_TRUE(wire.write_shared("shared"));
}

TEST_F(WireTest, GuestsComeBeforeWhatTheHandlerSendsNow) {
  struct Guest final : runtime::SessionGuest {
    explicit Guest(Wire& wire) : wire(wire) {}
    void refill(bool) noexcept override {
      wire.append_shared(std::make_shared<const std::string>("\x81\x05guest"), 0, 7);
    }
    void session_ended() noexcept override {}
    void session_gone() noexcept override {}
    Wire& wire;
  } guest(wire);
  wire.guests().attach(guest);
  wire.guests().expect_more();
  wire.send("own", true);
  EXPECT_FALSE(wire.let_guests_send(false));  // something is unsent
  wire.flush();
  EXPECT_TRUE(wire.let_guests_send(false));
  wire.flush();
  EXPECT_THAT(got(), ElementsAre("text:guest", "text:own", "text:guest"));
  wire.guests().say_goodbye();
}

TEST_F(WireTest, LendsOnlyWhatMayBeWrittenAnywhereAndHasNothingToWrite) {
  EXPECT_FALSE(wire.can_be_lent());  // its transport must stay on its thread
  Wire other(loop);
  other.open(std::make_unique<SocketLike>(peer), protocol::make_rfc6455(1 << 20, nullptr), true);
  EXPECT_TRUE(other.can_be_lent());
  other.send("a", false);
  EXPECT_FALSE(other.can_be_lent());
  other.send("b", true);
  other.flush();
  EXPECT_TRUE(other.can_be_lent());
  other.owe_pong("x");
  EXPECT_FALSE(other.can_be_lent());
}

TEST_F(WireTest, TakesBackWhatWasNotWrittenWhileItWasLent) {
  Wire other(loop);
  other.open(std::make_unique<SocketLike>(peer), protocol::make_rfc6455(1 << 20, nullptr), true);
  runtime::LentWire lent;
  other.lend(lent);
  EXPECT_FALSE(other.is_own());
  ASSERT_TRUE(lent.begin_write());
  peer->capacity = 3;
  protocol::Output rest;
  other.write_lent("one", rest);
  EXPECT_TRUE(lent.end_write(rest));
  other.take_back(lent);
  EXPECT_TRUE(other.is_own());
  EXPECT_EQ(other.unsent(), 2u);
  peer->capacity = FakePeer::unlimited;
  other.flush();
  EXPECT_THAT(got(), ElementsAre("text:one"));
}

}  // namespace
}  // namespace cppwebsocket::testing
