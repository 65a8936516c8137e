// ws://host/gallery/upload: files of up to 4 GiB into the directory that SetEnv UPLOAD_DIRECTORY names. A
// text "put NAME", then a binary message with all of the file: it is written as it comes, so it takes some
// 64 KiB of memory. Each MiB is told as "progress BYTES", the end as "stored BYTES"; until then the file has
// another name, and one that is not complete goes. "get NAME" sends it back.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>

#include <cppwebsocket/handler.hpp>
#include <cppwebsocket/send_file.hpp>
using namespace cppwebsocket;

struct File {
  File(const std::string& path, int flags) : descriptor(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {
    if (descriptor < 0) throw std::system_error(errno, std::generic_category(), path);
  }
  File(const File&) = delete;
  ~File() {
    ::close(descriptor);
    if (!unfinished.empty()) ::unlink(unfinished.c_str());
  }
  void write(std::string_view bytes) const {
    for (ssize_t count = 0; !bytes.empty(); bytes.remove_prefix(static_cast<std::size_t>(count)))
      if ((count = ::write(descriptor, bytes.data(), bytes.size())) < 0)
        throw std::system_error(errno, std::generic_category(), "write");
  }
  int descriptor;
  std::string unfinished;  // its path, until it is whole
};

static bool may_be_named(std::string_view name) {
  constexpr std::string_view fine = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  return !name.empty() && name.size() <= 100 && name[0] != '.' && name.find_first_not_of(fine) == name.npos;
}

static Task<> take(Request& request, std::string path) {
  std::string part = path + "." + std::to_string(::getpid()) + "-" + std::to_string(request.id()) + ".part";
  File file(part, O_WRONLY | O_CREAT | O_EXCL);
  file.unfinished = part;
  std::size_t size = 0, told = 0;
  for (bool end = false; !end;) {
    auto fragment = co_await msgutil::receive_fragment(request);
    if (!fragment) co_return;  // closed in the middle
    if (fragment->part.is_text()) throw UnsupportedFrameException("a file is binary");
    auto write = [&] { file.write(fragment->part.payload()); };
    co_await request.run_blocking(write);
    size += fragment->part.size();
    end = fragment->end;
    if (size - told < 1 << 20 || end) continue;
    told = size;
    const std::string progress = "progress " + std::to_string(size);
    co_await msgutil::send_message(request, progress);
  }
  if (::rename(part.c_str(), path.c_str()) != 0) throw std::system_error(errno, std::generic_category(), path);
  file.unfinished.clear();
  const std::string stored = "stored " + std::to_string(size);
  co_await msgutil::send_message(request, stored);
}

void web_socket_do_extra_handshake(Request& request) {
  if (!request.env("UPLOAD_DIRECTORY")) throw HandshakeException(503, "SetEnv UPLOAD_DIRECTORY is missing");
  request.receive_in_fragments(std::size_t{4} << 30);
}

Task<> web_socket_transfer_data(Request& request) {
  const std::string directory(*request.env("UPLOAD_DIRECTORY"));
  while (auto order = co_await msgutil::receive_message(request)) {
    const std::string name = order->payload().substr(std::min<std::size_t>(order->size(), 4));
    if (!may_be_named(name)) throw UnsupportedFrameException("no name for a file");
    if (order->payload().starts_with("put ")) co_await take(request, directory + "/" + name);
    if (!order->payload().starts_with("get ")) continue;
    const File file(directory + "/" + name, O_RDONLY);
    co_await msgutil::send_file(request, file.descriptor);
  }
}
