#include "protocol/frames/deflate.hpp"

#include <zlib.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cassert>
#include <cstdlib>
#include <limits>
#include <new>

namespace cppwebsocket::protocol {

namespace {

// RFC 7692 §7.2.1: what a flush ends with, and a message on the wire lacks.
constexpr std::string_view flush_tail("\x00\x00\xff\xff", 4);

// zlib counts in 32 bits.
constexpr std::size_t max_step = std::numeric_limits<uInt>::max() / 2;

// Bytes of output per call of zlib, on the stack. zlib wants more than six to flush once only.
constexpr std::size_t output_step = 16 << 10;

Bytef* bytes_for_zlib(const char* bytes) noexcept {
  return reinterpret_cast<Bytef*>(const_cast<char*>(bytes));  // it only reads them
}

// The memory for hashes and symbols that goes with a window, in zlib's terms. For one message: as
// many symbols as the window has bytes, so that a message that fits in the window is one block. To
// keep: half of that, in zlib's own proportion. Never more than zlib's default.
int shared_memory_level(int window_bits) noexcept { return std::min(window_bits - 6, 8); }
int own_memory_level(int window_bits) noexcept { return window_bits - 7; }

}  // namespace

// --- Compressor -------------------------------------------------------------------------------

class Compressor {
 public:
  Compressor(int window_bits, int memory_level, int level) : level_(level) {
    stream_.opaque = this;
    stream_.zalloc = allocate;
    stream_.zfree = [](void*, void* memory) { std::free(memory); };
    if (deflateInit2(&stream_, level, Z_DEFLATED, -window_bits, memory_level, Z_DEFAULT_STRATEGY) !=
        Z_OK)
      throw std::bad_alloc();
  }
  ~Compressor() { deflateEnd(&stream_); }
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;

  // Forgets all that it has seen.
  void restart(int level) noexcept {
    deflateReset(&stream_);
    if (level == level_) return;
    deflateParams(&stream_, level, Z_DEFAULT_STRATEGY);
    level_ = level;
  }

  // To be called before compress(), if others have had the cache meanwhile. zlib follows chains
  // from hash to position to text, one miss after the other; fetched all at once, its tables cost a
  // fraction of that: for 1 KiB on each of 200 connections this halves the time.
  void fetch(std::size_t message_size) const noexcept {
    constexpr std::size_t worth_it = 512;  // bytes of tables for each byte of the message
    constexpr std::size_t cache_line = 64;
    std::size_t size = 0;
    for (const auto& table : tables_) size += table.size();
    if (size / worth_it > message_size) return;
    for (const auto& table : tables_)
      for (std::size_t i = 0; i < table.size(); i += cache_line) __builtin_prefetch(&table[i], 1);
    std::atomic_signal_fence(std::memory_order_relaxed);  // or GCC finds that this does nothing
  }

  // Ends on a byte border, with flush_tail. `bytes` is not empty: zlib refuses to flush twice.
  void compress(std::string_view bytes, std::string& out) {
    while (!bytes.empty()) {
      const std::size_t count = std::min(bytes.size(), max_step);
      stream_.next_in = bytes_for_zlib(bytes.data());
      stream_.avail_in = static_cast<uInt>(count);
      bytes.remove_prefix(count);
      run(bytes.empty() ? Z_SYNC_FLUSH : Z_NO_FLUSH, out);
    }
    assert(out.ends_with(flush_tail));
  }

 private:
  void run(int flush, std::string& out) {
    std::array<char, output_step> buffer;
    do {
      stream_.next_out = bytes_for_zlib(buffer.data());
      stream_.avail_out = buffer.size();
      deflate(&stream_, flush);  // its only failure here, nothing left to do, is none
      out.append(buffer.data(), buffer.size() - stream_.avail_out);
    } while (stream_.avail_out == 0);
  }

  static void* allocate(void* compressor, uInt count, uInt size) noexcept {
    auto& self = *static_cast<Compressor*>(compressor);
    const std::size_t bytes = std::size_t{count} * size;
    void* const memory = std::malloc(bytes);
    if (memory && self.allocated_ < self.tables_.size())
      self.tables_[self.allocated_++] = {static_cast<char*>(memory), bytes};
    return memory;
  }

  z_stream stream_{};
  int level_;
  // The state, the window, and the chains and heads of the hash table, which zlib reads all over.
  // What it allocates behind them it fills from the beginning, as far as the message needs.
  std::array<std::span<char>, 4> tables_{};
  std::size_t allocated_ = 0;
};

// --- Decompressor -----------------------------------------------------------------------------

class Decompressor {
 public:
  explicit Decompressor(int window_bits) {
    if (inflateInit2(&stream_, -window_bits) != Z_OK) throw std::bad_alloc();
  }
  ~Decompressor() { inflateEnd(&stream_); }
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;

  void restart() noexcept { inflateReset(&stream_); }

  // Goes on with `bytes`, appending to `out` and taking what it appends off `room`.
  InflateResult inflate(std::string_view bytes, std::size_t& room, std::string& out) {
    while (!bytes.empty()) {
      const std::size_t count = std::min(bytes.size(), max_step);
      stream_.next_in = bytes_for_zlib(bytes.data());
      stream_.avail_in = static_cast<uInt>(count);
      bytes.remove_prefix(count);
      if (const auto result = run(room, out); result != InflateResult::ok) return result;
    }
    return InflateResult::ok;
  }

  // True on a byte border between two blocks.
  bool between_blocks() const noexcept {
    constexpr int unused_bits = 0x3f;  // in data_type, as zlib.h describes it
    constexpr int block_ended = 0x80;
    return ended_ || (stream_.data_type & (unused_bits | block_ended)) == block_ended;
  }
  // True if the last byte was that of a block with BFINAL set.
  bool ended() const noexcept { return ended_; }

 private:
  InflateResult run(std::size_t& room, std::string& out) {
    std::array<char, output_step> buffer;
    do {
      // One byte more than there is room for tells a message that fits from one that does not.
      const std::size_t step = room < buffer.size() ? room + 1 : buffer.size();
      stream_.next_out = bytes_for_zlib(buffer.data());
      stream_.avail_out = static_cast<uInt>(step);
      const int status = ::inflate(&stream_, Z_SYNC_FLUSH);
      if (status == Z_MEM_ERROR) throw std::bad_alloc();
      if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
        return InflateResult::corrupt;
      const std::size_t made = step - stream_.avail_out;
      if (made > room) return InflateResult::too_big;
      room -= made;
      out.append(buffer.data(), made);
      ended_ = status == Z_STREAM_END;
      // RFC 7692 §7.2.3.4, §7.2.3.5: more blocks may follow one with BFINAL set.
      if (ended_) inflateReset(&stream_);
    } while (stream_.avail_in != 0 || (stream_.avail_out == 0 && !ended_));
    return InflateResult::ok;
  }

  z_stream stream_{};
  bool ended_ = false;
};

// --- DeflateWorkspace -------------------------------------------------------------------------

DeflateWorkspace::DeflateWorkspace() noexcept = default;
DeflateWorkspace::~DeflateWorkspace() = default;

Compressor& DeflateWorkspace::compressor(int window_bits, int level) {
  auto& compressor = compressors_[static_cast<std::size_t>(window_bits - min_window_bits)];
  if (compressor)
    compressor->restart(level);
  else
    compressor = std::make_unique<Compressor>(window_bits, shared_memory_level(window_bits), level);
  return *compressor;
}

Decompressor& DeflateWorkspace::decompressor() {
  if (decompressor_)
    decompressor_->restart();
  else
    decompressor_ = std::make_unique<Decompressor>(max_window_bits);  // reads smaller ones too
  return *decompressor_;
}

// --- PerMessageDeflate ------------------------------------------------------------------------

PerMessageDeflate::PerMessageDeflate(const DeflateParameters& parameters,
                                     DeflateWorkspace& workspace) noexcept
    : parameters_(parameters), workspace_(workspace) {}

PerMessageDeflate::~PerMessageDeflate() = default;

// What an empty message becomes: an empty block's header, whose rest the receiver adds (RFC 7692
// §7.2.3.6). What was sent before ends on a byte border, so it may stand anywhere.
constexpr char empty_message = '\0';

void PerMessageDeflate::compress(std::string_view bytes, bool end, std::string& out) {
  if (bytes.empty()) {
    if (end) out.push_back(empty_message);
    return;
  }
  if (parameters_.server_no_context_takeover) {
    // Restarted for every call, since another connection may come between two fragments.
    restarted_compressor(bytes.size()).compress(bytes, out);
  } else {
    if (const int bits = parameters_.server_max_window_bits; !compressor_)
      compressor_ = std::make_unique<Compressor>(bits, own_memory_level(bits), parameters_.level);
    compressor_->fetch(bytes.size());
    compressor_->compress(bytes, out);
  }
  if (end) out.resize(out.size() - flush_tail.size());
}

void PerMessageDeflate::compress_alone(std::string_view bytes, std::string& out) const {
  if (bytes.empty()) return out.push_back(empty_message);
  restarted_compressor(bytes.size()).compress(bytes, out);
  out.resize(out.size() - flush_tail.size());
}

// A window larger than the message is of no use, and the smaller, the quicker to restart.
Compressor& PerMessageDeflate::restarted_compressor(std::size_t message_size) const {
  constexpr std::size_t never_reached = 262;  // bytes of the window: zlib's MIN_LOOKAHEAD
  const int needed = std::bit_width(message_size + never_reached - 1);
  const int window_bits =
      std::clamp(needed, DeflateWorkspace::min_window_bits, parameters_.server_max_window_bits);
  return workspace_.compressor(window_bits, parameters_.level);
}

InflateResult PerMessageDeflate::inflate(std::string_view bytes, std::size_t max_size,
                                         std::string& out) {
  // Not what §7.2.3.6 asks for, but what zlib gives clients that flush twice; its meaning is plain.
  if (bytes.empty()) return InflateResult::ok;
  const bool shared = parameters_.client_no_context_takeover;
  if (!shared && !decompressor_)
    decompressor_ = std::make_unique<Decompressor>(
        std::max(parameters_.client_max_window_bits, DeflateWorkspace::min_window_bits));
  Decompressor& decompressor = shared ? workspace_.decompressor() : *decompressor_;
  std::size_t room = max_size;
  InflateResult result = decompressor.inflate(bytes, room, out);
  // A message may end with a BFINAL block and nothing behind it; then nothing is missing.
  if (result == InflateResult::ok && !decompressor.ended())
    result = decompressor.inflate(flush_tail, room, out);
  if (result == InflateResult::ok && !decompressor.between_blocks()) return InflateResult::corrupt;
  return result;
}

void PerMessageDeflate::release_compressor() noexcept { compressor_.reset(); }

}  // namespace cppwebsocket::protocol
