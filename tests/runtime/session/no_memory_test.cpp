// What other threads have to tell a session they can tell without memory: a child does not end because
// there was none at that moment, and nobody waits for ever.
#include "runtime/support/no_memory.hpp"

#include <gmock/gmock.h>

#include "runtime/support/session_fixture.hpp"

namespace cppwebsocket::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

class WithoutMemory : public SessionFixture {};

TEST_F(WithoutMemory, RunBlockingComesBack) {
  bool came_back = false;
  open([&](Request& request) -> Task<> {
    co_await request.run_blocking([] { NoMemory::set(true); });
    came_back = true;
  });
  EXPECT_TRUE(loop_.run_until([&] { return came_back; }));
}

TEST_F(WithoutMemory, ABlockingHandlerReturns) {
  Connection& connection = open_blocking([](BlockingRequest&) { NoMemory::set(true); });
  EXPECT_TRUE(loop_.run_until([&] { return !connection.peer->output.empty(); }));
  EXPECT_THAT(connection.take_words(), ElementsAre("close:1000"));
}

TEST_F(WithoutMemory, ASpawnedThreadThatRaisesHasTheConnectionEnd) {
  Connection& connection = open_blocking([](BlockingRequest& request) {
    request.spawn([](std::stop_token) {
      NoMemory::set(true);
      throw std::bad_alloc();
    });
    while (msgutil::receive_message(request)) {
    }
  });
  EXPECT_TRUE(loop_.run_until([&] { return !connection.peer->output.empty(); }));
  EXPECT_THAT(connection.take_words(), ElementsAre("close:1011"));
}

TEST_F(WithoutMemory, ABlockingHandlerTakesTheLastMessageAndReadingGoesOn) {
  std::atomic<int> got = 0;
  std::atomic<bool> may_receive = false;
  Connection& connection = open_blocking([&](BlockingRequest& request) {
    while (!may_receive) std::this_thread::yield();
    while (true) {
      std::optional<Message> message;
      {
        const NoMemory none;
        message = request.try_receive();
      }
      if (message && ++got == 600) return;
      if (!message) request.sleep_for(1ms);
    }
  });
  std::string frames;
  for (int i = 0; i < 600; ++i) frames += client_text("x");  // more than an inbox has room for
  receive(connection, frames);
  may_receive = true;
  EXPECT_TRUE(loop_.run_until([&] { return got == 600; }));
}

TEST_F(WithoutMemory, ASendersMessageIsSentThoughTheNextOneHasNoMemory) {
  Connection& connection = open(echo);
  Sender sender = connection.session->sender();
  Message first("first");
  std::thread other([&] {
    EXPECT_EQ(sender.send(std::move(first)), SendResult::accepted);
    Message second("second"), third("third");
    const NoMemory none;
    try {
      sender.send(std::move(second));  // which may find room in its queue
      sender.send(std::move(third));
    } catch (const std::bad_alloc&) {
    }
    sender.close(1001);
  });
  other.join();
  loop_.run();
  const Words all = connection.take_words();
  EXPECT_EQ(all.front(), "text:first");
  EXPECT_EQ(all.back(), "close:1001");
}

}  // namespace
}  // namespace cppwebsocket::testing
