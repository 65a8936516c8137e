// Which versions of handler files are being loaded, by any child, and which have ended one. Their
// constructors and the dynamic linker run inside the child, and what kills one kills the next.
//
// In memory that the children share, so that it survives them; zeroed at first. They write it, and
// each of them may write anything: the worst is a handler that is not loaded.
// Thread: any.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include <sys/types.h>

namespace cppwebsocket::runtime {

struct FileVersion;

class LoadNotes {
 public:
  enum class Answer : std::uint8_t {
    begun,   // and to be ended
    others,  // somebody else loads this version now
    fatal,   // somebody who did has died
  };
  Answer begin(const FileVersion& version) noexcept;
  void end(const FileVersion& version) noexcept;

  // Some child has loaded a handler with work of its own: from now on all of them look for such.
  void note_work() noexcept { has_work_ = true; }
  bool has_work() const noexcept { return has_work_; }

 private:
  // What tells the version from others, and below who loads it: a process, or nobody any more.
  using Note = std::uint64_t;
  Answer judge(std::atomic<Note>& note, Note seen) noexcept;

  std::array<std::atomic<Note>, 64> notes_{};
  std::atomic<bool> has_work_{false};
};

}  // namespace cppwebsocket::runtime
