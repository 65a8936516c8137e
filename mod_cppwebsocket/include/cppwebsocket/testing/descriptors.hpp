// The descriptors that a test's handlers wait for: real ones, of which each wait has a duplicate, as in a server.
// Part of testing.hpp.
#pragma once

#include <cerrno>
#include <filesystem>
#include <functional>
#include <list>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cppwebsocket/exceptions.hpp>

namespace cppwebsocket::testing::detail {

class Descriptors {
 public:
  static bool is_ready(int descriptor, bool writable) noexcept {
    pollfd state = to_poll(descriptor, writable);
    return ::poll(&state, 1, 0) > 0;
  }
  // Until one of them is ready, for a tenth of a second at most.
  static void poll_all(std::vector<pollfd> all) noexcept { ::poll(all.data(), all.size(), 100); }

  bool empty() const noexcept { return all_.empty(); }

  // Until forget(). With `fire` it is a coroutine's. Returns the duplicate.
  int watch(const void* key, int descriptor, bool writable, std::function<void()> fire) {
    const int own = ::fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
    if (own < 0 && errno != EBADF) throw std::system_error(errno, std::generic_category(), "waiting");
    if (own < 0) throw BadOperationException("the descriptor " + std::to_string(descriptor) + " is not open");
    auto& made = all_.emplace_back(key, own, writable, std::move(fire));
    if (!made.fire || !std::filesystem::is_regular_file("/dev/fd/" + std::to_string(own))) return own;
    all_.pop_back();
    throw BadOperationException("a file on disk cannot be waited for; read it in run_blocking");
  }
  void forget(const void* key) noexcept {
    all_.remove_if([key](const One& each) { return each.key == key; });
  }

  // Of a coroutine whose descriptor is ready.
  std::function<void()> take_ready() const {
    for (const One& each : all_)
      if (each.fire && is_ready(each.own, each.writable)) return each.fire;
    return {};
  }
  std::vector<pollfd> to_poll() const {
    std::vector<pollfd> made;
    for (const One& each : all_) made.push_back(to_poll(each.own, each.writable));
    return made;
  }

 private:
  struct One {
    One(const void* its_key, int own_descriptor, bool is_for_writing, std::function<void()> then)
        : key(its_key), own(own_descriptor), writable(is_for_writing), fire(std::move(then)) {}
    One(const One&) = delete;
    One& operator=(const One&) = delete;
    ~One() { ::close(own); }
    const void* key;
    int own;
    bool writable;
    std::function<void()> fire;
  };
  static pollfd to_poll(int descriptor, bool writable) noexcept {
    return {descriptor, static_cast<short>(writable ? POLLOUT : POLLIN), 0};
  }

  std::list<One> all_;
};

}  // namespace cppwebsocket::testing::detail
