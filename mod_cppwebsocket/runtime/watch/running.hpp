// What a thread runs just now, and for whom. A thread notes it about itself, so that a look from
// outside, or its own death, can name a handler; that costs a turn two stores of a pointer.
// Thread: the one whose it is, also in a signal handler there.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

namespace cppwebsocket::runtime {

// Views of what is there, not copied.
struct Subject {
  std::string_view handler;   // "foo/bar_wsh.so"; empty: none, it is this module's own work
  std::string_view version;   // of its file; may be empty
  std::string_view resource;  // empty: it is not about a connection
  std::uint64_t id = 0;       // the connection's
};

class Running {
 public:
  // Async-signal-safe.
  using Describe = Subject (*)(const void* connection) noexcept;

  explicit Running(Describe describe) noexcept : describe_(describe) {}
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  Subject subject() const noexcept {
    const std::uintptr_t what = what_.load(std::memory_order_relaxed);
    if (what & prepared) return *reinterpret_cast<const Subject*>(what & ~prepared);
    return what != 0 && describe_ ? describe_(reinterpret_cast<const void*>(what)) : Subject{};
  }

  // As long as it lives. One in another is for the time being.
  class Turn {
   public:
    Turn(Running& running, const void* connection) noexcept
        : Turn(running, reinterpret_cast<std::uintptr_t>(connection)) {}
    // What has no connection; `subject` outlives it.
    Turn(Running& running, const Subject& subject) noexcept
        : Turn(running, reinterpret_cast<std::uintptr_t>(&subject) | prepared) {}
    ~Turn() { running_.what_.store(before_, std::memory_order_relaxed); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    Turn(Running& running, std::uintptr_t what) noexcept
        : running_(running), before_(running.what_.load(std::memory_order_relaxed)) {
      running_.what_.store(what, std::memory_order_relaxed);
    }
    Running& running_;
    const std::uintptr_t before_;
  };

 private:
  static constexpr std::uintptr_t prepared = 1;
  static_assert(alignof(Subject) > 1);

  const Describe describe_;
  std::atomic<std::uintptr_t> what_{0};
};

}  // namespace cppwebsocket::runtime
