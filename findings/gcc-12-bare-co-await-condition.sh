#!/bin/bash
# g++ 12 gives a coroutine whose condition is a bare co_await a handle that is 8 bytes off.
#
# Guessed: `while (co_await next()) {}` and `while (bool more = co_await next()) {}` are the same loop.
# Seen with g++ 12.2.0-14+deb12u1, at -O0 and -O2: where no variable is declared before it, the condition's
# temporary comes to lie before the head of the frame, so the handle's address is the frame's plus 8, and
# whatever is done with the handle is done to foreign memory. No warning tells. With a named condition, and
# with clang++ 14, the handle's address is the frame's.
#
# The coroutines are made and looked at, and never resumed. Needs Debian 12's g++-12 and clang-14; fails if
# what was seen has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf -- "$folder"' EXIT
cd "$folder"
cat >frames.cpp <<'CPP'
#include <coroutine>
#include <cstddef>
#include <cstdio>
#include <cstdlib>

static void* allocated;

struct Task {
  struct promise_type {
    static void* operator new(std::size_t size) { return allocated = std::malloc(size); }
    Task get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() {}
  };
  std::coroutine_handle<promise_type> handle;
};

struct Next {
  bool await_ready() { return false; }
  void await_suspend(std::coroutine_handle<>) {}
  bool await_resume() { return false; }
};

Task bare() {
  while (co_await Next{}) {
  }
}
Task named() {
  while (bool more = co_await Next{}) (void)more;
}

long handle_in_frame(Task task) {
  return static_cast<char*>(task.handle.address()) - static_cast<char*>(allocated);
}

int main() {
  std::printf("bare %ld", handle_in_frame(bare()));
  std::printf(", named %ld\n", handle_in_frame(named()));
}
CPP

expect() { # WANTED COMPILER OPTION
  "$2" -std=c++20 "$3" frames.cpp -o frames
  local seen
  seen=$(./frames)
  echo "$2 $("$2" -dumpfullversion 2>/dev/null || "$2" -dumpversion) $3: the handle in its frame: $seen"
  [[ $seen == "$1" ]] || { echo "changed: $1 was seen" >&2; exit 1; }
}
expect 'bare 8, named 0' g++-12 -O0
expect 'bare 8, named 0' g++-12 -O2
expect 'bare 0, named 0' clang++-14 -O0
