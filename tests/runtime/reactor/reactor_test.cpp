// The reactor over socket pairs: real epoll, real threads, real time (little of it).
#include "runtime/reactor/reactor.hpp"

#include <gmock/gmock.h>

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <thread>

#include "runtime/loop/blocking_pool.hpp"
#include "runtime/reactor/stop_plan.hpp"
#include "runtime/support/session_fixture.hpp"
#include "runtime/support/socket_client.hpp"
#include "runtime/support/threads.hpp"

namespace cppwebsocket::testing {
namespace {

using namespace std::chrono_literals;
using runtime::Stop;
using ::testing::ElementsAre;

// What the server sends for `count` texts of 4 bytes.
constexpr std::size_t echoed_size(std::size_t count) { return count * 6; }

std::string four_bytes(int number) {
  std::string text = std::to_string(number);
  return std::string(4 - text.size(), '0') + text;
}

class Reactor : public ::testing::Test {
 protected:
  SocketClient connect(Script script) {
    SocketClient client;
    Connection& connection = connections_.emplace_back();
    connection.script = std::move(script);
    reactor_->adopt(make_session(connection, log_, *reactor_, client.transport()));
    return client;
  }
  bool all_gone() const {
    return std::all_of(connections_.begin(), connections_.end(),
                       [](const Connection& each) { return each.gone.load(); });
  }

  LogKeeper log_;
  std::deque<Connection> connections_;
  runtime::BlockingPool connection_pool_{8};
  runtime::BlockingPool call_pool_{4};
  std::unique_ptr<runtime::Reactor> reactor_ =
      std::make_unique<runtime::Reactor>(connection_pool_, call_pool_);
};

TEST_F(Reactor, EchoesThousandsOfMessagesOnManyConnections) {
  constexpr int clients = 60, messages = 200;
  std::vector<SocketClient> all;
  for (int i = 0; i < clients; ++i) all.push_back(connect({.transfer = echo}));
  std::string frames;
  Words expected;
  for (int i = 0; i < messages; ++i) {
    frames += client_text(four_bytes(i));
    expected.push_back("text:" + four_bytes(i));
  }
  for (SocketClient& client : all) client.send(frames);
  for (SocketClient& client : all)
    EXPECT_EQ(words(client.receive(echoed_size(messages))), expected);
  for (SocketClient& client : all) client.send(client_close());
  for (SocketClient& client : all) EXPECT_EQ(words(client.receive_all()), Words{"close:1000"});
  all.clear();
  EXPECT_TRUE(eventually([&] { return all_gone(); }));
}

TEST_F(Reactor, EchoesMessagesLargerThanEveryBuffer) {
  const std::string large(5'000'000, 'x');
  SocketClient client = connect({.transfer = echo, .limits = {.max_message_size = static_cast<std::uint32_t>(large.size())}});
  std::thread sender([&] {
    for (int i = 0; i < 3; ++i) client.send(client_text(large));
  });
  const std::string received = client.receive(3 * (large.size() + 10));
  sender.join();
  EXPECT_EQ(words(received), Words(3, "text:" + large));
}

TEST_F(Reactor, APeerThatDoesNotReadHoldsUpNobodyElse) {
  SocketClient stuck = connect({.transfer = [](Request& request) -> Task<> {
    for (;;) co_await msgutil::send_message(request, std::string(100'000, 'x'));
  }});
  SocketClient other = connect({.transfer = echo});
  for (int i = 0; i < 100; ++i) {
    other.send(client_text(four_bytes(i)));
    EXPECT_THAT(words(other.receive(echoed_size(1))), ElementsAre("text:" + four_bytes(i)));
  }
}

TEST_F(Reactor, AHandlerThatSendsWithoutEndHoldsUpNobodyElse) {
  SocketClient greedy = connect({.transfer = [](Request& request) -> Task<> {
    for (;;) co_await msgutil::send_message(request, std::string(1000, 'x'));
  }});
  std::thread reader([&] { greedy.drain(); });
  SocketClient other = connect({.transfer = echo});
  for (int i = 0; i < 20; ++i) {
    other.send(client_text(four_bytes(i)));
    EXPECT_THAT(words(other.receive(echoed_size(1))), ElementsAre("text:" + four_bytes(i)));
  }
  greedy.send(client_close());
  reader.join();
}

TEST_F(Reactor, TimersRunInRealTime) {
  const auto start = std::chrono::steady_clock::now();
  SocketClient client = connect({.transfer = [](Request& request) -> Task<> {
    co_await request.sleep_for(20ms);
    co_await msgutil::send_message(request, "done");
  }});
  EXPECT_THAT(words(client.receive(6)), ElementsAre("text:done"));
  EXPECT_GE(std::chrono::steady_clock::now() - start, 20ms);
}

TEST_F(Reactor, RudePeersLeaveNothingBehind) {
  for (int i = 0; i < 200; ++i) {
    SocketClient client = connect({.transfer = echo});
    if (i % 2) client.send(client_text("hello"));
    if (i % 3 == 0) client.send("\x81");
  }
  EXPECT_TRUE(eventually([&] { return all_gone(); }));
}

TEST_F(Reactor, BlockingHandlersAndRunBlockingWorkTogether) {
  SocketClient blocking = connect({.blocking_transfer = blocking_echo});
  SocketClient calling = connect({.transfer = [](Request& request) -> Task<> {
    while (auto message = co_await msgutil::receive_message(request)) {
      co_await request.run_blocking([&] { std::this_thread::yield(); });
      co_await msgutil::send_message(request, std::move(*message));
    }
  }});
  for (int i = 0; i < 200; ++i) {
    blocking.send(client_text(four_bytes(i)));
    calling.send(client_text(four_bytes(i)));
  }
  EXPECT_EQ(words(blocking.receive(echoed_size(200))).back(), "text:0199");
  EXPECT_EQ(words(calling.receive(echoed_size(200))).back(), "text:0199");
}

TEST_F(Reactor, SendersOfOtherThreadsWakeIt) {
  std::mutex mutex;
  std::vector<Sender> senders;
  std::vector<SocketClient> clients;
  for (int i = 0; i < 20; ++i)
    clients.push_back(connect({.transfer = [&](Request& request) -> Task<> {
      {
        std::lock_guard lock(mutex);
        senders.push_back(request.sender());
      }
      co_await echo(request);
    }}));
  ASSERT_TRUE(eventually([&] {
    std::lock_guard lock(mutex);
    return senders.size() == clients.size();
  }));
  std::thread publisher([&] {
    for (int i = 0; i < 100; ++i)
      for (const Sender& sender : senders)
        while (sender.send(four_bytes(i)) == SendResult::full) std::this_thread::yield();
  });
  for (SocketClient& client : clients)
    EXPECT_EQ(words(client.receive(echoed_size(100))).back(), "text:0099");
  publisher.join();
  clients.clear();
  EXPECT_TRUE(eventually([&] { return all_gone(); }));
  for (const Sender& sender : senders) EXPECT_EQ(sender.send("x"), SendResult::closed);
}

TEST_F(Reactor, AStopClosesEveryConnectionWith1001AndThenTellsSo) {
  std::vector<SocketClient> clients;
  for (int i = 0; i < 10; ++i) clients.push_back(connect({.transfer = echo}));
  clients.push_back(connect({.blocking_transfer = blocking_echo}));
  for (SocketClient& client : clients) {
    client.send(client_text("here"));
    client.receive(6);
  }
  reactor_->begin_stop(Stop::at_once);
  for (SocketClient& client : clients) {
    EXPECT_THAT(words(client.receive(4)), ElementsAre("close:1001"));
    client.send(client_close(1001));
    EXPECT_EQ(client.receive_all(), "");
    client.close();
  }
  EXPECT_TRUE(wait_readable(reactor_->stopped_descriptor()));
  EXPECT_TRUE(all_gone());
}

TEST_F(Reactor, AStopDoesNotWaitForPeersThatDoNotAnswer) {
  SocketClient client = connect({.transfer = echo, .limits = {.close_timeout = 10ms}});
  reactor_->begin_stop(Stop::at_once);
  EXPECT_TRUE(wait_readable(reactor_->stopped_descriptor()));
  EXPECT_TRUE(all_gone());
}

TEST_F(Reactor, WhatIsAdoptedAfterTheStopIsClosedOrDropped) {
  SocketClient first = connect({.transfer = echo});
  reactor_->begin_stop(Stop::at_once);
  SocketClient during = connect({.transfer = echo});
  EXPECT_THAT(words(first.receive(4)), ElementsAre("close:1001"));
  EXPECT_THAT(words(during.receive(4)), ElementsAre("close:1001"));
  first.close();
  during.close();
  ASSERT_TRUE(wait_readable(reactor_->stopped_descriptor()));
  SocketClient late = connect({.transfer = echo});
  EXPECT_EQ(late.receive_all(), "");
  EXPECT_TRUE(all_gone());
}

// Counts its rounds, and has work whenever its eventfd was written to.
class Counter final : public runtime::LoopSource {
 public:
  ~Counter() override { ::close(descriptor_); }
  int descriptor() const noexcept override { return descriptor_; }
  bool prepare_to_wait() noexcept override { return work_ == 0; }
  void waited() noexcept override {}
  void run() noexcept override {
    if (work_ != 0) --work_, ++done_;
  }
  void add_work(int count) {
    work_ += count;
    const std::uint64_t one = 1;
    ASSERT_EQ(::write(descriptor_, &one, sizeof one), 8);
  }
  int done() const { return done_; }

 private:
  const int descriptor_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  std::atomic<int> work_{0};
  std::atomic<int> done_{0};
};

TEST_F(Reactor, ASourceIsWokenEachTimeAndNotLeftWithWork) {
  auto counter = std::make_shared<Counter>();
  reactor_->attach(counter);
  counter->add_work(3);  // one wake-up, three rounds
  EXPECT_TRUE(eventually([&] { return counter->done() == 3; }));
  counter->add_work(1);
  EXPECT_TRUE(eventually([&] { return counter->done() == 4; }));
}

// Each takes as long as a turn may.
TEST_F(Reactor, PostedFunctionsThatTakeLongLetOthersHaveTheirRounds) {
  auto counter = std::make_shared<Counter>();
  reactor_->attach(counter);
  counter->add_work(1'000'000);
  std::vector<int> rounds;
  std::atomic<bool> over = false;
  reactor_->post([&] {  // so that the others are there in one round
    for (int i = 0; i < 5; ++i)
      reactor_->post([&] {
        rounds.push_back(counter->done());
        std::this_thread::sleep_for(runtime::EventLoop::longest_turn);
      });
    reactor_->post([&] { over = true; });
  });
  EXPECT_TRUE(eventually([&] { return over.load(); }));
  for (std::size_t i = 1; i < rounds.size(); ++i) EXPECT_GT(rounds[i], rounds[i - 1]);
}

class PipeReader final : public runtime::DescriptorWatcher {
 public:
  explicit PipeReader(std::function<void()> heard) : heard_(std::move(heard)) {
    if (::pipe2(ends_, O_CLOEXEC | O_NONBLOCK) != 0) throw std::runtime_error("pipe2");
  }
  ~PipeReader() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  int descriptor() const { return ends_[0]; }
  void write() { ASSERT_EQ(::write(ends_[1], "x", 1), 1); }
  void on_ready(bool readable, bool, bool) override {
    char ignored;
    if (readable && ::read(ends_[0], &ignored, 1) == 1) heard_();
  }

 private:
  int ends_[2];
  const std::function<void()> heard_;
};

TEST_F(Reactor, WatchersAreToldUntilTheyAreUnwatched) {
  std::atomic<int> heard = 0;
  PipeReader reader([&] { ++heard; });
  reactor_->post([&] { reactor_->watch(reader.descriptor(), reader, {true, false}); });
  reader.write();
  EXPECT_TRUE(eventually([&] { return heard == 1; }));
  std::atomic<bool> unwatched = false;
  reactor_->post([&] {
    reactor_->unwatch(reader.descriptor(), reader);
    unwatched = true;
  });
  EXPECT_TRUE(eventually([&] { return unwatched.load(); }));
  reader.write();
  std::this_thread::sleep_for(20ms);
  EXPECT_EQ(heard, 1);
}

TEST_F(Reactor, AWatcherThatGoesInTheRoundOfItsEventIsNotTold) {
  std::array<std::unique_ptr<PipeReader>, 2> readers;
  std::atomic<int> heard = 0;
  for (std::size_t i = 0; i < 2; ++i)
    readers[i] = std::make_unique<PipeReader>([&, i] {
      ++heard;
      auto& other = readers[1 - i];
      reactor_->unwatch(other->descriptor(), *other);
      other.reset();
    });
  for (auto& each : readers) each->write();
  reactor_->post([&] {  // both are ready before the loop waits for the first time
    for (auto& each : readers) reactor_->watch(each->descriptor(), *each, {true, false});
  });
  EXPECT_TRUE(eventually([&] { return heard == 1; }));
  std::atomic<bool> after = false;
  reactor_->post([&] {
    for (auto& each : readers)
      if (each) reactor_->unwatch(each->descriptor(), *each);
    after = true;
  });
  EXPECT_TRUE(eventually([&] { return after.load(); }));
  EXPECT_EQ(heard, 1);
}

}  // namespace
}  // namespace cppwebsocket::testing
