// ws://host/gallery/tail: what `tail -F` shows of the file that SetEnv TAIL_FILE names: its last 4 KiB, then what
// is written to it, also after it was rotated. A text for each line, with U+FFFD for what is not ASCII. The file
// is read in pieces, as the client takes them. Who may see it is for `Require` to say.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>

#include <cppwebsocket/handler.hpp>
using namespace cppwebsocket;

// Reads what is new in the file. All of it may block.
class Follower {
 public:
  explicit Follower(std::string path) : path_(std::move(path)) {
    open();
    offset_ = std::max<off_t>(status_of(descriptor_).st_size - shown_of_past, 0);
  }
  Follower(const Follower&) = delete;
  ~Follower() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  // Empty if there is nothing new.
  std::string read() {
    std::string bytes(64 << 10, '\0');
    const ssize_t count = ::pread(descriptor_, bytes.data(), bytes.size(), offset_);
    bytes.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    offset_ += static_cast<off_t>(bytes.size());
    if (bytes.empty() && was_replaced()) open();
    return bytes;
  }

 private:
  static constexpr off_t shown_of_past = 4 << 10;  // bytes
  void open() {
    const int opened = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    if (opened < 0) return;  // it may come
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = opened;
    offset_ = 0;
  }
  bool was_replaced() const {
    struct stat named {};
    if (::stat(path_.c_str(), &named) != 0) return false;
    return named.st_ino != status_of(descriptor_).st_ino || named.st_size < offset_;
  }
  static struct stat status_of(int descriptor) {
    struct stat found {};
    ::fstat(descriptor, &found);
    return found;
  }
  const std::string path_;
  int descriptor_ = -1;
  off_t offset_ = 0;
};

void web_socket_do_extra_handshake(Request& request) {
  if (!request.env("TAIL_FILE")) throw HandshakeException(503, "SetEnv TAIL_FILE is missing");
}

Task<> web_socket_transfer_data(Request& request) {
  auto open = [path = std::string(*request.env("TAIL_FILE"))] { return std::make_unique<Follower>(path); };
  const auto file = co_await request.run_blocking(open);
  auto read = [&] { return file->read(); };
  for (std::string line;;) {
    const std::string bytes = co_await request.run_blocking(read);
    if (bytes.empty()) co_await request.sleep_for(std::chrono::milliseconds(200));
    for (const char byte : bytes) {
      if (byte != '\n') line += static_cast<signed char>(byte) < 0 ? "\xef\xbf\xbd" : std::string(1, byte);
      if (byte != '\n' && line.size() < 64 << 10) continue;  // what is longer is cut
      Message whole(std::exchange(line, {}));
      co_await msgutil::send_message(request, std::move(whole));
    }
  }
}
