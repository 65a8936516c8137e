// bench_lws_echo: an echo server with libwebsockets, on one thread.
#include <libwebsockets.h>

#include <cstdio>
#include <deque>
#include <exception>
#include <string>

#include "peers/arguments.hpp"

namespace {

constexpr std::size_t most_waiting = 64;  // messages; then we stop reading

struct Reply {
  std::string bytes;  // behind LWS_PRE bytes for the library
  bool is_binary;
};

struct EchoSession {
  std::string incoming = std::string(LWS_PRE, '\0');
  std::deque<Reply> replies;
};

void take(lws* connection, EchoSession& session, const char* bytes, std::size_t size) {
  session.incoming.append(bytes, size);
  if (lws_remaining_packet_payload(connection) != 0 || !lws_is_final_fragment(connection)) return;
  session.replies.push_back({std::move(session.incoming), lws_frame_is_binary(connection) != 0});
  session.incoming.assign(LWS_PRE, '\0');
  if (session.replies.size() == most_waiting) lws_rx_flow_control(connection, 0);
  lws_callback_on_writable(connection);
}

int reply(lws* connection, EchoSession& session) {
  if (session.replies.empty()) return 0;
  Reply& first = session.replies.front();
  auto* payload = reinterpret_cast<unsigned char*>(first.bytes.data()) + LWS_PRE;
  const std::size_t size = first.bytes.size() - LWS_PRE;
  const auto type = first.is_binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT;
  if (lws_write(connection, payload, size, type) < static_cast<int>(size)) return -1;
  session.replies.pop_front();
  if (session.replies.size() == most_waiting - 1) lws_rx_flow_control(connection, 1);
  if (!session.replies.empty()) lws_callback_on_writable(connection);
  return 0;
}

int on_event(lws* connection, lws_callback_reasons reason, void* user, void* bytes,
             std::size_t size) {
  auto* slot = static_cast<EchoSession**>(user);
  switch (reason) {
    case LWS_CALLBACK_ESTABLISHED:
      *slot = new EchoSession;
      break;
    case LWS_CALLBACK_RECEIVE:
      take(connection, **slot, static_cast<const char*>(bytes), size);
      break;
    case LWS_CALLBACK_SERVER_WRITEABLE:
      return reply(connection, **slot);
    case LWS_CALLBACK_CLOSED:
      delete *slot;
      *slot = nullptr;
      break;
    default:
      break;
  }
  return 0;
}

int serve(const bench::Arguments& arguments) {
  static const lws_protocols protocols[] = {
      {"echo", on_event, sizeof(EchoSession*), 64 << 10, 0, nullptr, 0},
      {nullptr, nullptr, 0, 0, 0, nullptr, 0},
  };
  const std::string deflate =
      arguments.takes_over
          ? "permessage-deflate"
          : "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
  const lws_extension extensions[] = {
      {"permessage-deflate", lws_extension_callback_pm_deflate, deflate.c_str()},
      {nullptr, nullptr, nullptr},
  };
  lws_context_creation_info info{};
  info.port = arguments.port;
  info.iface = "127.0.0.1";
  info.protocols = protocols;
  info.keepalive_timeout = 60;
  if (arguments.compresses) info.extensions = extensions;
  if (!arguments.pem.empty()) {
    info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    info.ssl_cert_filepath = info.ssl_private_key_filepath = arguments.pem.c_str();
  }
  lws_set_log_level(LLL_ERR, nullptr);
  lws_context* server = lws_create_context(&info);
  if (!server) throw std::runtime_error("libwebsockets does not start");
  bench::say_listening(arguments.port);
  while (lws_service(server, 0) >= 0) {
  }
  lws_context_destroy(server);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const auto arguments = bench::parse_arguments(argc, argv);
    if (arguments.port == 0) throw std::invalid_argument("it cannot choose its port");
    return serve(arguments);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_lws_echo: %s\n", error.what());
    return 1;
  }
}
