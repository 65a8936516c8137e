// Asks in the handshake for the variables that the query names ("?SSL_PROTOCOL,SSL_CIPHER"), and
// sends what they were, one message each, once the connection is open. Then it echoes.
#include <cppwebsocket/handler.hpp>

#include <string>
#include <vector>

using namespace cppwebsocket;

using Variables = std::vector<std::string>;

void web_socket_do_extra_handshake(Request& request) {
  Variables variables;
  std::string_view names = request.ws_query();
  while (!names.empty()) {
    const std::string_view name = names.substr(0, names.find(','));
    names.remove_prefix(std::min(name.size() + 1, names.size()));
    variables.emplace_back(request.env(name).value_or("none"));
  }
  request.user_data() = std::move(variables);
}

Task<> web_socket_transfer_data(Request& request) {
  for (const auto& variable : std::any_cast<Variables>(request.user_data()))
    co_await msgutil::send_message(request, std::string(variable));
  while (auto message = co_await msgutil::receive_message(request))
    co_await msgutil::send_message(request, std::move(*message));
}
