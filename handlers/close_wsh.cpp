// ws://host/close closes with the code and the reason that the client names.
// In the console: send "4001 see you" and look at the state; or disconnect with a code of yours,
// which comes back.
#include <charconv>

#include <cppwebsocket/handler.hpp>
using namespace cppwebsocket;

void web_socket_do_extra_handshake(Request&) {}

Task<> web_socket_transfer_data(Request& request) {
  const auto message = co_await msgutil::receive_message(request);
  if (!message) co_return;

  const std::string_view text = message->text();
  CloseCode code = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), code);
  std::string_view reason = text.substr(static_cast<std::size_t>(end - text.data()));
  if (error != std::errc() || !(reason.empty() || reason.starts_with(' ')))
    throw UnsupportedFrameException("expected CODE REASON");
  if (!reason.empty()) reason.remove_prefix(1);
  co_await msgutil::close_connection(request, code, reason);
}

// The peer closes first: answer with its own code and reason, or with none if it gave none.
Close web_socket_passive_closing_handshake(Request& request) {
  const CloseCode code = request.ws_close_code().value_or(close_code::no_status_received);
  if (!close_code::may_be_sent(code)) return Close();
  return Close(code, std::string(request.ws_close_reason()));
}
