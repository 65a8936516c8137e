#include "protocol/output.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace cppwebsocket::protocol {

// The string that takes `size` more bytes.
std::string& Output::gathering(std::size_t size) {
  if (!segments_.empty()) {
    Segment& last = segments_.back();
    if (last.gathers && (last.bytes.size() + size <= gathered_size || last.bytes.empty()))
      return last.bytes;
  }
  return segments_.emplace_back(Segment{std::string(), true}).bytes;
}

void Output::append(std::string_view bytes) {
  if (bytes.empty()) return;
  gathering(bytes.size()).append(bytes);
  size_ += bytes.size();
}

void Output::append(std::string&& bytes) {
  if (bytes.size() < move_threshold) return append(std::string_view(bytes));
  const std::size_t size = bytes.size();
  segments_.push_back({std::move(bytes), false});
  size_ += size;
}

void Output::append(std::string_view header, std::string&& payload) {
  if (payload.size() >= move_threshold) {
    append(header);
    return append(std::move(payload));
  }
  const std::size_t size = header.size() + payload.size();
  if (size == 0) return;
  gathering(size).append(header).append(payload);
  size_ += size;
}

std::size_t Output::pieces(std::string_view* pieces, std::size_t max) const noexcept {
  std::size_t count = 0;
  std::size_t skip = offset_;
  for (std::size_t i = first_; i < segments_.size() && count < max; ++i) {
    const std::string_view rest = std::string_view(segments_[i].bytes).substr(skip);
    if (!rest.empty()) pieces[count++] = rest;
    skip = 0;
  }
  return count;
}

void Output::consume(std::size_t count) noexcept {
  assert(count <= size_);
  if (count == size_) return clear();
  size_ -= count;
  offset_ += count;
  while (offset_ >= segments_[first_].bytes.size()) {
    offset_ -= segments_[first_].bytes.size();
    segments_[first_++].bytes = std::string();
  }
  // An output that never empties must not grow by what it has sent; by halves, to stay linear.
  if (first_ > 16 && first_ * 2 > segments_.size()) {
    segments_.erase(segments_.begin(), segments_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
}

void Output::clear() noexcept {
  const auto kept = std::find_if(segments_.begin(), segments_.end(),
                                 [](const Segment& segment) { return segment.worth_keeping(); });
  if (kept == segments_.end()) {
    segments_.clear();
  } else {
    kept->bytes.clear();
    if (kept != segments_.begin()) segments_.front() = std::move(*kept);
    segments_.erase(segments_.begin() + 1, segments_.end());
  }
  first_ = offset_ = size_ = 0;
}

}  // namespace cppwebsocket::protocol
