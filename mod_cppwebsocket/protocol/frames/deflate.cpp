#include "protocol/frames/deflate.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "protocol/frames/zlib_streams.hpp"

namespace cppwebsocket::protocol {

namespace {

// The memory for hashes and symbols that goes with a window, in zlib's terms. For one message: as
// many symbols as the window has bytes, so that a message that fits in the window is one block. To
// keep: half of that, in zlib's own proportion. Never more than zlib's default.
int shared_memory_level(int window_bits) noexcept { return std::min(window_bits - 6, 8); }
int own_memory_level(int window_bits) noexcept { return window_bits - 7; }

}  // namespace

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
    : parameters_(parameters), workspace_(&workspace) {}

PerMessageDeflate::~PerMessageDeflate() = default;

// What an empty message becomes: an empty block's header, whose rest the receiver adds (RFC 7692
// §7.2.3.6). What was sent before ends on a byte border, so it may stand anywhere.
constexpr char empty_message = '\0';

void PerMessageDeflate::compress(std::string_view bytes, bool end, std::string& out) {
  if (bytes.empty()) {
    if (end) out.push_back(empty_message);
    if (end && parameters_.server_no_context_takeover) compressor_.reset();
    return;
  }
  workspace_->share().count_compressed(bytes.size());
  if (parameters_.server_no_context_takeover) {
    // Another connection may come between two fragments. Between two pieces of a large message the
    // compressor is its own, so that it gets as small as in one piece; else it is restarted.
    const bool goes_on = !end && bytes.size() >= TurnShare::compressed_at_once;
    Compressor& compressor = compressor_ ? *compressor_ : restarted_compressor(bytes.size());
    compressor.compress(bytes, out);
    auto& shared = workspace_->compressors_[static_cast<std::size_t>(
        parameters_.server_max_window_bits - DeflateWorkspace::min_window_bits)];
    if (goes_on && !compressor_)
      compressor_ = std::move(shared);
    else if (!goes_on && compressor_)
      shared = std::move(compressor_);
  } else {
    if (const int bits = parameters_.server_max_window_bits; !compressor_)
      compressor_ = std::make_unique<Compressor>(bits, own_memory_level(bits), parameters_.level);
    compressor_->fetch(bytes.size());
    compressor_->compress(bytes, out);
  }
  if (end) out.resize(out.size() - flush_tail.size());
}

void PerMessageDeflate::compress_alone(std::string_view bytes, bool end, std::string& out) const {
  if (bytes.empty()) return out.push_back(empty_message);
  restarted_compressor(bytes.size()).compress(bytes, out);
  if (end) out.resize(out.size() - flush_tail.size());
}

// A window larger than the message is of no use, and the smaller, the quicker to restart.
Compressor& PerMessageDeflate::restarted_compressor(std::size_t message_size) const {
  constexpr std::size_t never_reached = 262;  // bytes of the window: zlib's MIN_LOOKAHEAD
  const int needed = std::bit_width(message_size + never_reached - 1);
  const int window_bits =
      std::clamp(needed, DeflateWorkspace::min_window_bits, parameters_.server_max_window_bits);
  return workspace_->compressor(window_bits, parameters_.level);
}

// A message that is being inflated, between two turns. Without context takeover the decompressor is
// the connection's own until it is finished.
struct PerMessageDeflate::Unfinished {
  std::string bytes;
  std::size_t read = 0;  // of them, or of flush_tail
  bool in_tail = false;
  std::size_t room = 0;
  std::string out;
  bool is_stopped = false;  // in pieces: there may be more to make than there are bytes to read
};

Decompressor& PerMessageDeflate::begin_inflating() {
  if (parameters_.client_no_context_takeover) return workspace_->decompressor();
  if (!decompressor_)
    decompressor_ = std::make_unique<Decompressor>(
        std::max(parameters_.client_max_window_bits, DeflateWorkspace::min_window_bits));
  return *decompressor_;
}

InflateResult PerMessageDeflate::inflate(std::string& bytes, std::size_t max_size,
                                         std::string& out) {
  TurnShare& share = workspace_->share();
  if (share.used_up()) return InflateResult::unfinished;
  Unfinished was{.room = max_size};
  const bool goes_on = unfinished_ != nullptr;
  if (goes_on) {
    was = std::move(*std::exchange(unfinished_, nullptr));
    bytes = std::move(was.bytes);
    out = std::move(was.out);
  }
  // Not what §7.2.3.6 asks for, but what zlib gives clients that flush twice; its meaning is plain.
  if (bytes.empty()) return InflateResult::ok;
  Decompressor& decompressor = goes_on ? *decompressor_ : begin_inflating();
  std::string_view left = (was.in_tail ? flush_tail : std::string_view(bytes)).substr(was.read);
  InflateResult result = decompressor.inflate(left, was.room, share, out);
  // A message may end with a BFINAL block and nothing behind it; then nothing is missing.
  if (result == InflateResult::ok && !was.in_tail && !decompressor.ended()) {
    was.in_tail = true;
    left = flush_tail;
    result = decompressor.inflate(left, was.room, share, out);
  }
  if (result == InflateResult::unfinished) {
    was.read = (was.in_tail ? flush_tail.size() : bytes.size()) - left.size();
    was.bytes = std::move(bytes);
    was.out = std::move(out);
    unfinished_ = std::make_unique<Unfinished>(std::move(was));
    if (!decompressor_) decompressor_ = std::move(workspace_->decompressor_);
    return result;
  }
  if (result == InflateResult::ok && !decompressor.between_blocks())
    result = InflateResult::corrupt;
  if (goes_on && parameters_.client_no_context_takeover)
    workspace_->decompressor_ = std::move(decompressor_);
  return result;
}

InflateResult PerMessageDeflate::inflate_piece(std::string& bytes, bool end, std::size_t max_size,
                                               std::string& out) {
  if (!unfinished_) {
    if (bytes.empty()) return InflateResult::ok;
    begin_inflating();
    if (!decompressor_) decompressor_ = std::move(workspace_->decompressor_);
    unfinished_ = std::make_unique<Unfinished>(Unfinished{.room = max_size});
  }
  Unfinished& was = *unfinished_;
  if (!bytes.empty()) {
    was.bytes = std::exchange(bytes, {});
    was.read = 0;
  }
  TurnShare& share = workspace_->share();
  if (share.used_up()) return InflateResult::unfinished;
  const auto inflate = [&](std::string_view all) {
    std::string_view left = all.substr(was.read);
    const auto result = decompressor_->inflate(left, was.room, share, out, inflated_at_once - output_step);
    was.read = all.size() - left.size();
    was.is_stopped = result == InflateResult::unfinished;
    return result;
  };
  InflateResult result = InflateResult::ok;
  if (!was.in_tail && (was.read < was.bytes.size() || was.is_stopped)) result = inflate(was.bytes);
  if (result == InflateResult::ok && end && !was.in_tail && !decompressor_->ended()) {
    was.in_tail = true;
    was.read = 0;
  }
  if (result == InflateResult::ok && was.in_tail) result = inflate(flush_tail);
  if (result != InflateResult::ok) return result;
  was.bytes = {};
  was.read = 0;
  if (!end) return result;
  if (!decompressor_->between_blocks()) return InflateResult::corrupt;
  unfinished_.reset();
  if (parameters_.client_no_context_takeover) workspace_->decompressor_ = std::move(decompressor_);
  return result;
}

void PerMessageDeflate::release_compressor() noexcept { compressor_.reset(); }

}  // namespace cppwebsocket::protocol
