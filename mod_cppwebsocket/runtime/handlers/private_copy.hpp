// A copy of a handler file that nobody else can change. It is what is loaded: the file may then be
// replaced or overwritten, and dlopen of another version has another name. It lies in the process's
// CopyDirectory if that can be used, in memory otherwise, where debuggers do not find it.
// Thread: any, one at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace cppwebsocket::runtime {

class CopyDirectory;

class PrivateCopy {
 public:
  PrivateCopy() = default;
  PrivateCopy(PrivateCopy&& other) noexcept
      : path_(std::move(other.path_)),
        descriptor_(std::exchange(other.descriptor_, -1)),
        is_file_(std::exchange(other.is_file_, false)) {}
  PrivateCopy& operator=(PrivateCopy&&) = delete;
  ~PrivateCopy();  // it is gone

  // Of all `size` bytes of `file`, which is at its beginning. Empty: it is made; else why not.
  std::string make(const std::string& name, int file, std::int64_t size, CopyDirectory* directory);

  const std::string& path() const noexcept { return path_; }  // for dlopen
  int descriptor() const noexcept { return descriptor_; }     // until loaded()

  // It is mapped. What is in memory has its name by its descriptor; a file needs none any more.
  void loaded() noexcept;
  // It stays mapped, and so do its bytes.
  void keep() noexcept;

 private:
  std::string make_file(int file, std::int64_t size, const std::string& path);
  std::string make_memory(const std::string& name, int file, std::int64_t size);
  void remove() noexcept;

  std::string path_;
  int descriptor_ = -1;
  bool is_file_ = false;
};

}  // namespace cppwebsocket::runtime
