// Something that gives a reactor work beside its sessions, and is looked at once in every round,
// such as what other processes have left in shared memory.
// Thread: the reactor's. Destroyed after the reactor's last session.
#pragma once

namespace cppwebsocket::runtime {

class LoopSource {
 public:
  virtual ~LoopSource() = default;

  // Becomes readable, or is written to again, when there is work; nobody reads it. -1: never.
  virtual int descriptor() const noexcept = 0;

  // The reactor is about to wait. True: from now on work is announced on the descriptor. False:
  // there is some already, so the reactor does not wait.
  virtual bool prepare_to_wait() noexcept = 0;

  // The reactor has stopped waiting: nothing needs to be announced.
  virtual void waited() noexcept = 0;

  // Does what there is to do, or a part of it: others wait, too.
  virtual void run() noexcept = 0;
};

}  // namespace cppwebsocket::runtime
