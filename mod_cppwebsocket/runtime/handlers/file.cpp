#include "runtime/handlers/file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/handlers/load_notes.hpp"
#include "runtime/handlers/private_copy.hpp"
#include "runtime/handlers/shared_object.hpp"

namespace cppwebsocket::runtime {

namespace {

std::string error_text(int error) { return std::generic_category().message(error); }

std::int64_t nanoseconds(const timespec& time) {
  return time.tv_sec * std::int64_t{1'000'000'000} + time.tv_nsec;
}

std::string real_path_of(const std::string& path) {
  std::array<char, PATH_MAX> resolved;
  return ::realpath(path.c_str(), resolved.data()) ? std::string(resolved.data()) : std::string();
}

// True if `path` is below `directory`, component by component: "/root-evil" is not below "/root".
bool is_below(std::string_view path, std::string_view directory) {
  while (directory.ends_with('/')) directory.remove_suffix(1);
  return path.size() > directory.size() && path.starts_with(directory) &&
         path[directory.size()] == '/';
}

FileVersion version_of(const struct stat& status) noexcept {
  return {status.st_dev, status.st_ino, status.st_size, nanoseconds(status.st_mtim),
          nanoseconds(status.st_ctim)};
}

// The name of the first of: `path`, the directories above it down to `top`, that others than its
// owner may write to; empty if there is none.
std::string writable_by_others(std::string path, const std::string& top) {
  for (;;) {
    struct stat status;
    if (::stat(path.c_str(), &status) != 0 || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
      return path;
    if (path == top || !is_below(path, top)) return {};
    path.resize(path.rfind('/'));
  }
}

// Of `path` and the directories above it, down to `top`; empty if one of them is not there.
std::vector<std::pair<std::string, FileVersion>> versions_up_to(std::string path,
                                                                const std::string& top) {
  std::vector<std::pair<std::string, FileVersion>> all;
  for (;;) {
    struct stat status;
    if (::stat(path.c_str(), &status) != 0) return {};
    all.emplace_back(path, version_of(status));
    if (path == top || !is_below(path, top)) return all;
    path.resize(path.rfind('/'));
  }
}

// What is read of a file, and made of it.
struct Copy {
  PrivateCopy bytes;
  FileVersion version;
  std::string problem;  // why it is of no use
};

// Judges what was opened, for the path may lead to something else by now.
std::string problem_of_open(int file, struct stat& status) {
  if (::fstat(file, &status) != 0) return "it cannot be read: " + error_text(errno);
  if (!S_ISREG(status.st_mode)) return "it is not a regular file";
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) return "group or others may write to it";
  if (status.st_size > most_handler_size)
    return "it cannot be loaded: it is larger than " + std::to_string(most_handler_size >> 20) +
           " MiB";
  return {};
}

Copy copy_file(const std::string& name, const std::string& path, CopyDirectory* directory) {
  Copy copy;
  // Nonblocking: a FIFO in its place would be waited for.
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY);
  if (file < 0) {
    copy.problem = "it cannot be read: " + error_text(errno);
    return copy;
  }
  struct stat status;
  copy.problem = problem_of_open(file, status);
  if (copy.problem.empty()) {
    copy.version = version_of(status);
    copy.problem = copy.bytes.make(name, file, status.st_size, directory);
  }
  ::close(file);
  return copy;
}

// Of our private copy, which nobody makes shorter while it is mapped.
std::string problem_of_copy(const Copy& copy) {
  const auto size = static_cast<std::size_t>(copy.version.size);
  void* const bytes = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, copy.bytes.descriptor(), 0);
  if (bytes == MAP_FAILED) return "it cannot be loaded: " + error_text(errno);
  std::string problem(problem_of_object({static_cast<const char*>(bytes), size}));
  ::munmap(bytes, size);
  return problem.empty() ? problem : "it cannot be loaded: " + problem;
}

std::string problem_of(const HandlerTable* table, void* object) {
  if (!table && ::dlsym(object, former_handler_symbol))
    return "it was built for a handler ABI before 7, this server has " + std::to_string(handler_abi) +
           ": rebuild it with this server's headers";
  if (!table)
    return "it does not export " + std::string(handler_symbol) +
           ": include <cppwebsocket/handler.hpp> or <cppwebsocket/blocking_handler.hpp>";
  if (table->abi != handler_abi || table->size != sizeof(HandlerTable))
    return "it was built for handler ABI " + std::to_string(table->abi) + ", this server has " +
           std::to_string(handler_abi) + ": rebuild it with this server's headers";
  const char* const toolchain = table->toolchain ? table->toolchain : "an unknown compiler";
  if (std::strcmp(toolchain, handler_toolchain) != 0)
    return "it was built with " + std::string(toolchain) + ", this server with " +
           handler_toolchain + ": rebuild it with the same standard library and options";
  const bool coroutine = table->do_extra_handshake && table->transfer_data;
  const bool blocking = table->blocking_do_extra_handshake && table->blocking_transfer_data;
  if (coroutine == blocking) return "its table does not name the handler's functions";
  return {};
}

}  // namespace

FileCheck check_handler_file(const std::string& directory, const std::string& name,
                             bool allow_outside) {
  FileCheck check;
  const std::string path = directory + "/" + name;
  auto looked_at = versions_up_to(path, directory);  // before it is judged
  struct stat status;
  if (::lstat(path.c_str(), &status) != 0) return check;
  check.exists = true;
  check.real_path = real_path_of(path);
  if (check.real_path.empty() || ::stat(check.real_path.c_str(), &status) != 0) {
    check.problem = error_text(errno);
    return check;
  }
  check.version = version_of(status);
  const std::string top = real_path_of(directory);
  if (!S_ISREG(status.st_mode))
    check.problem = "it is not a regular file";
  else if (!allow_outside && !is_below(check.real_path, top))
    check.problem = "it lies outside of WebSocketHandlerRoot (at " + check.real_path +
                    "), which WebSocketAllowHandlersOutsideRoot does not allow";
  if (!check.problem.empty()) return check;
  // Both the way to the file and where that leads, if a symbolic link is on it.
  std::string open_to_all = writable_by_others(path, directory);
  if (open_to_all.empty()) open_to_all = writable_by_others(check.real_path, top);
  if (!open_to_all.empty()) check.problem = "group or others may write to " + open_to_all;
  if (top == directory && check.real_path == path) check.looked_at = std::move(looked_at);
  return check;
}

bool is_unchanged(const FileCheck& check) noexcept {
  return !check.looked_at.empty() &&
         std::all_of(check.looked_at.begin(), check.looked_at.end(), [](const auto& each) {
           struct stat status;
           return ::stat(each.first.c_str(), &status) == 0 && version_of(status) == each.second;
         });
}

namespace {

// Another process that loads the same version is waited for: if it dies of it, this one need not.
std::string begin_loading(LoadNotes& notes, const FileVersion& version) {
  constexpr std::chrono::milliseconds longest_wait{2'000};
  const auto until = std::chrono::steady_clock::now() + longest_wait;
  for (;;) {
    switch (notes.begin(version)) {
      case LoadNotes::Answer::begun:
        return {};
      case LoadNotes::Answer::fatal:
        return "a process that loaded it died: it is not loaded again until it changes";
      case LoadNotes::Answer::others:
        break;
    }
    if (std::chrono::steady_clock::now() >= until) return "another process is still loading it";
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

class LoadingNote {
 public:
  LoadingNote(LoadNotes& notes, const FileVersion& version) noexcept
      : notes_(notes), version_(version) {}
  ~LoadingNote() { notes_.end(version_); }
  LoadingNote(const LoadingNote&) = delete;
  LoadingNote& operator=(const LoadingNote&) = delete;

 private:
  LoadNotes& notes_;
  const FileVersion& version_;
};

// What dlopen says, of the file that was copied and not of the copy, whose place is nobody's
// business.
std::string error_of_loading(const std::string& copy, const std::string& path) {
  std::string text = ::dlerror();
  for (std::size_t at; (at = text.find(copy)) != text.npos;) text.replace(at, copy.size(), path);
  return "it cannot be loaded: " + text;
}

// ISO 8601, in UTC, to the second.
std::string time_of(const FileVersion& version) {
  const std::chrono::sys_seconds time(std::chrono::seconds(version.modified_ns / 1'000'000'000));
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  char text[48];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text;
}

// Runs the file's constructors.
std::shared_ptr<const Handler> open_copy(const std::string& name, const std::string& path,
                                         Copy& copy, detail::ChannelService* channels) {
  void* const object = ::dlopen(copy.bytes.path().c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!object) {
    copy.problem = error_of_loading(copy.bytes.path(), path);
    return nullptr;
  }
  copy.bytes.loaded();
  const auto* const symbol = static_cast<const HandlerSymbol*>(::dlsym(object, handler_symbol));
  const HandlerTable* const table = symbol && *symbol ? &(*symbol)() : nullptr;
  copy.problem = problem_of(table, object);
  if (!copy.problem.empty()) {
    unload(object, std::move(copy.bytes));
    return nullptr;
  }
  if (table->channels) *table->channels = channels;
  return std::make_shared<Handler>(name, *table, object, std::move(copy.bytes), time_of(copy.version));
}

}  // namespace

std::shared_ptr<const Handler> load_handler(const std::string& name, const std::string& path,
                                            const LoadInto& into, std::string& problem) {
  Copy copy = copy_file(name, path, into.copies);
  std::shared_ptr<const Handler> handler;
  if (copy.problem.empty()) copy.problem = problem_of_copy(copy);
  if (copy.problem.empty()) copy.problem = begin_loading(into.notes, copy.version);
  if (copy.problem.empty()) {
    const LoadingNote note(into.notes, copy.version);
    handler = open_copy(name, path, copy, into.channels);
  }
  problem = std::move(copy.problem);
  return handler;
}

}  // namespace cppwebsocket::runtime
