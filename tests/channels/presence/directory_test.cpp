// Children that tell each other who is there: each has a loop, a store and a hub of its own.
#include "channels/presence/directory.hpp"

#include <chrono>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "channels/store/memory.hpp"
#include "runtime/loop/loop_source.hpp"
#include "runtime/support/fake_loop.hpp"

namespace cppwebsocket::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const Member ann{"1-1", "Ann"}, bob{"2-1", "Bob"};

struct OneChild {
  explicit OneChild(channels::ChannelMemory& memory) : store(memory), hub(store) {
    hub.set_directory(std::make_unique<channels::PresenceDirectory>(hub, loop));
    source = hub.serve(loop);
  }
  void turn() {
    loop.run();
    source->run();
    loop.run();
  }
  channels::Directory& directory() { return *hub.directory(); }

  FakeLoop loop;
  channels::ChannelStore store;
  channels::Hub hub;
  std::shared_ptr<runtime::LoopSource> source;
};

class PresenceDirectory : public ::testing::Test {
 protected:
  void settle() {
    for (int i = 0; i < 4; ++i) {
      first_.turn();
      second_.turn();
    }
  }
  std::unique_ptr<channels::ChannelMemory> memory_ = channels::ChannelMemory::create(1 << 20, 4);
  OneChild first_{*memory_};
  OneChild second_{*memory_};
};

TEST_F(PresenceDirectory, OfAllChildrenIsTheSame) {
  first_.directory().came("chat", ann);
  second_.directory().came("chat", bob);
  settle();
  EXPECT_THAT(first_.hub.presence("chat"), ElementsAre(ann, bob));
  EXPECT_THAT(second_.hub.presence("chat"), ElementsAre(ann, bob));
  EXPECT_THAT(second_.hub.presence("news"), IsEmpty());
  first_.directory().went("chat", ann.id);
  settle();
  EXPECT_THAT(second_.hub.presence("chat"), ElementsAre(bob));
}

TEST_F(PresenceDirectory, OfANewChildKnowsWhoWasThereBefore) {
  first_.directory().came("chat", ann);
  first_.directory().came("news", {"1-2", std::string(9'000, 'x')});
  first_.directory().came("news", {"1-3", std::string(9'000, 'y')});
  settle();
  OneChild third(*memory_);
  EXPECT_THAT(third.hub.presence("chat"), IsEmpty());
  settle();
  third.turn();
  EXPECT_THAT(third.hub.presence("chat"), ElementsAre(ann));
  EXPECT_EQ(third.hub.presence("news").size(), 2u);
}

TEST_F(PresenceDirectory, LosesTheMembersOfAChildThatIsGone) {
  {
    OneChild third(*memory_);
    third.directory().came("chat", {"3-1", "Eve"});
    first_.directory().came("chat", ann);
    settle();
    ASSERT_EQ(first_.hub.presence("chat").size(), 2u);
  }  // without a word
  first_.loop.advance(2s);
  settle();
  EXPECT_THAT(first_.hub.presence("chat"), ElementsAre(ann));
}

TEST_F(PresenceDirectory, WatchesOnlyWhileThereIsSomebody) {
  settle();
  EXPECT_FALSE(first_.loop.has_timers());
  first_.directory().came("chat", ann);
  settle();
  EXPECT_TRUE(first_.loop.has_timers());
  EXPECT_TRUE(second_.loop.has_timers());
  first_.directory().went("chat", ann.id);
  settle();
  for (OneChild* child : {&first_, &second_}) {
    child->loop.advance(2s);
    EXPECT_FALSE(child->loop.has_timers());
  }
}

TEST_F(PresenceDirectory, CountsTheMembersOfOtherChildren) {
  std::size_t count = 0;
  std::atomic<bool> done = false;
  std::thread asking([&] {
    count = first_.directory().members("chat", 7);
    done = true;
  });
  while (!done) settle();
  asking.join();
  EXPECT_EQ(count, 7u);
}

}  // namespace
}  // namespace cppwebsocket::testing
