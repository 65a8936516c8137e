#include "runtime/handlers/library.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <utility>

#include "runtime/handlers/file.hpp"

namespace cppwebsocket::runtime {

namespace {

constexpr std::string_view suffix = "_wsh.so";

// A failure may be about the moment, not the file: no descriptor left, no memory.
constexpr std::chrono::seconds retry_interval{1};

}  // namespace

struct HandlerLibrary::Entry {
  using Time = std::chrono::steady_clock::time_point;

  std::shared_ptr<const FileCheck> check;  // the last
  FileVersion version;
  std::string refusal;                     // why the file may not be used
  std::shared_ptr<const Handler> handler;  // of the last version that could be loaded
  std::string problem;                     // the refusal, or why this version could not be loaded
  Time retry_at = Time::max();             // when to try this version again
};

HandlerLibrary::HandlerLibrary(detail::ChannelService* channels) : channels_(channels) {}
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
  const std::string path = root.directory + "/" + name;
  std::shared_ptr<const FileCheck> check = last_check(path);
  if (!check || !is_unchanged(*check))
    check =
        std::make_shared<FileCheck>(check_handler_file(root.directory, name, root.allow_outside));
  const FileCheck& file = *check;
  std::shared_ptr<const Handler> replaced;  // unloaded without the lock: its destructors run then
  // Loading under the lock: a new version is loaded once, and whoever asks meanwhile waits for it.
  std::lock_guard lock(mutex_);
  if (!file.exists) {
    if (const auto gone = entries_.extract(path)) replaced = std::move(gone.mapped().handler);
    return found;
  }
  found.file = path;
  Entry& entry = entries_[path];
  entry.check = check;
  const bool changed = entry.version != file.version || entry.refusal != file.problem;
  if (changed || std::chrono::steady_clock::now() >= entry.retry_at) {
    const std::string before = std::exchange(entry.problem, file.problem);
    entry.version = file.version;
    entry.refusal = file.problem;
    entry.retry_at = Entry::Time::max();
    if (!entry.refusal.empty()) {
      replaced = std::move(entry.handler);
    } else if (auto loaded = load_handler(name, file.real_path, channels_, entry.problem)) {
      replaced = std::exchange(entry.handler, std::move(loaded));
    } else {
      entry.retry_at = std::chrono::steady_clock::now() + retry_interval;
    }
    found.newly_seen = changed || entry.problem != before;
  }
  found.handler = entry.handler;
  found.problem = entry.problem;
  return found;
}

std::shared_ptr<const FileCheck> HandlerLibrary::last_check(const std::string& path) {
  std::lock_guard lock(mutex_);
  const auto entry = entries_.find(path);
  return entry == entries_.end() ? nullptr : entry->second.check;
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
