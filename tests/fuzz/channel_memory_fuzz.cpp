// A child that writes anything anywhere into the memory that children share, between whatever the
// others do with it. They must neither crash, nor read or write outside of it, nor go on for ever. (What
// httpd's parent does with it once it has forked is nothing.)
#include "channels/store/reader.hpp"
#include "channels/store/ring.hpp"

#include <algorithm>
#include <cstring>
#include <span>
#include <string>

using namespace cppwebsocket;
using namespace cppwebsocket::channels;
using shared::Location;
using shared::Word;

namespace {

struct Nobody final : ChannelReader::Sink {
  void received(Follow&, Record&& record) override { bytes += record.message.size(); }
  void gap(Follow&, Position, Position) override {}
  void control(std::string_view channel, Record&&) override { bytes += channel.size(); }
  std::size_t bytes = 0;
};

class Input {
 public:
  Input(const std::uint8_t* at, std::size_t size) noexcept : at_(at), left_(size) {}
  bool is_empty() const noexcept { return left_ == 0; }
  std::uint64_t take(std::size_t size) noexcept {
    std::uint64_t taken = 0;
    size = std::min(size, left_);
    std::memcpy(&taken, at_, size);
    at_ += size;
    left_ -= size;
    return taken;
  }

 private:
  const std::uint8_t* at_;
  std::size_t left_;
};

// Two children's stores, and what can be written where.
struct Children {
  std::unique_ptr<ChannelMemory> memory = ChannelMemory::create(ChannelMemory::least_bytes(3), 3);
  ChannelStore one{*memory};
  ChannelStore two{*memory};
  ChannelReader reader{one, 0};
  Nobody nobody;
  ChannelKey key = channel_key(memory->secret(), "chat");
  std::span<Word> words{reinterpret_cast<Word*>(&memory->header()),
                        memory->bytes() / sizeof(Word)};

  std::size_t index_of(const void* word) const noexcept {
    return static_cast<std::size_t>(static_cast<const Word*>(word) - words.data());
  }
  std::uint64_t ring_index(unsigned seat, unsigned part, std::uint64_t position) const noexcept {
    return index_of(memory->entries() + memory->entry_count()) +
           (2 * seat + part) * memory->ring_words() + position % memory->ring_words();
  }

  // A place that matters, or any.
  std::size_t place(Input& in) noexcept {
    const auto kind = in.take(1);
    const unsigned seat = kind >> 4 & 1, part = kind >> 3 & 1;
    const auto at = in.take(2);
    switch (kind % 8) {
      case 0:
        return at % (sizeof(shared::Header) / 8);
      case 1:
        return index_of(&memory->seat(at / 64 % 3)) + at % (sizeof(shared::Seat) / 8);
      case 2:
        return index_of(memory->entries() + (key.low + at / 8) % memory->entry_count()) + at % 8;
      case 3:
      case 4:
        return ring_index(seat, part, memory->ring(seat, part).head() + at);
      case 5:
      case 6:
        return ring_index(seat, part, memory->ring(seat, part).head() - at % 64);
      default:
        return (at * 977 + in.take(2)) % words.size();
    }
  }

  // What cannot be guessed, or anything.
  std::uint64_t value(Input& in) noexcept {
    const auto kind = in.take(1);
    const unsigned seat = kind >> 4 & 3, part = kind >> 3 & 1;
    const std::uint64_t head = memory->ring(seat % 3, part).head();
    switch (kind % 8) {
      case 0:
        return key.low;
      case 1:
        return key.high;
      case 2:
        return one.position("chat").epoch;
      case 3:
        return Location{seat, part, head - in.take(1) % 64}.packed();
      case 4:
        return head + in.take(1) - 64;
      case 5:
        return in.take(1);
      case 6:
        return ~in.take(2);
      default:
        return in.take(8);
    }
  }

  void act(std::uint64_t action, Input& in) {
    Record record;
    record.message = Message(std::string(in.take(1), 'x'));
    record.kind = static_cast<RecordKind>(action >> 4 & 7);
    record.position = {one.position("chat").epoch, in.take(1)};
    record.origin = two.origin();
    record.bound = {static_cast<std::uint32_t>(in.take(1)), 0};
    record.publisher = static_cast<std::uint16_t>(record.bound.messages % 3);
    if (record.kind > RecordKind::missed) record.kind = RecordKind::message;
    if (is_numbered(record.kind) && record.position.offset == 0) record.kind = RecordKind::message;
    ChannelStore& store = action & 128 ? two : one;
    const std::size_t before = nobody.bytes;
    switch (action % 8) {
      case 0:
      case 1:
        store.publish("chat", record);
        break;
      case 2:
        store.publish("other" + std::to_string(in.take(1)), record);
        break;
      case 3:
        if (!reader.prepare_to_wait()) reader.read(nobody, 50);
        reader.waited();
        reader.read(nobody, 50);
        // In one round, a repair of each channel at most: see ChannelReader::read().
        if (nobody.bytes - before > 4 * memory->bytes()) std::abort();
        break;
      case 4:
        if (store.history("chat", std::nullopt, ~std::size_t{0}).records.size() * 88 >
            memory->bytes())
          std::abort();
        break;
      case 5:
        store.history("chat", record.position, 1'000);
        break;
      case 6:
        store.try_lead("chat");
        store.leads("chat");
        store.living();
        store.is_alive(record.origin);
        store.stop_leading("chat");
        store.counters();
        break;
      default:
        if (const int seat = memory->claim(7); seat >= 0) {
          // As a child that was killed leaves it, at any point: it has a seat that nobody holds.
          if (record.bound.messages & 1) memory->locks().let_go(static_cast<unsigned>(seat));
          memory->free_dead_seats();
          if (!(record.bound.messages & 1)) memory->release(static_cast<unsigned>(seat));
        }
        memory->taken_seats();
    }
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  Children children;
  children.reader.follow("chat", nullptr);
  Record sound;
  sound.message = Message("sound");
  sound.bound = {1'000, 0};
  children.two.publish("chat", sound);
  Input in(bytes, std::min<std::size_t>(size, 4'000));
  while (!in.is_empty()) {
    if (const auto action = in.take(1); action & 8) {
      children.act(action, in);
    } else {
      const std::size_t place = children.place(in);
      children.words[place % children.words.size()] = children.value(in);
    }
  }
  return 0;
}
