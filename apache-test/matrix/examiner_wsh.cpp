// What a client of the matrix talks to. The client sends back what it gets; this end does the rest:
//   ?run=ID     under which name the result is logged: "examiner: ID: …"
//   &end=client asks the client to close, by the text "close"; else this end closes with 4001
//   &idle       says nothing for more than two ping intervals in between
//   &late       says nothing at first
//   &refuse     403
// Of the subprotocols that are offered it takes "two".
#include <cppwebsocket/handler.hpp>

using namespace cppwebsocket;
using namespace std::chrono_literals;

namespace {

constexpr auto ping_interval = 2s;  // some clients mask a MiB in a second, and hear nothing meanwhile

bool has(Request& request, std::string_view parameter) {
  return ("&" + std::string(request.ws_query())).find("&" + std::string(parameter)) !=
         std::string::npos;
}

void report(Request& request, const std::string& what) {
  std::string run(request.ws_query());
  run = run.substr(run.find("run=") + 4);
  request.log(LogLevel::info, "examiner: " + run.substr(0, run.find('&')) + ": " + what);
}

// At most one message in flight: some clients answer none while they receive.
Task<bool> comes_back(Request& request, Message message) {
  const std::string what = message.is_text() ? "a text of " : "a binary of ";
  co_await msgutil::send_message(request, message);
  const auto answer = co_await msgutil::receive_message(request, 20s);
  const bool same = answer && answer->is_text() == message.is_text() &&
                    answer->payload() == message.payload();
  if (!same)
    report(request, what + std::to_string(message.payload().size()) + " bytes came back " +
                        (answer ? "otherwise: " + std::to_string(answer->payload().size()) + " bytes"
                                : "as a Close"));
  co_return same;
}

Task<bool> examine(Request& request) {
  if (!co_await comes_back(request, Message("もももすももももものうち"))) co_return false;
  for (const std::size_t size : {0, 125, 126, 65'535, 65'536, 1 << 20}) {
    if (!co_await comes_back(request, Message(std::string(size, 'x')))) co_return false;
    if (!co_await comes_back(request, Message::binary(std::string(size, '\xff')))) co_return false;
  }
  for (int i = 0; i < 5; ++i)
    if (!co_await comes_back(request, Message("very similar, 桃 " + std::string(200, 'a') +
                                              std::to_string(i))))
      co_return false;
  co_return true;
}

}  // namespace

void web_socket_do_extra_handshake(Request& request) {
  request.limit_ping_interval(ping_interval);
  if (has(request, "refuse")) throw HandshakeException(403, "as it was asked for");
  request.select_ws_protocol({"two"});
}

Close web_socket_passive_closing_handshake(Request& request) {
  report(request, "closed " + std::to_string(request.ws_close_code().value_or(0)));
  return Close(1000);
}

Task<> web_socket_transfer_data(Request& request) {
  try {
    report(request, std::string("open") + (request.ws_deflate() ? " compressed" : ""));
    if (has(request, "late")) co_await request.sleep_for(300ms);
    if (!co_await examine(request)) co_return;
    if (has(request, "idle")) co_await request.sleep_for(ping_interval * 5 / 2);
    if (!co_await comes_back(request, Message("still here"))) co_return;
    report(request, "good");
    if (has(request, "end=client")) {
      co_await msgutil::send_message(request, Message("close"));
      if (co_await msgutil::receive_message(request, 10s)) report(request, "more instead of a Close");
      co_return;
    }
    co_await msgutil::close_connection(request, 4001, "さようなら");
    report(request, "closed " + std::to_string(request.ws_close_code().value_or(0)));
  } catch (const TimeoutException&) {
    report(request, "no answer");
  } catch (const ConnectionTerminatedException&) {
    report(request, "lost " + std::to_string(request.ws_close_code().value_or(0)));
    throw;
  }
}
