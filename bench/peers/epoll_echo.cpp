// bench_epoll_echo: what an echo costs at the least. One thread, one epoll, one receive buffer for
// all connections; per readable event one recv and one send; payloads are unmasked in place. It
// trusts its clients: every frame but a Close is echoed as it is, whatever it is. Its CPU per
// message is the 1.0 that servers which check what they are sent are measured by. What comes on
// the path /publish goes to all the others instead. With --tls it is the least over OpenSSL.
#include <apr_base64.h>
#include <apr_sha1.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "descriptor.hpp"
#include "peers/arguments.hpp"
#include "peers/client_frames.hpp"
#include "wire.hpp"

namespace bench {
namespace {

constexpr std::size_t receive_size = 512 << 10;  // bytes; less makes 1 MiB messages dearer

struct Connection {
  Wire wire;
  std::unique_ptr<std::string> kept;  // the request so far; then output that had to wait
  std::uint64_t left = 0;             // bytes of the current payload still to come
  std::uint32_t mask = 0;             // turned so that it begins with the next byte
  bool is_open = false;               // the handshake is done
  bool publishes = false;             // to all the others
  bool ends = false;                  // close once `kept` is sent
  unsigned char header_size = 0;      // bytes of an incomplete frame header
  char header[max_header];
};

class EpollEcho {
 public:
  EpollEcho(std::uint16_t port, Tls tls)
      : tls_(std::move(tls)),
        epoll_(require(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
        listener_(
            require(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket")),
        buffer_(std::make_unique<char[]>(max_header + receive_size)) {
    int on = 1;
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address = ipv4_address("127.0.0.1", port);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    require(bind(listener_, generic, size), "bind");
    require(listen(listener_, 4096), "listen");
    require(getsockname(listener_, generic, &size), "getsockname");
    watch(epoll_, EPOLL_CTL_ADD, listener_, EPOLLIN, static_cast<std::uint64_t>(listener_));
    say_listening(ntohs(address.sin_port));
  }

  [[noreturn]] void run() {
    while (true) {
      epoll_event events[256];
      const int count = epoll_wait(epoll_, events, 256, -1);
      for (int i = 0; i < count; ++i) {
        const int descriptor = static_cast<int>(events[i].data.u64);
        if (descriptor == listener_) {
          accept_one();
        } else if (events[i].events & EPOLLOUT) {
          send_kept(descriptor);
        } else {
          serve(descriptor);
        }
      }
    }
  }

 private:
  void accept_one() {
    const int descriptor = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor < 0) return;
    set_no_delay(descriptor);
    if (connections_.size() <= static_cast<std::size_t>(descriptor)) {
      connections_.resize(static_cast<std::size_t>(descriptor) + 1);
    }
    at(descriptor).wire = Wire(descriptor, tls_.get(), true);
    watch_for(descriptor, EPOLL_CTL_ADD, EPOLLIN);
  }

  void serve(int descriptor) {
    do {
      read_once(descriptor);
    } while (at(descriptor).wire.holds_more() && !at(descriptor).kept);
  }

  void read_once(int descriptor) {
    Connection& connection = at(descriptor);
    // What an earlier read has of a frame header goes in front of what this one brings.
    char* begin = buffer_.get() + max_header - connection.header_size;
    std::memcpy(begin, connection.header, connection.header_size);
    const ssize_t count = connection.wire.receive(buffer_.get() + max_header, receive_size);
    if (count <= 0) {
      if (count == 0 || (errno != EAGAIN && errno != EINTR)) end(descriptor);
      return;
    }
    char* stop = buffer_.get() + max_header + count;
    connection.header_size = 0;
    if (connection.publishes) {
      publish(begin, echo(connection, begin, stop));
      if (connection.ends) end(descriptor);
    } else if (connection.is_open) {
      send_now(descriptor, begin, echo(connection, begin, stop));
    } else {
      shake_hands(descriptor, std::string_view(begin, static_cast<std::size_t>(count)));
    }
  }

  // Turns the client's frames in [begin, stop) into the server's, in the same place. Returns the
  // number of bytes; what is left of a header is kept.
  std::size_t echo(Connection& connection, char* begin, char* stop) noexcept {
    char* to = begin;
    const char* from = begin;
    while (from < stop) {
      if (connection.left == 0) {
        const auto available = static_cast<std::size_t>(stop - from);
        const auto* bytes = reinterpret_cast<const unsigned char*>(from);
        const FrameHeader header = read_header(bytes, available);
        if (header.size == 0) {
          std::memcpy(connection.header, from, available);
          connection.header_size = static_cast<unsigned char>(available);
          break;
        }
        if ((*from & 0x0F) == 8) {
          connection.ends = true;
          break;
        }
        std::memmove(to, from, header.size - 4);
        to[1] = static_cast<char>(to[1] & 0x7F);
        to += header.size - 4;
        from += header.size;
        connection.left = header.payload;
        connection.mask = header.mask;
      }
      const auto here =
          std::min<std::uint64_t>(connection.left, static_cast<std::uint64_t>(stop - from));
      connection.mask = unmask(to, from, here, connection.mask);
      connection.left -= here;
      from += here;
      to += here;
    }
    return static_cast<std::size_t>(to - begin);
  }

  void publish(const char* bytes, std::size_t size) {
    for (std::size_t i = 0; i < connections_.size(); ++i) {
      Connection& member = connections_[i];
      if (!member.is_open || member.publishes) continue;
      if (member.kept)
        member.kept->append(bytes, size);
      else
        send_now(static_cast<int>(i), bytes, size);
    }
  }

  void send_now(int descriptor, const char* bytes, std::size_t size) {
    Connection& connection = at(descriptor);
    if (size != 0) {
      const ssize_t count = connection.wire.send(bytes, size);
      const std::size_t sent = count > 0 ? static_cast<std::size_t>(count) : 0;
      if (count < 0 && errno != EAGAIN) return end(descriptor);
      if (sent < size) {
        connection.kept = std::make_unique<std::string>(bytes + sent, size - sent);
        watch_for(descriptor, EPOLL_CTL_MOD, EPOLLOUT);  // and read no more until it is gone
        return;
      }
    }
    if (connection.ends) end(descriptor);
  }

  void send_kept(int descriptor) {
    Connection& connection = at(descriptor);
    const ssize_t count = connection.wire.send(connection.kept->data(), connection.kept->size());
    if (count < 0) {
      if (errno != EAGAIN) end(descriptor);
      return;
    }
    connection.kept->erase(0, static_cast<std::size_t>(count));
    if (!connection.kept->empty()) return;
    connection.kept.reset();
    if (connection.ends) return end(descriptor);
    watch_for(descriptor, EPOLL_CTL_MOD, EPOLLIN);
    if (connection.wire.holds_more()) serve(descriptor);
  }

  void shake_hands(int descriptor, std::string_view bytes) {
    Connection& connection = at(descriptor);
    std::string request = connection.kept ? std::move(*connection.kept) : std::string();
    request += bytes;
    const std::size_t size = request.find("\r\n\r\n");
    if (size == std::string::npos) {
      connection.kept = std::make_unique<std::string>(std::move(request));
      return;
    }
    connection.kept.reset();
    connection.is_open = true;
    connection.publishes = request.starts_with("GET /publish ");
    constexpr std::string_view name = "Sec-WebSocket-Key: ";
    const std::size_t key = request.find(name) + name.size();
    std::string output = answer_to(request.substr(key, request.find('\r', key) - key));
    std::string frames = request.substr(size + 4);
    frames.resize(echo(connection, frames.data(), frames.data() + frames.size()));
    output += frames;
    send_now(descriptor, output.data(), output.size());
  }

  // RFC 6455 §4.2.2
  static std::string answer_to(const std::string& key) {
    const std::string text = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    apr_sha1_ctx_t sha1;
    unsigned char digest[APR_SHA1_DIGESTSIZE];
    apr_sha1_init(&sha1);
    apr_sha1_update(&sha1, text.data(), static_cast<unsigned>(text.size()));
    apr_sha1_final(digest, &sha1);
    char accept[32];
    apr_base64_encode_binary(accept, digest, sizeof digest);
    return std::string(
               "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               "Sec-WebSocket-Accept: ") +
           accept + "\r\n\r\n";
  }

  void end(int descriptor) { at(descriptor) = Connection{}; }

  Connection& at(int descriptor) { return connections_[static_cast<std::size_t>(descriptor)]; }

  void watch_for(int descriptor, int operation, std::uint32_t events) {
    watch(epoll_, operation, descriptor, events, static_cast<std::uint64_t>(descriptor));
  }

  const Tls tls_;
  const int epoll_;
  const int listener_;
  const std::unique_ptr<char[]> buffer_;
  std::vector<Connection> connections_;  // by descriptor
};

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
  try {
    const auto arguments = bench::parse_arguments(argc, argv);
    bench::Tls tls;
    if (!arguments.pem.empty()) tls = bench::make_server_tls(arguments.pem);
    bench::EpollEcho(arguments.port, std::move(tls)).run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_epoll_echo: %s\n", error.what());
    return 1;
  }
}
