// The owner of an open descriptor.
#pragma once

#include <utility>

#include <unistd.h>

namespace cppwebsocket::runtime {

class Descriptor {
 public:
  explicit Descriptor(int number) noexcept : number_(number) {}  // -1: none
  Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }

  int get() const noexcept { return number_; }
  int release() noexcept { return std::exchange(number_, -1); }

 private:
  int number_;
};

}  // namespace cppwebsocket::runtime
