#include "runtime/handlers/library.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <utility>

#include "runtime/handlers/file.hpp"
#include "runtime/handlers/load_notes.hpp"

namespace cppwebsocket::runtime {

namespace {

constexpr std::string_view suffix = "_wsh.so";

// A failure may be about the moment, not the file: no descriptor left, no memory.
constexpr std::chrono::seconds retry_interval{1};

// Who asks for a file while it is loaded gets what comes of that. But a constructor may take for
// ever.
constexpr std::chrono::seconds longest_wait{1};

}  // namespace

struct HandlerLibrary::Entry {
  using Time = std::chrono::steady_clock::time_point;

  std::shared_ptr<const FileCheck> check;  // the last
  FileVersion version;
  std::string refusal;                     // why the file may not be used
  std::shared_ptr<const Handler> handler;  // of the last version that could be loaded
  std::string problem;                     // the refusal, or why this version could not be loaded
  Time retry_at = Time::max();             // when to try this version again
  bool loading = false;                    // by a thread that does not hold the lock
};

// Lets go of the lock while a file is being loaded.
class HandlerLibrary::Loading {
 public:
  Loading(HandlerLibrary& library, Entry& entry, std::unique_lock<std::mutex>& lock)
      : library_(library), entry_(entry), lock_(lock) {
    entry_.loading = true;
    lock_.unlock();
  }
  ~Loading() {
    lock_.lock();
    entry_.loading = false;
    library_.loaded_.notify_all();
  }
  Loading(const Loading&) = delete;
  Loading& operator=(const Loading&) = delete;

 private:
  HandlerLibrary& library_;
  Entry& entry_;
  std::unique_lock<std::mutex>& lock_;
};

HandlerLibrary::HandlerLibrary(detail::ChannelService* channels, LoadNotes* notes,
                               CopyDirectory* copies)
    : channels_(channels),
      own_notes_(notes ? nullptr : std::make_unique<LoadNotes>()),
      notes_(notes ? *notes : *own_notes_),
      copies_(copies) {}
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

std::shared_ptr<const FileCheck> HandlerLibrary::check_now(const HandlerRoot& root,
                                                           const std::string& name) {
  std::shared_ptr<const FileCheck> check = last_check(root.directory + "/" + name);
  if (check && is_unchanged(*check)) return check;
  return std::make_shared<FileCheck>(check_handler_file(root.directory, name, root.allow_outside));
}

Lookup HandlerLibrary::load(const HandlerRoot& root, const std::string& name) {
  Lookup found;
  const std::string path = root.directory + "/" + name;
  for (;;) {
    const auto check = check_now(root, name);
    // What is gone or replaced is unloaded without the lock: its destructors run then.
    std::shared_ptr<const Handler> replaced;
    std::shared_ptr<Entry> entry;
    std::unique_lock lock(mutex_);
    if (!check->exists) {
      if (const auto gone = entries_.extract(path)) entry = gone.mapped();
      return found;
    }
    auto& known = entries_[path];
    if (!known) known = std::make_shared<Entry>();
    entry = known;
    const bool waits = entry->loading;
    if (waits && loaded_.wait_for(lock, longest_wait, [&entry] { return !entry->loading; }))
      continue;  // with a check that is as new
    found.file = path;
    if (waits) {
      found.problem = "it is still being loaded";
    } else {
      entry->check = check;
      replaced = load_into(*entry, name, found, lock);
      found.problem = entry->problem;
    }
    found.handler = entry->handler;
    return found;
  }
}

// Returns the handler that is not the entry's any more.
std::shared_ptr<const Handler> HandlerLibrary::load_into(Entry& entry, const std::string& name,
                                                         Lookup& found,
                                                         std::unique_lock<std::mutex>& lock) {
  const std::shared_ptr<const FileCheck> file = entry.check;
  const bool changed = entry.version != file->version || entry.refusal != file->problem;
  const auto now = std::chrono::steady_clock::now();
  if (!changed && now < entry.retry_at) return nullptr;
  const std::string before = std::exchange(entry.problem, file->problem);
  entry.version = file->version;
  entry.refusal = file->problem;
  entry.retry_at = Entry::Time::max();
  std::shared_ptr<const Handler> next;
  if (entry.refusal.empty()) {
    entry.retry_at = now + retry_interval;  // if it fails
    std::string problem;
    {
      const Loading loading(*this, entry, lock);
      next = load_handler(name, file->real_path, {channels_, notes_, copies_}, problem);
    }
    entry.problem = std::move(problem);
    if (next) entry.retry_at = Entry::Time::max();
    if (next && next->table().has_work()) notes_.note_work();
  }
  found.newly_seen = changed || entry.problem != before;
  // One that cannot be loaded leaves the handler before it, one that may not be used does not.
  if (next || !entry.refusal.empty()) entry.handler.swap(next);
  return next;
}

std::shared_ptr<const FileCheck> HandlerLibrary::last_check(const std::string& path) {
  std::lock_guard lock(mutex_);
  const auto entry = entries_.find(path);
  return entry == entries_.end() ? nullptr : entry->second->check;
}

bool HandlerLibrary::has_work() const noexcept { return notes_.has_work(); }

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
  const std::string below = root.directory + "/";
  {
    std::lock_guard lock(mutex_);  // those that have gone since
    for (const auto& [path, entry] : entries_)
      if (path.starts_with(below)) names.push_back(path.substr(below.size()));
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  std::vector<Lookup> all;
  for (const std::string& name : names)
    if (Lookup found = load(root, name); !found.file.empty()) all.push_back(std::move(found));
  return all;
}

}  // namespace cppwebsocket::runtime
