#include "runtime/handlers/load_notes.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "runtime/handlers/file.hpp"

namespace cppwebsocket::runtime {

namespace {

constexpr int pid_bits = 22;  // PID_MAX_LIMIT of Linux is 2^22
constexpr std::uint64_t pid_mask = (std::uint64_t{1} << pid_bits) - 1;

// The upper bits; never all zero.
std::uint64_t mark_of(const FileVersion& version) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a, by words
  for (const std::uint64_t word :
       {version.device, version.inode, static_cast<std::uint64_t>(version.size),
        static_cast<std::uint64_t>(version.modified_ns),
        static_cast<std::uint64_t>(version.changed_ns)}) {
    hash = (hash ^ word) * 0x100000001b3;
    hash ^= hash >> 29;
  }
  hash <<= pid_bits;
  return hash != 0 ? hash : std::uint64_t{1} << pid_bits;
}

// A process that has died is there until its parent asks, as a zombie.
bool is_running(pid_t pid) noexcept {
  std::array<char, 512> text{};
  std::snprintf(text.data(), text.size(), "/proc/%d/stat", static_cast<int>(pid));
  const int file = ::open(text.data(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return ::kill(pid, 0) == 0 || errno == EPERM;
  const ssize_t size = ::read(file, text.data(), text.size() - 1);
  ::close(file);
  if (size <= 0) return false;
  text[static_cast<std::size_t>(size)] = 0;
  const char* const name_end = std::strrchr(text.data(), ')');  // proc(5): pid (name) state
  return name_end && name_end[1] == ' ' && name_end[2] != 'Z' && name_end[2] != 'X';
}

}  // namespace

LoadNotes::Answer LoadNotes::judge(std::atomic<Note>& note, Note seen) noexcept {
  const auto pid = static_cast<pid_t>(seen & pid_mask);
  if (pid != 0 && is_running(pid)) return Answer::others;
  // It may have ended well since, and then died of something else.
  if (pid != 0 && !note.compare_exchange_strong(seen, seen & ~pid_mask)) return Answer::others;
  return Answer::fatal;
}

LoadNotes::Answer LoadNotes::begin(const FileVersion& version) noexcept {
  const std::uint64_t mark = mark_of(version);
  for (std::atomic<Note>& each : notes_)
    if (const Note seen = each.load(); (seen & ~pid_mask) == mark) return judge(each, seen);
  const Note mine = mark | (static_cast<Note>(::getpid()) & pid_mask);
  const std::size_t first = (mark >> pid_bits) % notes_.size();
  for (std::size_t i = 0; i < notes_.size(); ++i) {
    Note seen = 0;
    std::atomic<Note>& note = notes_[(first + i) % notes_.size()];
    if (note.compare_exchange_strong(seen, mine)) return Answer::begun;
    if ((seen & ~pid_mask) == mark) return judge(note, seen);
  }
  notes_[first].store(mine);  // all are taken: the oldest of this place is forgotten
  return Answer::begun;
}

void LoadNotes::end(const FileVersion& version) noexcept {
  Note mine = mark_of(version) | (static_cast<Note>(::getpid()) & pid_mask);
  for (std::atomic<Note>& each : notes_)
    if (Note seen = mine; each.compare_exchange_strong(seen, 0)) return;
}

}  // namespace cppwebsocket::runtime
