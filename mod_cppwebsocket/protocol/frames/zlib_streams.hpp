// zlib's two streams, as permessage-deflate uses them: raw, flushed at the end of each message, and a share of
// a turn at a time. For deflate.cpp alone, which says who has which.
// Thread: one at a time.
#pragma once

#include <zlib.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cassert>
#include <cstddef>
#include <cstdlib>
#include <limits>
#include <new>
#include <span>
#include <string>
#include <string_view>

#include "protocol/frames/deflate.hpp"
#include "protocol/frames/turn_share.hpp"

namespace cppwebsocket::protocol {

// RFC 7692 §7.2.1: what a flush ends with, and a message on the wire lacks.
inline constexpr std::string_view flush_tail("\x00\x00\xff\xff", 4);

// zlib counts in 32 bits.
inline constexpr std::size_t max_step = std::numeric_limits<uInt>::max() / 2;

// Bytes of output per call of zlib, on the stack. zlib wants more than six to flush once only.
inline constexpr std::size_t output_step = 16 << 10;

// Bytes of input per call that inflates: what they cost is known only afterwards.
inline constexpr std::size_t input_step = 8 << 10;

inline Bytef* bytes_for_zlib(const char* bytes) noexcept {
  return reinterpret_cast<Bytef*>(const_cast<char*>(bytes));  // it only reads them
}

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

class Decompressor {
 public:
  explicit Decompressor(int window_bits) {
    if (inflateInit2(&stream_, -window_bits) != Z_OK) throw std::bad_alloc();
  }
  ~Decompressor() { inflateEnd(&stream_); }
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;

  void restart() noexcept { inflateReset(&stream_); }

  // Goes on with `bytes`, from whose front it takes what it has read, appending to `out` and taking
  // what it appends off `room`. With the share used up, or `most` bytes in `out`, it is `unfinished`; it
  // does one step always.
  InflateResult inflate(std::string_view& bytes, std::size_t& room, TurnShare& share,
                        std::string& out,
                        std::size_t most = std::numeric_limits<std::size_t>::max()) {
    std::array<char, output_step> buffer;
    for (;;) {
      const std::size_t count = std::min(bytes.size(), input_step);
      stream_.next_in = bytes_for_zlib(bytes.data());
      stream_.avail_in = static_cast<uInt>(count);
      // One byte more than there is room for tells a message that fits from one that does not.
      const std::size_t step = room < buffer.size() ? room + 1 : buffer.size();
      stream_.next_out = bytes_for_zlib(buffer.data());
      stream_.avail_out = static_cast<uInt>(step);
      const int status = ::inflate(&stream_, Z_SYNC_FLUSH);
      if (status == Z_MEM_ERROR) throw std::bad_alloc();
      const std::size_t read = count - stream_.avail_in;
      const std::size_t made = step - stream_.avail_out;
      bytes.remove_prefix(read);
      share.count_inflated(read, made);
      out.append(buffer.data(), std::min(made, room));
      if (made > room) return InflateResult::too_big;
      room -= made;
      if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
        return InflateResult::corrupt;
      ended_ = status == Z_STREAM_END;
      // RFC 7692 §7.2.3.4, §7.2.3.5: more blocks may follow one with BFINAL set.
      if (ended_) inflateReset(&stream_);
      if (bytes.empty() && (stream_.avail_out != 0 || ended_)) return InflateResult::ok;
      if (share.used_up() || out.size() >= most) return InflateResult::unfinished;
    }
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
  z_stream stream_{};
  bool ended_ = false;
};

}  // namespace cppwebsocket::protocol
