// Who is told what happens on a descriptor that is no session's, such as a library's connection.
#pragma once

namespace cppwebsocket::runtime {

class DescriptorWatcher {
 public:
  // May watch, unwatch and destroy anything, itself included. Thread: the reactor's.
  virtual void on_ready(bool readable, bool writable, bool hung_up) = 0;

 protected:
  ~DescriptorWatcher() = default;
};

}  // namespace cppwebsocket::runtime
