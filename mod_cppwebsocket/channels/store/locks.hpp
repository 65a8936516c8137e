// The locks that the children of one httpd share. The kernel keeps them, as record locks on an empty
// file that every child inherits: so a process' death frees what it held, and nothing in the memory
// that children share is followed or believed in order to lock. Who never calls this, such as
// httpd's parent, has nothing of it. Thread: any, unless it says more.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>

#include <sys/types.h>

namespace cppwebsocket::channels {

class ChannelLocks {
 public:
  // Raises system_error.
  explicit ChannelLocks(unsigned seats);
  ~ChannelLocks();
  ChannelLocks(const ChannelLocks&) = delete;
  ChannelLocks& operator=(const ChannelLocks&) = delete;

  // The lock for what is rare: seats change hands, channels are made and forgotten. Waits some tenths
  // of a second; false: somebody has it for longer. Then nobody waits until it could be had again.
  bool lock() noexcept;
  void unlock() noexcept;

  // A seat is held until its process gives it back or ends. False: another process holds it. For who
  // has the rare lock.
  bool hold(unsigned seat) noexcept;
  void let_go(unsigned seat) noexcept;

  // Whether this process does, and whether any does.
  bool holds(unsigned seat) const noexcept;
  bool is_held(unsigned seat) const noexcept;

 private:
  bool set(short type, unsigned number) noexcept;

  int file_;
  std::mutex threads_;  // of this process, for which the kernel's lock is one
  bool stuck_ = false;  // GUARDED_BY(threads_)
  // By whom, as this process knows: a forked one does not hold what it has inherited the note of.
  std::unique_ptr<std::atomic<pid_t>[]> holders_;
};

// Holds the rare lock, if it could be had. After a holder's death it is simply free: all that it
// guards is changed in an order that leaves no harm.
class RareLock {
 public:
  explicit RareLock(ChannelLocks& locks) noexcept : locks_(locks), held_(locks.lock()) {}
  ~RareLock() {
    if (held_) locks_.unlock();
  }
  RareLock(const RareLock&) = delete;
  RareLock& operator=(const RareLock&) = delete;
  explicit operator bool() const noexcept { return held_; }

 private:
  ChannelLocks& locks_;
  const bool held_;
};

}  // namespace cppwebsocket::channels
