// ws://host/gallery/tcp_bridge is a TCP connection: binary messages are its bytes, in both
// directions. Where to is the administrator's choice, never the client's:
//
//   SetEnv TCP_BRIDGE "localhost:5900"
//
// Neither side is read faster than the other takes it. All connections of a child share one thread
// of Asio.
#include <memory>
#include <string>

#include <cppwebsocket/asio.hpp>
#include <cppwebsocket/handler.hpp>
using namespace cppwebsocket;
using Socket = asio::ip::tcp::socket;

constexpr CloseCode bad_gateway = 1014;

void web_socket_do_extra_handshake(Request& request) {
  const std::string target(request.env("TCP_BRIDGE").value_or(""));
  if (target.find(':') == target.npos) throw HandshakeException(404, "TCP_BRIDGE is not set");
  if (!request.ws_requested_protocols().empty()) request.select_ws_protocol({"binary"});
  request.user_data() = target;
}

// The socket is shared: it has to be there until its last operation is over, whoever of both ends
// first.
static Task<> to_client(Request& request, std::shared_ptr<Socket> socket) {
  std::string bytes(16 << 10, '\0');
  for (;;) {
    const auto [error, count] = co_await socket->async_read_some(
        asio::buffer(bytes), resume_with_error_in(request, *socket));
    if (error == asio::error::eof) break;
    if (error) {
      co_await msgutil::close_connection(request, bad_gateway, error.message());
      co_return;
    }
    Message message = Message::binary(bytes.substr(0, count));
    co_await msgutil::send_message(request, std::move(message));
  }
  co_await msgutil::close_connection(request);
}

static Task<std::shared_ptr<Socket>> connect(Request& request, std::string target) {
  const std::size_t colon = target.rfind(':');
  asio::ip::tcp::resolver resolver(io_context());
  const auto found = co_await resolver.async_resolve(
      target.substr(0, colon), target.substr(colon + 1), resume_in(request, resolver));
  const auto socket = std::make_shared<Socket>(io_context());
  co_await asio::async_connect(*socket, found, resume_in(request, *socket));
  socket->set_option(asio::ip::tcp::no_delay(true));
  co_return socket;
}

Task<> web_socket_transfer_data(Request& request) {
  std::shared_ptr<Socket> socket;
  std::string problem;
  try {
    socket = co_await connect(request, std::any_cast<std::string>(request.user_data()));
  } catch (const AsioError& error) {
    problem = error.code().message();
  }
  if (!socket) {
    co_await msgutil::close_connection(request, bad_gateway, problem);
    co_return;
  }
  request.spawn(to_client(request, socket));
  while (auto message = co_await msgutil::receive_message(request))
    co_await asio::async_write(*socket, asio::buffer(message->payload()),
                               resume_in(request, *socket));
}
