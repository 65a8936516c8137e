// A message out of a file, of any size: it is read a piece at a time, as the client takes them, and goes out in
// fragments. So it takes some 128 KiB of memory, beside WebSocketSendBufferSize.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>
#include <system_error>

#include <unistd.h>

#include <cppwebsocket/blocking_msgutil.hpp>
#include <cppwebsocket/msgutil.hpp>

namespace cppwebsocket {
namespace detail {

// What is left to send of a file. Its functions may block.
class FilePart {
 public:
  FilePart(int descriptor, std::uint64_t offset, std::optional<std::uint64_t> length,
           Message::Type type) noexcept
      : descriptor_(descriptor), offset_(offset), left_(length), type_(type) {}

  // The next piece; with the last one ended().
  Message read() {
    constexpr std::size_t most = 64 << 10;
    std::string piece(static_cast<std::size_t>(std::min<std::uint64_t>(left_.value_or(most), most)), '\0');
    std::size_t size = 0;
    while (size < piece.size()) {
      const ssize_t count = ::pread(descriptor_, piece.data() + size, piece.size() - size,
                                    static_cast<off_t>(offset_ + size));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) throw std::system_error(errno, std::generic_category(), "send_file");
      if (count == 0 && left_)
        throw std::system_error(ENODATA, std::generic_category(),
                                "send_file: the file is shorter than that");
      if (count == 0) {
        left_ = size;  // the end, which is here
        break;
      }
      size += static_cast<std::size_t>(count);
    }
    piece.resize(size);
    offset_ += size;
    if (left_) *left_ -= size;
    return {type_, std::move(piece)};
  }
  bool ended() const noexcept { return left_ == 0U; }

 private:
  int descriptor_;
  std::uint64_t offset_;
  std::optional<std::uint64_t> left_;  // none: up to its end
  Message::Type type_;
};

}  // namespace detail

namespace msgutil {

// Sends `length` bytes of the file from `offset` on as one message; without `length`, up to the file's end, where
// that is when it comes to it. `descriptor` is one that pread() reads, open until this has ended, and its own offset is
// neither used nor changed. The files are read on the blocking pool (WebSocketBlockingThreads), never on the
// reactor. Between two pieces the client's messages, pings and Close are handled as ever; what a Sender and
// channels have for it waits for the message's end. Until then no other task may send messages: they would
// be fragments of this one.
// A file that is longer than told is sent as far as told. One that is shorter, or cannot be read, raises
// std::system_error (ENODATA, or what read() says), and a text that is not UTF-8 InvalidUTF8Exception. If
// something of the message has gone out by then, nothing can complete it: let the exception through, so that
// the connection closes with 1011 or 1007 and the client has no message. Otherwise raises as send_message.
inline Task<> send_file(Request& request, int descriptor, std::uint64_t offset = 0,
                        std::optional<std::uint64_t> length = std::nullopt,
                        Message::Type type = Message::Type::binary) {
  detail::FilePart file(descriptor, offset, length, type);
  auto read = [&file] { return file.read(); };
  do {
    Message piece = co_await request.run_blocking(read);
    co_await send_message(request, std::move(piece), file.ended());
  } while (!file.ended());
}

// The same; it blocks the calling thread.
inline void send_file(BlockingRequest& request, int descriptor, std::uint64_t offset = 0,
                      std::optional<std::uint64_t> length = std::nullopt,
                      Message::Type type = Message::Type::binary) {
  detail::FilePart file(descriptor, offset, length, type);
  do {
    Message piece = file.read();
    send_message(request, std::move(piece), file.ended());
  } while (!file.ended());
}

}  // namespace msgutil
}  // namespace cppwebsocket
