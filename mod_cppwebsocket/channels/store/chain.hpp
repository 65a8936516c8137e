// A channel's records from one on, back to older ones. Each is found at the place that the one after
// it names, in memory that any child may have written anything to, and may change while it is read:
// so offsets only go down, all records are of one channel and epoch, and no more is read than there
// is room for. Thread: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "channels/store/key.hpp"
#include "channels/store/memory.hpp"
#include "channels/store/ring.hpp"
#include "channels/store/record.hpp"

namespace cppwebsocket::channels {

class Chain {
 public:
  // Begins where `link`, a Location, says, with offsets below `below`; ends before `after`. `budget`
  // outlives it: words that may still be read, of which each record takes its own.
  Chain(const ChannelMemory& memory, const ChannelKey& key, Position after, std::uint64_t link,
        std::uint64_t below, std::size_t& budget) noexcept
      : memory_(memory), key_(key), after_(after), link_(link), below_(below), budget_(budget) {}

  // The next older one. Nothing: the chain is at its end, or broken.
  std::optional<RecordHead> next() noexcept {
    std::optional<RecordHead> head = read_next();
    if (head && !takes(*head)) head.reset();
    return head;
  }
  // All of that one. Nothing if it was overwritten meanwhile. Raises bad_alloc.
  std::optional<Record> read(const RecordHead& head) const {
    std::string payload, remarks;
    if (!memory_.ring(at_.seat, at_.ring).read_rest(at_.position, head, &remarks, payload)) return {};
    return record_of(head, std::move(payload), std::move(remarks));
  }

  // Where the next one would be.
  std::uint64_t link() const noexcept { return link_; }

 private:
  std::optional<RecordHead> read_next() noexcept {
    at_ = shared::Location::of(link_);
    if (link_ & shared::Location::none || below_ <= after_.offset + 1 ||
        at_.seat >= memory_.seats())
      return {};
    return memory_.ring(at_.seat, at_.ring).read(at_.position);
  }
  bool takes(const RecordHead& head) noexcept {
    if (head.key != key_ || head.position.epoch != after_.epoch || head.position.offset >= below_ ||
        head.position.offset <= after_.offset || head.total_words() > budget_)
      return false;
    budget_ -= head.total_words();
    below_ = head.position.offset;
    link_ = head.previous;
    return true;
  }

  const ChannelMemory& memory_;
  const ChannelKey key_;
  const Position after_;
  std::uint64_t link_;
  std::uint64_t below_;
  std::size_t& budget_;
  shared::Location at_{};
};

}  // namespace cppwebsocket::channels
