// The branches that a connection's when_any and when_all have, by number; 0 is the rest of the handler.
// What a coroutine waits for belongs to the branch in which it runs, and can be given up with that.
// A part of the handler ABI; handlers use wait.hpp instead.
// Thread: the connection's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include <cppwebsocket/exceptions.hpp>

namespace cppwebsocket::detail {

class Branches {
 public:
  // A coroutine runs in a branch for as long as one of these lives.
  class Entered {
   public:
    Entered(Branches& branches, std::uint16_t branch) noexcept
        : branches_(branches), before_(std::exchange(branches.current_, branch)) {}
    Entered(const Entered&) = delete;
    Entered& operator=(const Entered&) = delete;
    ~Entered() { branches_.current_ = before_; }

   private:
    Branches& branches_;
    const std::uint16_t before_;
  };

  std::uint16_t current() const noexcept { return current_; }

  // A branch of the current one. Raises BadOperationException if there are 65,535.
  std::uint16_t add() {
    std::size_t place = 0;
    while (place < all_.size() && all_[place].is_used) ++place;
    if (place == std::numeric_limits<std::uint16_t>::max())
      throw BadOperationException("a connection has at most 65,535 branches of when_any and when_all");
    if (place == all_.size()) all_.emplace_back();
    all_[place] = {current_, true, false};
    return static_cast<std::uint16_t>(place + 1);
  }
  void remove(std::uint16_t branch) noexcept { all_[branch - 1u].is_used = false; }

  void cancel(std::uint16_t branch) noexcept { all_[branch - 1u].is_cancelled = true; }
  // It is, or one that it came of.
  bool is_cancelled(std::uint16_t branch) const noexcept {
    for (; branch != 0; branch = all_[branch - 1u].parent)
      if (all_[branch - 1u].is_cancelled) return true;
    return false;
  }
  void require_not_cancelled() const {
    if (is_cancelled(current_)) raise_cancelled();
  }
  [[noreturn]] static void raise_cancelled() {
    throw CancelledException("another branch of when_any or when_all has the result");
  }

 private:
  struct One {
    std::uint16_t parent = 0;
    bool is_used = false;
    bool is_cancelled = false;
  };
  std::vector<One> all_;
  std::uint16_t current_ = 0;
};

}  // namespace cppwebsocket::detail
