#include <cstdlib>
#include <cstring>
#include <iostream>
#include <websocketpp/client.hpp>
#include <websocketpp/config/asio_client.hpp>

template <typename Config>
void talk(websocketpp::client<Config>& client, int argc, char** argv) {
  using Handle = websocketpp::connection_hdl;
  client.clear_access_channels(websocketpp::log::alevel::all);
  client.clear_error_channels(websocketpp::log::elevel::all);
  client.init_asio();
  websocketpp::lib::error_code error;
  const auto ws = client.get_connection(argv[1], error);
  for (const char* name = argc > 2 ? std::strtok(argv[2], ",") : nullptr; name; name = std::strtok(nullptr, ","))
    ws->add_subprotocol(name);
  ws->set_open_handler([&](Handle) {
    const auto& chosen = ws->get_response_header("Sec-WebSocket-Protocol");
    std::cout << "open " << (chosen.empty() ? "-" : chosen) << std::endl;
  });
  ws->set_fail_handler([&](Handle) { std::cout << "refused " << ws->get_response_code() << std::endl; });
  ws->set_close_handler([&](Handle) { std::cout << "closed " << ws->get_remote_close_code() << std::endl; });
  ws->set_message_handler([&](Handle, auto message) {
    if (message->get_payload() == "close")
      ws->close(4002, "");
    else
      ws->send(message->get_payload(), message->get_opcode());
  });
  client.connect(ws);
  client.run();
}

int main(int argc, char** argv) {
  if (std::strncmp(argv[1], "wss", 3) != 0) {
    websocketpp::client<websocketpp::config::asio_client> client;
    return talk(client, argc, argv), 0;
  }
  namespace ssl = boost::asio::ssl;
  websocketpp::client<websocketpp::config::asio_tls_client> client;
  client.set_tls_init_handler([](auto) {
    auto context = std::make_shared<ssl::context>(ssl::context::tls_client);
    context->load_verify_file(std::getenv("CA"));
    return context;
  });
  talk(client, argc, argv);
}
