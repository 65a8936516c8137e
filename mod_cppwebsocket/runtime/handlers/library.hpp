// Finds, loads and keeps handler files. New, changed and removed files take effect at the next
// look-up; connections of an older version keep it mapped until they end. A version that cannot be
// loaded leaves the previous one in place and is tried again, at most once per second; one that has
// ended a process is not. A file is loaded once; who asks for it meanwhile waits for it, at
// most a second, and then gets the previous version. Other files are not held up.
// Thread: any.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/handlers/handler.hpp"

namespace cppwebsocket::runtime {

// Where handlers are and who may be one. From WebSocketHandlerRoot, WebSocketAlias and
// WebSocketAllowHandlersOutsideRoot.
struct HandlerRoot {
  std::string directory;                      // absolute
  std::map<std::string, std::string> aliases; // "/old/name" → "/foo/bar"
  bool allow_outside = false;                 // symbolic links may lead out of `directory`
};

struct FileCheck;
class CopyDirectory;
class LoadNotes;

struct Lookup {
  std::shared_ptr<const Handler> handler;  // null: there is none
  std::string problem;  // not empty: there is a file, and this is wrong with it; `handler` is then
                        // of a previous version
  std::string file;     // that file
  bool newly_seen = false;  // this version of the file, or this problem, is seen for the first time
};

class HandlerLibrary {
 public:
  // `channels`: what handlers find as theirs; may be null. `notes`: shared with other processes;
  // null: of its own. `copies`: null: they are in memory. All outlive the library.
  explicit HandlerLibrary(detail::ChannelService* channels = nullptr, LoadNotes* notes = nullptr,
                          CopyDirectory* copies = nullptr);
  ~HandlerLibrary();

  // The handler of `resource` ("/foo/bar", an alias, without query), loaded if need be.
  Lookup find(const HandlerRoot& root, std::string_view resource);

  // Looks at every *_wsh.so below the root: a Lookup for each, in order of their names. Lets go of
  // those that are gone.
  std::vector<Lookup> scan(const HandlerRoot& root);

  // Whether it, or a library with the same notes, has loaded a handler with work of its own.
  bool has_work() const noexcept;

 private:
  struct Entry;
  class Loading;
  Lookup load(const HandlerRoot& root, const std::string& name);
  std::shared_ptr<const FileCheck> last_check(const std::string& path);

  std::shared_ptr<const FileCheck> check_now(const HandlerRoot& root, const std::string& name);
  std::shared_ptr<const Handler> load_into(Entry& entry, const std::string& name, Lookup& found,
                                           std::unique_lock<std::mutex>& lock);

  detail::ChannelService* const channels_;
  const std::unique_ptr<LoadNotes> own_notes_;
  LoadNotes& notes_;
  CopyDirectory* const copies_;
  std::mutex mutex_;
  std::condition_variable loaded_;  // one of the entries
  // By absolute path. GUARDED_BY(mutex_), and so is what is in them.
  std::map<std::string, std::shared_ptr<Entry>> entries_;
};

// "/foo/bar" → "foo/bar_wsh.so"; empty for a resource that no file can have (empty, "..", "//",
// NUL, trailing '/'). Aliases are resolved first.
std::string handler_file_of(const HandlerRoot& root, std::string_view resource);

}  // namespace cppwebsocket::runtime
