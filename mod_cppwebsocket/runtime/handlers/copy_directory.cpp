#include "runtime/handlers/copy_directory.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/loop/descriptor.hpp"

namespace cppwebsocket::runtime {

namespace {

constexpr std::size_t name_size = 32;  // hexadecimal digits
constexpr std::size_t most_removed =
    10'000;  // files of one directory; a process may leave what it likes
constexpr int open_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

// Nobody but root and this user may put another directory in the place of one on the way. In a
// sticky one, as /tmp is, nobody can.
void check_way(const std::string& real_path) {
  for (std::size_t end = real_path.size(); end != 0; end = real_path.rfind('/', end - 1)) {
    struct stat status;
    const std::string path = real_path.substr(0, end);
    if (::lstat(path.c_str(), &status) != 0) fail(path);
    if (status.st_uid != 0 && status.st_uid != ::geteuid())
      throw std::runtime_error(path + " belongs to another user");
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0 && (status.st_mode & S_ISVTX) == 0)
      throw std::runtime_error("group or others may write to " + path);
  }
}

std::string make_and_check(const std::string& directory) {
  // With its rights from the first moment on: another child may need to go through it at once.
  const mode_t mask = ::umask(0);
  const int made = ::mkdir(directory.c_str(), 0711);
  ::umask(mask);
  if (made != 0 && errno != EEXIST) fail(directory);
  std::array<char, PATH_MAX> resolved;
  if (!::realpath(directory.c_str(), resolved.data())) fail(directory);
  std::string real_path(resolved.data());
  check_way(real_path);
  struct stat status;
  if (::lstat(real_path.c_str(), &status) != 0) fail(directory);
  if ((status.st_mode & (S_IRGRP | S_IROTH | S_IWGRP | S_IWOTH)) != 0)
    throw std::runtime_error("group or others may list " + real_path + ": chmod 711");
  return real_path;
}

std::string random_name() {
  std::array<unsigned char, name_size / 2> bytes;
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    fail("getrandom");
  std::string name;
  for (const unsigned char each : bytes)
    name += {"0123456789abcdef"[each >> 4], "0123456789abcdef"[each & 15]};
  return name;
}

bool is_name(std::string_view name) noexcept {
  return name.size() == name_size && name.find_first_not_of("0123456789abcdef") == name.npos;
}

// Calls `function` with the name of each entry of a directory, and a limited number of them.
template <typename Function>
void for_each_entry(int directory, Function function) {
  const int again = ::dup(directory);
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(again >= 0 ? ::fdopendir(again) : nullptr,
                                                    ::closedir);
  if (!entries) {
    if (again >= 0) ::close(again);
    return;
  }
  std::size_t count = 0;
  while (const dirent* const each = ::readdir(entries.get()))
    if (std::string_view(each->d_name) != "." && std::string_view(each->d_name) != "..") {
      if (++count > most_removed) return;
      function(each->d_name);
    }
}

// Of a process that is gone; who was taken over may have left anything there. So nothing is
// followed, and what is no file stays, with the directory.
void remove_copies(int directory, const std::string& name) {
  const Descriptor dead(::openat(directory, name.c_str(), open_flags));
  if (dead.get() < 0) return;
  for_each_entry(dead.get(), [&](const char* file) { ::unlinkat(dead.get(), file, 0); });
  ::unlinkat(directory, name.c_str(), AT_REMOVEDIR);
}

bool is_dead(int directory, const std::string& name, std::int64_t& since) {
  const Descriptor seat(::openat(directory, name.c_str(), open_flags));
  struct stat status;
  if (seat.get() < 0 || ::fstat(seat.get(), &status) != 0) return false;
  since = status.st_mtim.tv_sec * std::int64_t{1'000'000'000} + status.st_mtim.tv_nsec;
  return ::flock(seat.get(), LOCK_EX | LOCK_NB) == 0;
}

void remove_oldest(int directory) {
  std::vector<std::pair<std::int64_t, std::string>> dead;
  for_each_entry(directory, [&](const char* name) {
    std::int64_t since = 0;
    if (is_name(name) && is_dead(directory, name, since)) dead.emplace_back(since, name);
  });
  if (dead.size() <= CopyDirectory::kept_of_dead) return;
  std::sort(dead.begin(), dead.end());
  dead.resize(dead.size() - CopyDirectory::kept_of_dead);
  for (const auto& each : dead) remove_copies(directory, each.second);
}

// A signal does not end the waiting.
bool wait_for_lock(int directory) noexcept {
  int locked;
  do locked = ::flock(directory, LOCK_EX);
  while (locked != 0 && errno == EINTR);
  return locked == 0;
}

}  // namespace

CopyDirectory::CopyDirectory(const std::string& directory, uid_t user, gid_t group) {
  const std::string real_path = make_and_check(directory);
  const Descriptor parent(::open(real_path.c_str(), open_flags));
  // One at a time, so that none is removed between being made and being locked.
  if (parent.get() < 0 || !wait_for_lock(parent.get())) fail(real_path);
  remove_oldest(parent.get());
  const std::string name = random_name();
  if (::mkdirat(parent.get(), name.c_str(), 0700) != 0) fail(real_path);
  Descriptor own(::openat(parent.get(), name.c_str(), open_flags));
  if (own.get() < 0 || ::flock(own.get(), LOCK_EX | LOCK_NB) != 0 ||
      ::fchown(own.get(), user, group) != 0)
    fail("a directory in " + real_path);
  path_ = real_path + "/" + name;
  lock_ = own.release();
}

CopyDirectory::~CopyDirectory() {
  ::rmdir(path_.c_str());
  ::close(lock_);
}

std::string CopyDirectory::next(std::string_view handler) {
  constexpr std::size_t longest = 200;  // NAME_MAX is 255
  if (handler.ends_with(".so")) handler.remove_suffix(3);
  if (handler.size() > longest) handler.remove_prefix(handler.size() - longest);
  std::string name(handler);
  std::replace(name.begin(), name.end(), '/', '+');
  return path_ + "/" + name + "." + std::to_string(++made_) + ".so";
}

void CopyDirectory::tell(std::string_view problem) {
  if (report_ && !told_.exchange(true)) report_(problem);
}

}  // namespace cppwebsocket::runtime
