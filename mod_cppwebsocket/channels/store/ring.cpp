#include "channels/store/ring.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

namespace cppwebsocket::channels {

namespace {

// Goes round a ring, word by word. Stores release and loads acquire: whoever sees a new word sees
// the reservation that was made before it, and so knows that the old one is gone.
template <typename AnyWord>
class Walk {
 public:
  Walk(AnyWord* words, std::size_t size, std::uint64_t at) noexcept
      : words_(words), size_(size), next_(at % size) {}

  void put(std::uint64_t word) noexcept { step().store(word, std::memory_order_release); }
  std::uint64_t get() noexcept { return step().load(std::memory_order_acquire); }

  void put_bytes(std::string_view bytes) noexcept {
    for (; !bytes.empty(); bytes.remove_prefix(std::min<std::size_t>(bytes.size(), 8))) {
      std::uint64_t word = 0;
      if (bytes.size() >= 8)
        std::memcpy(&word, bytes.data(), 8);
      else
        std::memcpy(&word, bytes.data(), bytes.size());
      put(word);
    }
  }
  void get_bytes(char* to, std::size_t size) noexcept {
    for (; size >= 8; to += 8, size -= 8) {
      const std::uint64_t word = get();
      std::memcpy(to, &word, 8);
    }
    if (size == 0) return;
    const std::uint64_t word = get();
    std::memcpy(to, &word, size);
  }

 private:
  AnyWord& step() noexcept {
    AnyWord& word = words_[next_];
    if (++next_ == size_) next_ = 0;
    return word;
  }

  AnyWord* words_;
  std::size_t size_;
  std::size_t next_;
};

}  // namespace

std::uint64_t Ring::write(const RecordHead& record, std::string_view name,
                          std::string_view payload) noexcept {
  const std::uint64_t at = marks_.head.load(std::memory_order_relaxed);
  const std::uint64_t end = at + record.total_words();
  // A dead predecessor may have got further: what it has overwritten stays void.
  if (marks_.reserved.load(std::memory_order_relaxed) < end)
    marks_.reserved.store(end, std::memory_order_relaxed);
  Walk walk(words_, size_, at);
  walk.put(at);
  walk.put(record.payload_size | std::uint64_t{record.name_size} << 32 |
           static_cast<std::uint64_t>(record.kind) << 40 | std::uint64_t{record.is_text} << 48 |
           std::uint64_t{record.is_copy} << 49 | std::uint64_t{record.publisher} << 50);
  walk.put(record.key.low);
  walk.put(record.key.high);
  walk.put(record.position.epoch);
  walk.put(record.position.offset);
  walk.put(record.previous);
  walk.put(record.origin);
  walk.put(record.sequence);
  walk.put(static_cast<std::uint64_t>(record.time_ms));
  walk.put(std::uint64_t{record.bound.messages} << 32 | record.bound.seconds);
  walk.put_bytes(name);
  walk.put_bytes(payload);
  return at;
}

void Ring::place(std::uint64_t at, Position position, std::uint64_t previous) noexcept {
  Walk walk(words_, size_, at + 4);
  walk.put(position.epoch);
  walk.put(position.offset);
  walk.put(previous);
}

std::optional<RecordHead> Ring::read(std::uint64_t at) const noexcept {
  const std::uint64_t reserved = marks_.reserved.load(std::memory_order_acquire);
  if (at >= reserved || reserved - at > size_ || reserved - at < RecordHead::words) return {};
  Walk walk(std::as_const(words_), size_, at);
  if (walk.get() != at) return {};
  RecordHead record;
  const std::uint64_t sizes = walk.get();
  record.payload_size = static_cast<std::uint32_t>(sizes);
  record.name_size = static_cast<std::uint8_t>(sizes >> 32);
  record.kind = static_cast<RecordKind>(sizes >> 40 & 0xff);
  record.is_text = (sizes >> 48 & 1) != 0;
  record.is_copy = (sizes >> 49 & 1) != 0;
  record.publisher = static_cast<std::uint16_t>((sizes >> 50) & (most_publishers - 1));
  record.key.low = walk.get();
  record.key.high = walk.get();
  record.position.epoch = walk.get();
  record.position.offset = walk.get();
  record.previous = walk.get();
  record.origin = walk.get();
  record.sequence = walk.get();
  record.time_ms = static_cast<std::int64_t>(walk.get());
  const std::uint64_t bound = walk.get();
  record.bound = {static_cast<std::uint32_t>(bound >> 32), static_cast<std::uint32_t>(bound)};
  if (record.kind > RecordKind::missed || record.total_words() > most_words() ||
      record.total_words() > reserved - at || !is_valid(at))
    return {};
  return record;
}

bool Ring::read_rest(std::uint64_t at, const RecordHead& record, std::string* name,
                     std::string& payload) const {
  Walk walk(std::as_const(words_), size_, at + RecordHead::words);
  char skipped[256];
  walk.get_bytes(skipped, record.name_size);
  if (name) name->assign(skipped, record.name_size);
  payload.resize(record.payload_size);
  walk.get_bytes(payload.data(), payload.size());
  return is_valid(at);
}

bool Ring::is_valid(std::uint64_t at) const noexcept {
  return marks_.reserved.load(std::memory_order_acquire) - at <= size_;
}

void Ring::fetch(std::uint64_t at) const noexcept {
  const shared::Word* const first = &words_[at % size_];
  __builtin_prefetch(first);
  __builtin_prefetch(first + RecordHead::words - 1);
}

bool Ring::has_unannounced() const noexcept {
  return marks_.reserved.load(std::memory_order_acquire) > head();
}

std::int64_t system_ms() noexcept {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

Record record_of(const RecordHead& head, std::string&& payload, std::string&& remarks) noexcept {
  Record record;
  record.remarks = std::move(remarks);
  record.kind = head.kind;
  record.message =
      Message(head.is_text ? Message::Type::text : Message::Type::binary, std::move(payload));
  // Whoever publishes a text has found it to be UTF-8.
  if (head.is_text) detail::MessageAccess::set_validated(record.message);
  record.position = head.position;
  record.origin = head.origin;
  record.sequence = head.sequence;
  record.time_ms = head.time_ms;
  record.bound = head.bound;
  return record;
}

}  // namespace cppwebsocket::channels
