// One handler file on disk: may it be used, and what is in it.
// Thread: any.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runtime/handlers/handler.hpp"

namespace cppwebsocket::runtime {

class CopyDirectory;
class LoadNotes;

// What tells one version of a file from another.
struct FileVersion {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t size = -1;
  std::int64_t modified_ns = 0;
  std::int64_t changed_ns = 0;  // which permissions are part of
  friend bool operator==(const FileVersion&, const FileVersion&) = default;
};

struct FileCheck {
  bool exists = false;
  std::string real_path;  // without symbolic links
  FileVersion version;
  std::string problem;    // why it may not be used; empty if it may
  // The file and the directories up to the root, if no symbolic link is among them.
  std::vector<std::pair<std::string, FileVersion>> looked_at;
};

// Looks at `directory`/`name`. Refuses what is no regular file, what group or others may write to
// (the file, or a directory between root and file or symbolic link), and, unless `allow_outside`,
// what really lies outside of `directory`.
FileCheck check_handler_file(const std::string& directory, const std::string& name,
                             bool allow_outside);

// True if check_handler_file() would say the same again; it asks the kernel less. A change of a
// directory, be it of permissions or of what is in it, is one.
bool is_unchanged(const FileCheck& check) noexcept;

inline constexpr std::int64_t most_handler_size = 256 << 20;  // bytes

struct LoadInto {
  detail::ChannelService* channels;  // handlers find it as theirs
  LoadNotes& notes;
  CopyDirectory* copies;  // null: the copy is in memory
};

// Loads a private copy of `path`, so that replacing or overwriting the file later harms nobody,
// and checks it before its first instruction runs, and its table after. Null and a `problem` if
// that fails, or if the notes know that the file has ended a process. May wait for the disk, for
// the file's constructors, and for another process that loads it.
std::shared_ptr<const Handler> load_handler(const std::string& name, const std::string& path,
                                            const LoadInto& into, std::string& problem);

}  // namespace cppwebsocket::runtime
