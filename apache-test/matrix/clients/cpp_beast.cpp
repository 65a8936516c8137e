#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>

#include <cstdlib>
#include <iostream>

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;

template <typename Stream>
void talk(Stream& ws, const std::string& host, const std::string& target, const char* protocols) {
  websocket::permessage_deflate deflate;
  deflate.client_enable = true;
  ws.set_option(deflate);
  ws.set_option(websocket::stream_base::decorator([protocols](websocket::request_type& request) {
    if (protocols) request.set("Sec-WebSocket-Protocol", protocols);
  }));
  websocket::response_type response;
  beast::error_code error;
  ws.handshake(response, host, target, error);
  if (error) {
    std::cout << "refused " << response.result_int() << "\n";
    return;
  }
  const auto chosen = response["Sec-WebSocket-Protocol"];
  std::cout << "open " << (chosen.empty() ? "-" : std::string(chosen)) << std::endl;
  for (;;) {
    beast::flat_buffer buffer;
    ws.read(buffer, error);
    if (error) break;
    ws.text(ws.got_text());
    if (beast::buffers_to_string(buffer.data()) == "close")
      ws.close(websocket::close_code(4002), error);
    else
      ws.write(buffer.data());
  }
  std::cout << "closed " << ws.reason().code << std::endl;
}

int main(int argc, char** argv) {
  const std::string url = argv[1];
  const bool secure = url.starts_with("wss");
  const std::string rest = url.substr(secure ? 6 : 5);
  const std::string host = rest.substr(0, rest.find('/'));
  const std::string target = rest.substr(host.size());
  const char* protocols = argc > 2 ? argv[2] : nullptr;
  asio::io_context context;
  asio::ip::tcp::resolver resolver(context);
  const std::size_t colon = host.find(':');
  const auto places = resolver.resolve(host.substr(0, colon), host.substr(colon + 1));
  if (!secure) {
    websocket::stream<beast::tcp_stream> ws(context);
    ws.next_layer().connect(places);
    return talk(ws, host, target, protocols), 0;
  }
  asio::ssl::context tls(asio::ssl::context::tls_client);
  tls.load_verify_file(std::getenv("CA"));
  websocket::stream<beast::ssl_stream<beast::tcp_stream>> ws(context, tls);
  beast::get_lowest_layer(ws).connect(places);
  ws.next_layer().handshake(asio::ssl::stream_base::client);
  talk(ws, host, target, protocols);
}
