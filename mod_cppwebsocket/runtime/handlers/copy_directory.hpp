// Where a process keeps its private copies of handler files, so that debuggers, profilers and core
// files find them by their names. It is a directory of the process's own, in one that is given;
// nobody else gets at what is in it, not even another process of the same user:
//
//   DIRECTORY/           root's (or whose the server is), drwx--x--x: only its owner can list it
//     NAME/              the process's, drwx------; NAME is 128 random bits, which it tells nobody
//       chat_wsh.1.so    what is loaded, until it is unloaded
//
// A process that is gone leaves its directory, for the core that it may have left; those of the
// last few are kept, and whoever comes next removes the others. That a process lives is known by
// its lock.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include <sys/types.h>

namespace cppwebsocket::runtime {

class CopyDirectory {
 public:
  static constexpr std::size_t kept_of_dead = 8;

  // Makes `directory` if it is missing, but not what it lies in, and one in it for `user` and
  // `group`, as whom this process will go on; both are -1 if that is who it is. Raises system_error
  // or runtime_error, also if others than root and this user can change something on the way to it,
  // or list it. Thread: one that has the rights to do so, before there are others, for it changes the
  // process's umask for a moment; the rest: any.
  CopyDirectory(const std::string& directory, uid_t user, gid_t group);
  ~CopyDirectory();  // removes it if it is empty
  CopyDirectory(const CopyDirectory&) = delete;
  CopyDirectory& operator=(const CopyDirectory&) = delete;

  const std::string& path() const noexcept { return path_; }
  // `report` is told, once, the path of a copy that cannot be made, and why: it is in memory instead.
  void set_report(std::function<void(std::string_view)> report) { report_ = std::move(report); }

  // A path that no copy has had.
  std::string next(std::string_view handler);
  void tell(std::string_view problem);

 private:
  std::string path_;
  int lock_ = -1;
  std::function<void(std::string_view)> report_;
  std::atomic<unsigned> made_{0};
  std::atomic<bool> told_{false};
};

}  // namespace cppwebsocket::runtime
