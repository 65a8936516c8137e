#include "runtime/handlers/private_copy.hpp"

#include <array>
#include <cerrno>
#include <system_error>

#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/handlers/copy_directory.hpp"

namespace cppwebsocket::runtime {

namespace {

constexpr std::string_view cannot_copy = "it cannot be copied: ";

std::string error_text(std::string_view what) {
  return std::string(what) + std::generic_category().message(errno);
}

// Of `size` bytes exactly: a file that grows or shrinks meanwhile is being written.
std::string copy_bytes(int from, int to, std::int64_t size) {
  std::array<char, 64 << 10> buffer;
  std::int64_t copied = 0;
  for (;;) {
    const ssize_t count = ::read(from, buffer.data(), buffer.size());
    if (count < 0) return error_text("it cannot be read: ");
    if (copied == 0 && std::string_view(buffer.data(), count).substr(0, SELFMAG) != ELFMAG)
      return "it cannot be loaded: it is not a shared object (ELF)";
    copied += count;
    if (copied > size || (count == 0 && copied < size))
      return "it cannot be loaded: it changes while it is read";
    if (count == 0) return {};
    for (ssize_t done = 0; done < count;) {
      const ssize_t written = ::write(to, buffer.data() + done, count - done);
      if (written < 0) return error_text(cannot_copy);
      done += written;
    }
  }
}

// False where a file may not be run: noexec, or a rule of SELinux or AppArmor.
bool may_run(int file) noexcept {
  void* const mapped = ::mmap(nullptr, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0);
  if (mapped == MAP_FAILED) return false;
  ::munmap(mapped, 1);
  return true;
}

}  // namespace

PrivateCopy::~PrivateCopy() { remove(); }

void PrivateCopy::remove() noexcept {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  if (std::exchange(is_file_, false)) ::unlink(path_.c_str());
}

std::string PrivateCopy::make(const std::string& name, int file, std::int64_t size,
                              CopyDirectory* directory) {
  if (directory) {
    const std::string problem = make_file(file, size, directory->next(name));
    if (!problem.starts_with(cannot_copy)) return problem;
    remove();
    directory->tell(path_ + problem.substr(cannot_copy.size() - 2));
    if (::lseek(file, 0, SEEK_SET) != 0) return error_text("it cannot be read: ");
  }
  return make_memory(name, file, size);
}

std::string PrivateCopy::make_file(int file, std::int64_t size, const std::string& path) {
  path_ = path;
  descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);
  if (descriptor_ < 0) return error_text(cannot_copy);
  is_file_ = true;
  // A disk that has no room is to say so now, not when the code is fetched from it.
  if (::fallocate(descriptor_, 0, 0, size) != 0 && errno != EOPNOTSUPP && errno != ENOSYS &&
      size > 0)
    return error_text(cannot_copy);
  std::string problem = copy_bytes(file, descriptor_, size);
  if (problem.empty() && !may_run(descriptor_)) problem = error_text(cannot_copy);
  struct stat status;  // its age, by which debuggers tell whether a source is newer
  if (problem.empty() && ::fstat(file, &status) == 0) {
    const timespec times[] = {status.st_atim, status.st_mtim};
    ::futimens(descriptor_, times);
  }
  return problem;
}

std::string PrivateCopy::make_memory(const std::string& name, int file, std::int64_t size) {
  constexpr std::size_t longest = 249;  // bytes, memfd_create(2)
  const std::size_t cut = name.size() > longest ? name.size() - longest : 0;
  descriptor_ = ::memfd_create(name.c_str() + cut, MFD_CLOEXEC);
  if (descriptor_ < 0) return error_text(cannot_copy);
  // Not "self": who looks at this process from another one would look into its own.
  path_ = "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(descriptor_);
  return copy_bytes(file, descriptor_, size);
}

void PrivateCopy::loaded() noexcept {
  if (is_file_) ::close(std::exchange(descriptor_, -1));
}

void PrivateCopy::keep() noexcept {
  descriptor_ = -1;
  is_file_ = false;
}

}  // namespace cppwebsocket::runtime
