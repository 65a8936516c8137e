// bench_beast_echo: an echo server with Boost.Beast, asynchronous, on one thread, written as its
// documentation shows.
#include <utility>  // first: Boost 1.74 needs it and does not say so

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast.hpp>
#include <boost/beast/ssl.hpp>
#include <cstdio>
#include <exception>
#include <memory>

#include "peers/arguments.hpp"

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using asio::ip::tcp;
using beast::error_code;

constexpr std::size_t max_message = 64 << 20;  // bytes

template <typename Stream>
class EchoSession : public std::enable_shared_from_this<EchoSession<Stream>> {
 public:
  template <typename... Lower>
  explicit EchoSession(const bench::Arguments& arguments, Lower&&... lower)
      : stream_(std::forward<Lower>(lower)...) {
    stream_.set_option(websocket::stream_base::timeout::suggested(beast::role_type::server));
    stream_.read_message_max(max_message);
    stream_.auto_fragment(false);
    websocket::permessage_deflate deflate;
    deflate.server_enable = arguments.compresses;
    deflate.server_no_context_takeover = !arguments.takes_over;
    deflate.client_no_context_takeover = !arguments.takes_over;
    deflate.compLevel = 6;
    stream_.set_option(deflate);
  }

  Stream& stream() { return stream_; }

  void accept() {
    stream_.async_accept([self = this->shared_from_this()](error_code error) {
      if (!error) self->read();
    });
  }

 private:
  void read() {
    stream_.async_read(buffer_, [self = this->shared_from_this()](error_code error, std::size_t) {
      if (!error) self->write();
    });
  }

  void write() {
    stream_.text(stream_.got_text());
    stream_.async_write(buffer_.data(),
                        [self = this->shared_from_this()](error_code error, std::size_t size) {
                          if (error) return;
                          self->buffer_.consume(size);
                          self->read();
                        });
  }

  Stream stream_;
  beast::flat_buffer buffer_;
};

using PlainSession = EchoSession<websocket::stream<beast::tcp_stream>>;
using TlsSession = EchoSession<websocket::stream<beast::ssl_stream<beast::tcp_stream>>>;

class EchoServer {
 public:
  EchoServer(asio::io_context& io, const bench::Arguments& arguments)
      : arguments_(arguments),
        acceptor_(io, tcp::endpoint(asio::ip::address_v4::loopback(), arguments.port)) {
    acceptor_.listen(4096);
    if (!arguments.pem.empty()) {
      tls_.use_certificate_chain_file(arguments.pem);
      tls_.use_private_key_file(arguments.pem, asio::ssl::context::pem);
    }
    bench::say_listening(acceptor_.local_endpoint().port());
    accept();
  }

 private:
  void accept() {
    acceptor_.async_accept([this](error_code error, tcp::socket socket) {
      if (!error) serve(std::move(socket));
      accept();
    });
  }

  void serve(tcp::socket socket) {
    socket.set_option(tcp::no_delay(true));
    if (arguments_.pem.empty()) {
      return std::make_shared<PlainSession>(arguments_, std::move(socket))->accept();
    }
    auto session = std::make_shared<TlsSession>(arguments_, std::move(socket), tls_);
    session->stream().next_layer().async_handshake(asio::ssl::stream_base::server,
                                                   [session](error_code error) {
                                                     if (!error) session->accept();
                                                   });
  }

  const bench::Arguments arguments_;
  tcp::acceptor acceptor_;
  asio::ssl::context tls_{asio::ssl::context::tls_server};
};

}  // namespace

int main(int argc, char** argv) {
  try {
    asio::io_context io(1);
    const EchoServer server(io, bench::parse_arguments(argc, argv));
    io.run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_beast_echo: %s\n", error.what());
    return 1;
  }
}
