#include "runtime/handler_library.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "runtime/handler_file.hpp"

namespace cppwebsocket::runtime {

namespace {
constexpr std::string_view suffix = "_wsh.so";
}

struct HandlerLibrary::Entry {
  FileVersion version;
  std::string refusal;                     // why the file may not be used
  std::shared_ptr<const Handler> handler;  // null if it may not be used or is broken
  std::string problem;                     // the refusal, or why it could not be loaded
};

HandlerLibrary::HandlerLibrary() = default;
HandlerLibrary::~HandlerLibrary() = default;

std::string handler_file_of(const HandlerRoot& root, std::string_view resource) {
  std::string path(resource);
  if (const auto alias = root.aliases.find(path); alias != root.aliases.end()) path = alias->second;
  if (path.size() < 2 || path.front() != '/' || path.find('\0') != path.npos) return {};
  for (std::size_t at = 0; at < path.size();) {  // at: a '/'
    const std::size_t next = std::min(path.find('/', at + 1), path.size());
    const std::string_view component(path.data() + at + 1, next - at - 1);
    if (component.empty() || component == "." || component == "..") return {};
    at = next;
  }
  return path.substr(1).append(suffix);
}

Lookup HandlerLibrary::find(const HandlerRoot& root, std::string_view resource) {
  const std::string name = handler_file_of(root, resource);
  if (name.empty()) return {};
  return load(root, name);
}

Lookup HandlerLibrary::load(const HandlerRoot& root, const std::string& name) {
  Lookup found;
  const FileCheck file = check_handler_file(root.directory, name, root.allow_outside);
  const std::string path = root.directory + "/" + name;
  // Loading under the lock: a new version is loaded once, and whoever asks meanwhile waits for it.
  std::lock_guard lock(mutex_);
  if (!file.exists) {
    entries_.erase(path);
    return found;
  }
  found.file = path;
  Entry& entry = entries_[path];
  if (entry.version != file.version || entry.refusal != file.problem) {
    found.newly_seen = true;
    entry = {file.version, file.problem, nullptr, file.problem};
    if (entry.refusal.empty()) entry.handler = load_handler(name, file.real_path, entry.problem);
  }
  found.handler = entry.handler;
  found.problem = entry.problem;
  return found;
}

std::vector<Lookup> HandlerLibrary::scan(const HandlerRoot& root) {
  namespace fs = std::filesystem;
  std::vector<std::string> names;
  std::error_code error;
  fs::recursive_directory_iterator entry(root.directory,
                                         fs::directory_options::skip_permission_denied, error),
      end;
  for (; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().lexically_relative(root.directory).string();
    if (name.ends_with(suffix)) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  std::vector<Lookup> all;
  for (const std::string& name : names) all.push_back(load(root, name));
  return all;
}

}  // namespace cppwebsocket::runtime
