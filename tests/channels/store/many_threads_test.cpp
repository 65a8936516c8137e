// What many processors do to the memory at once: nobody sees half of anything, and nobody sleeps on.
#include "channels/store/reader.hpp"
#include "channels/store/ring.hpp"

#include "channels/support/channel_story.hpp"

#include <atomic>
#include <deque>
#include <thread>

#include <poll.h>
#include <unistd.h>

namespace cppwebsocket::testing {
namespace {

using namespace channels;

constexpr unsigned children = 8;

// Of any length, and each word shows whether all of it is of one message.
std::string patterned(unsigned writer, int number) {
  const std::string word = std::to_string(writer) + ":" + std::to_string(number) + ";";
  std::string text;
  for (int i = 0; i <= number * 7 % 50; ++i) text += word;
  return text;
}

bool is_whole(const std::string& text) {
  const std::size_t size = text.find(';') + 1;
  if (size == 0 || text.size() % size != 0) return false;
  for (std::size_t i = size; i < text.size(); i += size)
    if (text.compare(i, size, text, 0, size) != 0) return false;
  return true;
}

struct WholeRecords final : ChannelReader::Sink {
  void received(Follow&, Record&& record) override {
    broken += !is_whole(record.message.payload());
    disordered += record.position.offset != last + 1;
    last = record.position.offset;
    ++given;
  }
  void gap(Follow&, Position, Position to) override { last = to.offset; }
  void control(std::string_view, Record&&) override {}
  std::uint64_t last = 0, given = 0, broken = 0, disordered = 0;
};

// Rings so small that the writers come round all the time.
TEST(ManyThreads, ReadNothingBrokenWhileRingsAreOverwritten) {
  constexpr int each = 20'000;
  const auto memory = ChannelMemory::create(ChannelMemory::least_bytes(children), children);
  std::deque<ChannelStore> stores;
  while (stores.size() < children) stores.emplace_back(*memory);
  std::atomic<unsigned> following{0}, writing{children};
  std::deque<WholeRecords> checks(children);
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < children; ++i)
      threads.emplace_back([&, i] {
        ChannelReader reader(stores[i], 0);
        reader.follow("chat", nullptr);
        ++following;
        for (bool last_round = false; !last_round;) {
          last_round = writing == 0;
          while (reader.read(checks[i], 8)) {
          }
          std::this_thread::yield();
        }
      });
    while (following < children) std::this_thread::yield();
    for (unsigned i = 0; i < children; ++i)
      threads.emplace_back([&, i] {
        for (int n = 1; n <= each; ++n) stores[i].publish("chat", message(patterned(i, n), i % 2 ? 20 : 0));
        --writing;
      });
  }
  for (const WholeRecords& check : checks) {
    EXPECT_EQ(check.broken, 0u);
    EXPECT_EQ(check.disordered, 0u);
    EXPECT_GT(check.given, 0u);
    EXPECT_EQ(check.last, std::uint64_t{children} * each);
  }
}

// An entry's two words are changed as one and read one by one, also while a writer copies what is kept.
TEST(ManyThreads, SeeAnEntrysOffsetWithItsOwnRecord) {
  constexpr int each = 50'000;
  constexpr unsigned writers = children / 2;
  const auto memory = ChannelMemory::create(ChannelMemory::least_bytes(children), children);
  std::deque<ChannelStore> stores;
  while (stores.size() < children) stores.emplace_back(*memory);
  stores[0].publish("chat", message("first", 20));
  const ChannelKey key = channel_key(memory->secret(), "chat");
  std::atomic<unsigned> writing{writers};
  std::atomic<std::uint64_t> seen_whole{0}, mixed{0};
  const auto look = [&](const ChannelStore& store) {
    const auto seen = store.table().find(key);
    if (!seen) return;
    const auto at = shared::Location::of(seen->state.last);
    const auto head = memory->ring(at.seat, at.ring).read(at.position);
    if (!head) return;  // overwritten since
    ++seen_whole;
    mixed += head->key != key || head->position.offset != seen->state.offset;
  };
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < writers; ++i)
      threads.emplace_back([&, i] {
        while (writing != 0) look(stores[writers + i]);
      });
    for (unsigned i = 0; i < writers; ++i)
      threads.emplace_back([&, i] {
        for (int n = 1; n <= each; ++n) stores[i].publish("chat", message("short", 20));
        --writing;
      });
  }
  EXPECT_GT(seen_whole, 0u);
  EXPECT_EQ(mixed, 0u);
  EXPECT_EQ(stores[0].position("chat").offset, 1 + std::uint64_t{writers} * each);
}

// One says that it sleeps and looks once more, the other publishes and looks for sleepers. The next message comes
// while the reader is done with this one, and goes to sleep.
TEST(ManyThreads, AreWokenByEachPublication) {
  struct Reached final : ChannelReader::Sink {
    void received(Follow&, Record&& record) override { offset = record.position.offset; }
    void gap(Follow&, Position, Position) override {}
    void control(std::string_view, Record&&) override {}
    std::atomic<std::uint64_t> offset{0};
  };
  constexpr std::uint64_t rounds = 20'000;
  constexpr int too_long_ms = 30'000;
  const auto memory = ChannelMemory::create(1 << 20, 2);
  ChannelStore publisher(*memory), store(*memory);
  ChannelReader reader(store, 0);
  reader.follow("chat", nullptr);
  Reached reached;
  std::atomic<bool> overslept{false};
  std::jthread thread([&] {
    for (std::uint64_t round = 1; round <= rounds && !overslept; ++round) {
      publisher.publish("chat", message("a"));
      for (int tries = 1; reached.offset < round && !overslept; ++tries)
        if (tries % 1'000 == 0) std::this_thread::yield();
      for (std::uint64_t i = 0; i < round % 256; ++i) reached.offset.load();
    }
  });
  while (reached.offset < rounds && !overslept) {
    while (reader.read(reached, 8)) {
    }
    if (reached.offset == rounds || !reader.prepare_to_wait()) continue;
    pollfd one{reader.wake_descriptor(), POLLIN, 0};
    std::uint64_t times;
    overslept = ::poll(&one, 1, too_long_ms) != 1 || ::read(one.fd, &times, sizeof times) != sizeof times;
    reader.waited();
  }
  EXPECT_FALSE(overslept) << "after message " << reached.offset;
}

}  // namespace
}  // namespace cppwebsocket::testing
