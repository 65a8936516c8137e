#include "channels/store/locks.hpp"

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace cppwebsocket::channels {

namespace {

// Polled: a wait in the kernel (F_SETLKW) could not be given up.
constexpr int lock_tries = 2'000;
constexpr useconds_t pause_us = 100;

// The file's bytes, of which none exists: locks need none.
constexpr unsigned rare = 0;
constexpr unsigned byte_of(unsigned seat) noexcept { return 1 + seat; }

struct flock record_lock(short type, unsigned number) noexcept {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = number;
  lock.l_len = 1;
  return lock;
}

}  // namespace

ChannelLocks::ChannelLocks(unsigned seats)
    : file_(::memfd_create("cppwebsocket-channels", MFD_CLOEXEC)),
      holders_(std::make_unique<std::atomic<pid_t>[]>(seats)) {
  if (file_ < 0) throw std::system_error(errno, std::generic_category(), "memfd_create");
}

ChannelLocks::~ChannelLocks() { ::close(file_); }

bool ChannelLocks::set(short type, unsigned number) noexcept {
  struct flock lock = record_lock(type, number);
  return ::fcntl(file_, F_SETLK, &lock) == 0;
}

bool ChannelLocks::lock() noexcept {
  threads_.lock();
  for (int left = stuck_ ? 1 : lock_tries; left > 0; --left) {
    if (set(F_WRLCK, rare)) {
      stuck_ = false;
      return true;
    }
    if (left > 1) ::usleep(pause_us);
  }
  stuck_ = true;
  threads_.unlock();
  return false;
}

void ChannelLocks::unlock() noexcept {
  set(F_UNLCK, rare);
  threads_.unlock();
}

bool ChannelLocks::hold(unsigned seat) noexcept {
  if (holds(seat) || !set(F_WRLCK, byte_of(seat))) return false;
  holders_[seat] = ::getpid();
  return true;
}

void ChannelLocks::let_go(unsigned seat) noexcept {
  holders_[seat] = 0;
  set(F_UNLCK, byte_of(seat));
}

bool ChannelLocks::holds(unsigned seat) const noexcept { return holders_[seat] == ::getpid(); }

// fcntl(2): F_GETLK does not tell of the caller's own locks.
bool ChannelLocks::is_held(unsigned seat) const noexcept {
  if (holds(seat)) return true;
  struct flock lock = record_lock(F_WRLCK, byte_of(seat));
  return ::fcntl(file_, F_GETLK, &lock) != 0 || lock.l_type != F_UNLCK;
}

}  // namespace cppwebsocket::channels
