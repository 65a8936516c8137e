#include "protocol/frames/output.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace cppwebsocket::protocol {

char* Output::extend_slowly(std::size_t size) {
  constexpr std::size_t least = 64;  // bytes
  const bool fits = !segments_.empty() && segments_.back().gathers &&
                    (segments_.back().used + size <= gathered_size || segments_.back().used == 0);
  if (!fits) segments_.push_back({std::string(), 0, true});
  Segment& last = segments_.back();
  const std::size_t needed = last.used + size;
  if (last.bytes.size() < needed) last.bytes.resize(std::max({needed, 2 * last.used, least}));
  last.used = needed;
  return last.bytes.data() + needed - size;
}

void Output::append(std::string_view bytes) {
  if (!bytes.empty()) std::memcpy(extend(bytes.size()), bytes.data(), bytes.size());
}

void Output::append(std::string&& bytes) {
  if (bytes.size() < move_threshold) return append(std::string_view(bytes));
  const std::size_t size = bytes.size();
  segments_.push_back({std::move(bytes), size, false});
  size_ += size;
}

void Output::append(std::string_view header, std::string&& payload) {
  if (payload.size() >= move_threshold) {
    append(header);
    return append(std::move(payload));
  }
  const std::size_t size = header.size() + payload.size();
  if (size == 0) return;
  char* const at = extend(size);
  std::memcpy(at, header.data(), header.size());
  std::memcpy(at + header.size(), payload.data(), payload.size());
}

void Output::append(const SharedBytes& shared, std::size_t begin, std::size_t end) {
  if (begin == end) return;
  segments_.push_back({std::string(), end - begin, false, shared, begin});
  size_ += end - begin;
}

std::size_t Output::pieces(std::string_view* pieces, std::size_t max) const noexcept {
  std::size_t count = 0;
  std::size_t skip = offset_;
  for (std::size_t i = first_; i < segments_.size() && count < max; ++i) {
    const std::string_view rest = segments_[i].view().substr(skip);
    if (!rest.empty()) pieces[count++] = rest;
    skip = 0;
  }
  return count;
}

void Output::consume(std::size_t count, SparePayloads* spare) noexcept {
  assert(count <= size_);
  if (spare) {
    std::size_t sent = offset_ + count;
    for (std::size_t i = first_; i < segments_.size() && sent >= segments_[i].used; ++i) {
      sent -= segments_[i].used;
      if (!segments_[i].gathers && !segments_[i].shared) spare->give(std::move(segments_[i].bytes));
    }
  }
  if (count == size_) return clear();
  size_ -= count;
  offset_ += count;
  while (offset_ >= segments_[first_].used) {
    offset_ -= segments_[first_].used;
    segments_[first_++] = {};
  }
  // An output that never empties must not grow by what it has sent; by halves, to stay linear.
  if (first_ > 16 && first_ * 2 > segments_.size()) {
    segments_.erase(segments_.begin(), segments_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
}

std::size_t Output::pinned() const noexcept {
  std::size_t bytes = 0;
  for (std::size_t i = first_; i < segments_.size(); ++i) {
    const Segment& segment = segments_[i];
    const auto sharers = static_cast<std::size_t>(segment.shared.use_count());
    bytes += segment.shared ? segment.used / std::max<std::size_t>(sharers, 1) : segment.bytes.size();
  }
  return bytes;
}

void Output::clear() noexcept {
  const auto kept = std::find_if(segments_.begin(), segments_.end(),
                                 [](const Segment& segment) { return segment.worth_keeping(); });
  if (kept == segments_.end()) {
    segments_.clear();
  } else {
    kept->used = 0;
    if (kept != segments_.begin()) segments_.front() = std::move(*kept);
    segments_.erase(segments_.begin() + 1, segments_.end());
  }
  first_ = offset_ = size_ = 0;
}

}  // namespace cppwebsocket::protocol
