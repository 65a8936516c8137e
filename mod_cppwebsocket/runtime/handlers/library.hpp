// Finds, loads and keeps handler files. New, changed and removed files take effect at the next
// look-up; connections of an older version keep it mapped until they end. A version that cannot be
// loaded leaves the previous one in place and is tried again, at most once per second.
// Thread: any.
#pragma once

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

struct Lookup {
  std::shared_ptr<const Handler> handler;  // null: there is none
  std::string problem;  // not empty: there is a file, and this is wrong with it; `handler` is then
                        // of a previous version
  std::string file;     // that file
  bool newly_seen = false;  // this version of the file, or this problem, is seen for the first time
};

class HandlerLibrary {
 public:
  // What handlers find as their channels; may be null.
  explicit HandlerLibrary(detail::ChannelService* channels = nullptr);
  ~HandlerLibrary();

  // The handler of `resource` ("/foo/bar", an alias, without query), loaded if need be.
  Lookup find(const HandlerRoot& root, std::string_view resource);

  // Looks at every *_wsh.so below the root: a Lookup for each, in order of their names.
  std::vector<Lookup> scan(const HandlerRoot& root);

 private:
  struct Entry;
  Lookup load(const HandlerRoot& root, const std::string& name);
  std::shared_ptr<const FileCheck> last_check(const std::string& path);

  detail::ChannelService* const channels_;
  std::mutex mutex_;
  std::map<std::string, Entry> entries_;  // by absolute path; GUARDED_BY(mutex_)
};

// "/foo/bar" → "foo/bar_wsh.so"; empty for a resource that no file can have (empty, "..", "//",
// NUL, trailing '/'). Aliases are resolved first.
std::string handler_file_of(const HandlerRoot& root, std::string_view resource);

}  // namespace cppwebsocket::runtime
