#include "runtime/handlers/file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <system_error>
#include <utility>

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

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

bool copy_file(int from, int to) {
  std::array<char, 64 << 10> buffer;
  for (;;) {
    const ssize_t count = ::read(from, buffer.data(), buffer.size());
    if (count == 0) return true;
    if (count < 0) return false;
    for (ssize_t done = 0; done < count;) {
      const ssize_t written = ::write(to, buffer.data() + done, count - done);
      if (written < 0) return false;
      done += written;
    }
  }
}

// A private copy of the file in memory; -1 and errno if that fails.
int copy_to_memory(const std::string& name, const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return -1;
  constexpr std::size_t longest = 249;  // bytes, memfd_create(2)
  const std::size_t cut = name.size() > longest ? name.size() - longest : 0;
  int copy = ::memfd_create(name.c_str() + cut, MFD_CLOEXEC);
  if (copy >= 0 && !copy_file(file, copy)) {
    const int error = errno;
    ::close(copy);
    copy = -1;
    errno = error;
  }
  const int error = errno;
  ::close(file);
  errno = error;
  return copy;
}

// True for a file that ends before what its program headers want mapped, as one does that is still
// being written: dlopen would map what is not there and die of SIGBUS.
bool is_cut_off(int file) {
  struct stat status;
  ElfW(Ehdr) head;
  if (::fstat(file, &status) != 0 || ::pread(file, &head, sizeof head, 0) != sizeof head)
    return false;  // dlopen knows what to say
  if (std::memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_phentsize != sizeof(ElfW(Phdr)))
    return false;
  const auto size = static_cast<std::uint64_t>(status.st_size);
  for (std::uint64_t i = 0; i < head.e_phnum; ++i) {
    ElfW(Phdr) segment;
    const auto at = static_cast<off_t>(head.e_phoff + i * sizeof segment);
    if (::pread(file, &segment, sizeof segment, at) != sizeof segment) return true;
    if (segment.p_offset > size || segment.p_filesz > size - segment.p_offset) return true;
  }
  return false;
}

std::string problem_of(const HandlerTable* table) {
  if (!table)
    return "it does not export " + std::string(handler_table_symbol) +
           ": include <cppwebsocket/handler.hpp> or <cppwebsocket/blocking_handler.hpp>";
  if (table->abi != handler_abi || table->size != sizeof(HandlerTable))
    return "it was built for handler ABI " + std::to_string(table->abi) + ", this server has " +
           std::to_string(handler_abi) + ": rebuild it with this server's headers";
  const char* const toolchain = table->toolchain ? table->toolchain : "an unknown compiler";
  if (std::strcmp(toolchain, handler_toolchain) != 0)
    return "it was built with " + std::string(toolchain) + ", this server with " +
           handler_toolchain + ": rebuild it with the same compiler and standard library";
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

std::shared_ptr<const Handler> load_handler(const std::string& name, const std::string& path,
                                            detail::ChannelService* channels,
                                            std::string& problem) {
  const int copy = copy_to_memory(name, path);
  if (copy < 0) {
    problem = "it cannot be read: " + error_text(errno);
    return nullptr;
  }
  void* object = nullptr;
  if (is_cut_off(copy))
    problem = "it cannot be loaded: it is not complete";
  else if (!(object = ::dlopen(path_of_copy(copy).c_str(), RTLD_NOW | RTLD_LOCAL)))
    problem = "it cannot be loaded: " + std::string(::dlerror());
  if (!object) {
    ::close(copy);
    return nullptr;
  }
  const auto* table = static_cast<const HandlerTable*>(::dlsym(object, handler_table_symbol));
  problem = problem_of(table);
  if (problem.empty()) {
    if (table->channels) *table->channels = channels;
    return std::make_shared<Handler>(name, *table, object, copy);
  }
  unload(object, copy);
  return nullptr;
}

}  // namespace cppwebsocket::runtime
