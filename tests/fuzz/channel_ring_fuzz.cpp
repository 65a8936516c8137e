// Whatever a ring and the table hold, a reader and a search for history must neither crash nor read
// outside; and a seat whose last owner died in the middle of anything can be taken.
#include "channels/store/reader.hpp"

#include "channels/store/ring.hpp"

#include <algorithm>
#include <cstring>

using namespace cppwebsocket;
using namespace cppwebsocket::channels;

namespace {

struct Nobody final : ChannelReader::Sink {
  void received(Follow&, Record&& record) override { bytes += record.message.size(); }
  void gap(Follow&, Position, Position) override {}
  void control(std::string_view channel, Record&&) override { bytes += channel.size(); }
  std::size_t bytes = 0;
};

}  // namespace

// The first bytes say where the rest is put, beginning at the head of a ring; `words` of 8 bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  if (size < 16) return 0;
  const auto memory = ChannelMemory::create(ChannelMemory::least_bytes(2), 2);
  ChannelStore store(*memory);
  ChannelReader reader(store, 0);
  reader.follow("chat", nullptr);
  Record sound;
  sound.message = Message("sound");
  sound.bound = {10, 0};
  store.publish("chat", sound);

  const unsigned seat = input[0] & 1, part = input[1] & 1;
  const std::uint64_t skipped = input[2] * 97u, announced = input[3] | input[4] << 8;
  shared::RingMarks& marks = memory->seat(seat).rings[part];
  const std::uint64_t head = marks.head + skipped;
  const auto key = channel_key(memory->secret(), "chat");
  shared::Word* const words =
      reinterpret_cast<shared::Word*>(memory->entries() + memory->entry_count()) +
      (2 * seat + part) * memory->ring_words();
  // What cannot be guessed is put in where the input says so: positions, the key, the epoch.
  const std::uint64_t epoch = store.position("chat").epoch;
  std::uint64_t at = head;
  for (std::size_t i = 16; i + 9 <= size && at - head < memory->ring_words(); i += 9, ++at) {
    std::uint64_t word;
    std::memcpy(&word, input + i + 1, sizeof word);
    switch (input[i] % 8) {
      case 1:
        word = at;
        break;
      case 2:
        word = key.low;
        break;
      case 3:
        word = key.high;
        break;
      case 4:
        word = epoch;
        break;
      case 5:
        word = shared::Location{seat, part, head + word % 64}.packed();
        break;
      case 6:
        word %= 4096;
        break;
      default:
        break;
    }
    words[at % memory->ring_words()] = word;
  }
  marks.head = head + announced;
  marks.reserved = head + announced + input[5];
  if (input[6] & 1) {
    const auto seen = store.table().find(key);
    shared::exchange_state(*seen->entry, seen->state,
                           {input[7], shared::Location{seat, part, head + input[8]}.packed()});
  }

  Nobody nobody;
  for (int i = 0; i < 100 && reader.read(nobody, 50); ++i) {
  }
  store.history("chat", std::nullopt, 100);
  store.history("chat", Position{epoch, input[9]}, 100);
  store.publish("chat", sound);
  reader.read(nobody, 50);
  // A child that was killed before its announcement: nobody has this process number.
  memory->seat(1).owner = 0x7fff'fff0;
  marks.reserved = marks.head + input[10];
  ChannelStore next(*memory);
  next.publish("chat", sound);
  reader.read(nobody, 50);
  return 0;
}
