// A blocking handler's threads write themselves: over socket pairs, with real threads.
#include "runtime/session/lent_wire.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <functional>
#include <future>
#include <thread>

#include "runtime/loop/blocking_pool.hpp"
#include "runtime/reactor/reactor.hpp"
#include "runtime/session/blocking_session.hpp"
#include "runtime/session/guest.hpp"
#include "runtime/session/session.hpp"
#include "runtime/support/session_fixture.hpp"
#include "runtime/support/socket_client.hpp"

namespace cppwebsocket::testing {
namespace {

using runtime::LentWire;

protocol::Output output_of(std::string_view bytes) {
  protocol::Output output;
  output.append(bytes);
  return output;
}

std::string text_of(const protocol::Output& output) {
  std::string_view piece;
  return output.pieces(&piece, 1) == 0 ? std::string() : std::string(piece);
}

TEST(LentWire, IsOneThreadsAtATimeAndOnlyWhileItIsLent) {
  LentWire wire;
  protocol::Output nothing;
  EXPECT_FALSE(wire.begin_write());
  wire.lend();
  EXPECT_TRUE(wire.begin_write());
  EXPECT_FALSE(wire.begin_write());
  EXPECT_FALSE(wire.end_write(nothing));
  EXPECT_TRUE(wire.begin_write());
  EXPECT_FALSE(wire.end_write(nothing));
  wire.take_back(nothing);
  EXPECT_TRUE(nothing.empty());
  EXPECT_FALSE(wire.begin_write());
}

TEST(LentWire, NobodyWritesBehindARestUntilTheSessionHasIt) {
  LentWire wire;
  wire.lend();
  ASSERT_TRUE(wire.begin_write());
  protocol::Output rest = output_of("rest");
  EXPECT_TRUE(wire.end_write(rest));
  EXPECT_FALSE(wire.begin_write());
  protocol::Output taken;
  wire.take_back(taken);
  EXPECT_EQ(text_of(taken), "rest");
  wire.lend();
  EXPECT_TRUE(wire.begin_write());
}

TEST(LentWire, TakingItBackWaitsForTheWriter) {
  LentWire wire;
  int written = 0;
  for (int i = 1; i <= 1000; ++i) {
    wire.lend();
    ASSERT_TRUE(wire.begin_write());
    std::thread writer([&] {
      written = i;
      protocol::Output rest = output_of("x");
      wire.end_write(rest);
    });
    protocol::Output rest;
    wire.take_back(rest);
    EXPECT_EQ(written, i);
    EXPECT_EQ(text_of(rest), "x");
    writer.join();
  }
}

TEST(LentWire, AThreadThatWritesWithoutPauseDoesNotKeepIt) {
  LentWire wire;
  std::atomic<bool> over = false;
  wire.lend();
  std::thread writer([&] {
    while (!over) {
      protocol::Output nothing;
      if (wire.begin_write()) wire.end_write(nothing);
    }
  });
  for (int i = 0; i < 1000; ++i) {
    protocol::Output nothing;
    wire.take_back(nothing);
    wire.lend();
  }
  over = true;
  writer.join();
}

std::string server_text(const std::string& payload) {  // at most 125 bytes
  std::string frame{'\x81', static_cast<char>(payload.size())};
  return frame.append(payload);
}

class BlockingWire : public ::testing::Test {
 protected:
  SocketClient connect(std::function<void(BlockingRequest&)> transfer) {
    SocketClient client;
    Connection& connection = connections_.emplace_back();
    connection.script = {.blocking_transfer = std::move(transfer)};
    reactor_.adopt(make_session(connection, log_, reactor_, client.transport()));
    return client;
  }
  // What the handler has sent, as the client sees it, once the handler has returned.
  static Words all_of(SocketClient& client, std::size_t bytes) {
    std::string received = client.receive(bytes);
    client.send(client_close());
    return words(received + client.receive_all());
  }
  void on_the_loop(std::function<void()> function) {
    const auto done = std::make_shared<std::promise<void>>();
    auto future = done->get_future();
    reactor_.post([&function, done] {
      function();
      done->set_value();
    });
    future.wait();
  }
  bool last_is_gone() const {
    for (int i = 0; i < 20'000 && !connections_.back().gone; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return connections_.back().gone;
  }

 private:
  LogKeeper log_;
  std::deque<Connection> connections_;
  runtime::BlockingPool connection_pool_{1};
  runtime::BlockingPool call_pool_{1};
  runtime::Reactor reactor_{connection_pool_, call_pool_};
};

// Those of `words` that begin with `letter`, each with a number behind it: in order, none missing.
bool counts_up(const Words& words, char letter, int count) {
  int next = 0;
  for (const std::string& word : words)
    if (word.starts_with(std::string("text:") + letter) && std::stoi(word.substr(6)) != next++)
      return false;
  return next == count;
}

TEST_F(BlockingWire, MessagesLargerThanTheKernelTakesArriveWholeAndInOrder) {
  static const std::string large(3'000'000, 'x');
  SocketClient client = connect([](BlockingRequest& request) {
    for (int i = 0; i < 10; ++i) {
      msgutil::send_message(request, large);
      msgutil::send_message(request, "small");
    }
  });
  Words expected;
  for (int i = 0; i < 10; ++i) {
    expected.push_back("text:" + large);
    expected.push_back("text:small");
  }
  expected.push_back("close:1000");
  // Not EXPECT_EQ, which would print it.
  EXPECT_TRUE(all_of(client, 10 * (10 + large.size() + 2 + 5)) == expected);
}

TEST_F(BlockingWire, WhatTheSessionSendsDoesNotMixWithWhatTheHandlerWrites) {
  static constexpr int count = 2000;
  SocketClient client = connect([](BlockingRequest& request) {
    request.spawn([sender = request.sender()](std::stop_token) mutable {
      for (int i = 0; i < count; ++i)
        while (sender.send("s" + std::to_string(i)) == SendResult::full) std::this_thread::yield();
    });
    request.spawn([&](std::stop_token) {
      for (int i = 0; i < count; ++i) msgutil::send_message(request, "t" + std::to_string(i));
    });
    for (int i = 0; i < count; ++i) msgutil::send_message(request, "h" + std::to_string(i));
    while (msgutil::receive_message(request)) {
    }
  });
  std::thread pinger([&] {
    for (int i = 0; i < 1000; ++i) client.send(client_frame(ping, "p"));
  });
  constexpr std::size_t digits = 10 * 1 + 90 * 2 + 900 * 3 + 1000 * 4;
  const Words all = words(client.receive(3 * (count * 3 + digits) + 1000 * 3));
  pinger.join();
  EXPECT_TRUE(counts_up(all, 's', count));
  EXPECT_TRUE(counts_up(all, 't', count));
  EXPECT_TRUE(counts_up(all, 'h', count));
  EXPECT_EQ(std::count(all.begin(), all.end(), "pong:p"), 1000);
  EXPECT_EQ(all_of(client, 0), Words{"close:1000"});
}

// A channel's member, for example: it comes and goes, and writes at any time between the turns.
class Guest final : public runtime::SessionGuest {
 public:
  void refill(bool) noexcept override {}
  void session_ended() noexcept override {}
  void session_gone() noexcept override {}
};

TEST_F(BlockingWire, GuestsThatComeAndGoDoNotMixWithWhatTheHandlerWrites) {
  static constexpr int count = 2000;
  SocketClient client = connect([&](BlockingRequest& request) {
    auto& session = static_cast<runtime::BlockingSession&>(request).session();
    request.spawn([&](std::stop_token) {
      Guest guest;
      for (int i = 0; i < count; ++i)
        on_the_loop([&] {
          session.attach(guest);
          const std::string frame = server_text("g" + std::to_string(i));
          const std::size_t taken = session.write_shared(frame).value_or(0);
          session.turn([&] {
            session.append_shared(std::make_shared<const std::string>(frame), taken, frame.size());
          });
          session.detach(guest);
          if (i % 2 != 0) session.turn([] {});  // else it is lent again in its own time
        });
    });
    for (int i = 0; i < count; ++i) msgutil::send_message(request, "h" + std::to_string(i));
    while (msgutil::receive_message(request)) {
    }
  });
  constexpr std::size_t digits = 10 * 1 + 90 * 2 + 900 * 3 + 1000 * 4;
  const Words all = words(client.receive(2 * (count * 3 + digits)));
  EXPECT_TRUE(counts_up(all, 'g', count));
  EXPECT_TRUE(counts_up(all, 'h', count));
  EXPECT_EQ(all_of(client, 0), Words{"close:1000"});
}

TEST_F(BlockingWire, FragmentsAreNotInterrupted) {
  SocketClient client = connect([](BlockingRequest& request) {
    for (int i = 0; i < 200; ++i) {
      msgutil::send_message(request, "whole");
      msgutil::send_message(request, "be", false);
      msgutil::send_message(request, "gun", true);
    }
  });
  Words expected;
  for (int i = 0; i < 200; ++i)
    for (const char* word : {"text:whole", "text…:be", "more:gun"}) expected.push_back(word);
  expected.push_back("close:1000");
  EXPECT_EQ(all_of(client, 200 * (2 + 5 + 2 + 2 + 2 + 3)), expected);
}

TEST_F(BlockingWire, TheCloseIsTheLastThatTheClientSees) {
  for (int i = 0; i < 50; ++i) {
    SocketClient client = connect([](BlockingRequest& request) {
      for (;;) msgutil::send_message(request, "x");  // raises when it is over
    });
    client.receive(3);
    client.send(client_close());
    Words all = words(client.receive_all());
    ASSERT_FALSE(all.empty());
    EXPECT_EQ(all.back(), "close:1000");
    all.pop_back();
    EXPECT_EQ(std::count(all.begin(), all.end(), "text:x"), std::ssize(all));
    client.close();
    ASSERT_TRUE(last_is_gone());
  }
}

TEST_F(BlockingWire, APeerThatIsGoneEndsTheHandler) {
  for (int i = 0; i < 20; ++i) {
    SocketClient client = connect([](BlockingRequest& request) {
      for (;;) msgutil::send_message(request, std::string(1000, 'x'));
    });
    client.receive(1000);
    client.close();
    ASSERT_TRUE(last_is_gone());
  }
}

}  // namespace
}  // namespace cppwebsocket::testing
