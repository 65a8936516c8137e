// What one session may do before others have their turn: inflating, compressing, messages of a handler
// that takes its time.
#include <gmock/gmock.h>

#include <random>

#include "runtime/support/compressed_frame.hpp"
#include "runtime/support/inflated.hpp"
#include "runtime/support/session_fixture.hpp"

namespace cppwebsocket::testing {
namespace {

using namespace std::chrono_literals;
using protocol::TurnShare;
using protocol::test::no_takeover;
using ::testing::ElementsAre;

constexpr std::size_t mebibyte = 1 << 20;

// Its own echo would have to compress again.
Task<> count_bytes(Request& request, std::size_t& bytes) {
  while (auto message = co_await msgutil::receive_message(request)) bytes += message->size();
}

class TurnShares : public SessionFixture {
 protected:
  Script counting() {
    return {.transfer = [this](Request& request) { return count_bytes(request, bytes_); },
            .deflate = no_takeover};
  }
  std::size_t bytes_ = 0;
  protocol::test::Peer client_{no_takeover};
};

TEST_F(TurnShares, BombsOfOneConnectionAreInflatedAShareAtATime) {
  Connection& bomber = open(counting());
  Connection& other = open(echo);
  constexpr std::size_t size = 100'000;
  std::string bombs;
  for (int i = 0; i < 200; ++i) bombs += compressed_frame(client_, std::string(size, '\0'));
  ASSERT_LT(bombs.size(), 64u << 10) << "so they come with one read";
  bomber.peer->send(bombs);
  std::size_t rounds = 0;
  for (std::size_t before = 0; before < 200 * size; ++rounds) {
    other.peer->send(client_text("me too"));
    loop_.run_once();
    EXPECT_THAT(other.take_words(), ElementsAre("text:me too"));
    EXPECT_LE(bytes_ - before, TurnShare::per_turn + size);
    before = bytes_;
    ASSERT_LT(rounds, 200u);
  }
  EXPECT_GE(rounds, 200 * size / TurnShare::per_turn);
}

TEST_F(TurnShares, AreLessWhereManyWantAllOfTheirs) {
  constexpr std::size_t size = 10'000, count = 12;
  std::string bombs;
  for (int i = 0; i < 500; ++i) bombs += compressed_frame(client_, std::string(size, '\0'));
  for (std::size_t i = 0; i < count; ++i) open(counting()).peer->send(bombs);
  loop_.run_once();  // they were not known yet
  for (int rounds = 0; rounds < 5; ++rounds) {
    const std::size_t before = bytes_;
    loop_.run_once();
    EXPECT_LE(bytes_ - before, TurnShare::per_round + count * size);
    EXPECT_GE(bytes_ - before, TurnShare::per_round / 3);
  }
  loop_.run();
  EXPECT_EQ(bytes_, count * 500 * size);
  loop_.run_once();
  EXPECT_EQ(loop_.deflate_workspace().share().piece_size(), TurnShare::compressed_at_once);
}

TEST_F(TurnShares, GetOnHoweverManyThereAre) {
  constexpr std::size_t count = 100;
  for (std::size_t i = 0; i < count; ++i)
    open(counting()).peer->send(compressed_frame(client_, std::string(mebibyte, '\0')));
  std::size_t rounds = 0;
  for (; bytes_ != count * mebibyte; ++rounds) ASSERT_TRUE(loop_.run_once());
  EXPECT_LE(rounds, mebibyte / TurnShare::least_per_turn + 1);
}

TEST_F(TurnShares, OneLargeMessageTakesSeveralRounds) {
  Connection& connection = open(counting());
  connection.peer->send(compressed_frame(client_, std::string(mebibyte, '\0')));
  std::size_t rounds = 0;
  for (; bytes_ == 0; ++rounds) ASSERT_TRUE(loop_.run_once());
  EXPECT_EQ(rounds, 5u);
  EXPECT_EQ(bytes_, mebibyte);
}

TEST_F(TurnShares, ItGoesOnThoughThePeerTakesNothing) {
  Connection& connection = open(counting());
  connection.peer->capacity = 0;
  connection.session->turn([&] { connection.session->send_now("unsent", true); });
  receive(connection, compressed_frame(client_, std::string(mebibyte, '\0')));
  EXPECT_EQ(bytes_, mebibyte);
  connection.peer->capacity = FakePeer::unlimited;
}

TEST_F(TurnShares, ABlockingHandlerGetsItInPiecesOfTurnsToo) {
  std::atomic<std::size_t> got = 0;
  Connection& connection = open({.blocking_transfer =
                                     [&](BlockingRequest& request) {
                                       while (auto message = msgutil::receive_message(request))
                                         got += message->size();
                                     },
                                 .deflate = no_takeover});
  connection.peer->send(compressed_frame(client_, std::string(mebibyte, '\0')));
  std::size_t rounds = 0;
  for (; rounds < 4; ++rounds) EXPECT_TRUE(loop_.run_once());
  EXPECT_EQ(got, 0u);
  EXPECT_TRUE(loop_.run_until([&] { return got == mebibyte; }));
}

TEST_F(TurnShares, APeerThatEndsInTheMiddleOfABombEndsAsAnyOther) {
  Connection& connection = open(counting());
  connection.peer->send(compressed_frame(client_, std::string(mebibyte, '\0')) + client_close());
  loop_.run_once();
  connection.peer->at_end = true;
  loop_.run();
  EXPECT_EQ(bytes_, mebibyte);
  EXPECT_THAT(connection.take_words(), ElementsAre("close:1000"));
  EXPECT_TRUE(connection.gone);
}

// --- what is sent ------------------------------------------------------------------------------

TEST_F(TurnShares, MessagesThatCompressToNothingWaitForTheNextTurn) {
  std::size_t sent = 0;
  constexpr std::size_t size = 10'000;
  Connection& connection = open({.transfer = [&](Request& request) -> Task<> {
                                   co_await msgutil::receive_message(request);
                                   for (; sent < 100; ++sent)
                                     co_await msgutil::send_message(request,
                                                                    std::string(size, 'x'));
                                   co_await count_bytes(request, bytes_);
                                 },
                                 .deflate = no_takeover});
  connection.peer->send(client_text("go"));
  while (sent < 100) {
    const std::size_t before = sent;
    loop_.run_once();
    ASSERT_GT(sent, before);
    EXPECT_LE((sent - before) * size, TurnShare::compressed_at_once + 2 * size);
  }
  EXPECT_EQ(inflated(connection.peer->take_output()), std::string(100 * size, 'x'));
}

TEST_F(TurnShares, ALargeMessageIsCompressedInPiecesAndAllElseKeepsItsOrder) {
  const std::string large(mebibyte, 'x');
  Connection& connection = open({.transfer = [&](Request& request) -> Task<> {
                                   co_await msgutil::receive_message(request);
                                   co_await msgutil::send_message(request, large);
                                   co_await msgutil::send_message(request, large);
                                   co_await msgutil::send_message(request, "small");
                                 },
                                 .deflate = no_takeover});
  connection.peer->send(client_text("go"));
  loop_.run_once();
  const std::size_t pieces = mebibyte / TurnShare::compressed_at_once;
  EXPECT_EQ(connection.session->wire().unsent(), (pieces - 1) * TurnShare::compressed_at_once + 1);
  connection.peer->send(client_frame(ping, ""));
  for (std::size_t i = 1; i < pieces; ++i) loop_.run_once();
  connection.session->turn([&] { connection.session->send_now("behind", true); });
  loop_.run();
  const std::string all = inflated(connection.peer->take_output());
  EXPECT_EQ(all.size(), 2 * mebibyte + 5 + 6 + 6 + 7);
  EXPECT_TRUE(all.ends_with("[close]"));
  EXPECT_LT(all.find("[pong]"), 2 * mebibyte);
  EXPECT_LT(all.find("behind"), all.find("small"));
  EXPECT_EQ(connection.session->wire().unsent(), 0u);
}

TEST_F(TurnShares, ACloseComesBehindWhatIsBeingCompressed) {
  const std::string large(mebibyte, 'x');
  Connection& connection = open({.transfer = [&](Request& request) -> Task<> {
                                   co_await msgutil::receive_message(request);
                                   co_await msgutil::send_message(request, large);
                                   co_await count_bytes(request, bytes_);
                                 },
                                 .deflate = no_takeover});
  connection.peer->send(client_text("go"));
  loop_.run_once();
  connection.session->go_away_now();
  loop_.run();
  EXPECT_EQ(inflated(connection.peer->take_output()), large + "[close]");
  receive(connection, client_close());
  EXPECT_TRUE(connection.peer->write_ended);
}

TEST_F(TurnShares, APeerThatTakesNothingHasOnePieceCompressedAndNoMore) {
  std::string noise;
  for (std::mt19937 random(7692); noise.size() < mebibyte;)
    noise += static_cast<char>(random());
  Connection& connection = open({.transfer = [&](Request& request) -> Task<> {
                                   co_await msgutil::receive_message(request);
                                   co_await msgutil::send_message(request,
                                                                  Message::binary(noise));
                                   co_await count_bytes(request, bytes_);
                                 },
                                 .deflate = no_takeover});
  connection.peer->capacity = 0;
  receive(connection, client_text("go"));  // which comes to rest
  EXPECT_GT(connection.session->wire().unsent(), TurnShare::compressed_at_once);
  EXPECT_LT(connection.session->wire().output().size(), 2 * TurnShare::compressed_at_once);
  connection.peer->capacity = FakePeer::unlimited;
  loop_.run();
  EXPECT_EQ(inflated(connection.peer->take_output()), noise);
}

TEST_F(TurnShares, APeerThatIsLostTakesItAlong) {
  Connection& connection = open({.transfer = [&](Request& request) -> Task<> {
                                   co_await msgutil::receive_message(request);
                                   co_await msgutil::send_message(request,
                                                                  std::string(mebibyte, 'x'));
                                 },
                                 .deflate = no_takeover});
  connection.peer->send(client_text("go"));
  loop_.run_once();
  connection.peer->write_error = EPIPE;
  loop_.run();
  EXPECT_TRUE(connection.gone);
}

// --- by the clock ------------------------------------------------------------------------------

TEST_F(TurnShares, ALongTurnEndsAtTheNextLookAtTheClock) {
  Connection& connection = open([this](Request& request) { return count_bytes(request, bytes_); });
  std::string frames;
  for (int i = 0; i < 1000; ++i) frames += client_text("x");
  connection.peer->send(frames);
  loop_.per_look = 3ms;
  // The first look is at the 32nd message, and the third one finds that it was long enough.
  loop_.run_once();
  EXPECT_EQ(bytes_, 95u);
  loop_.run_once();
  EXPECT_EQ(bytes_, 2 * 95u);
  loop_.per_look = 0ms;
  loop_.run();
  EXPECT_EQ(bytes_, 1000u);
}

}  // namespace
}  // namespace cppwebsocket::testing
