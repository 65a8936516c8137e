// Says goodbye as the query wants: "?slow" takes longer than any stop has time.
#include <cppwebsocket/handler.hpp>
using namespace cppwebsocket;

namespace {

struct LogWhenGone {
  Request& request;
  const char* what;
  ~LogWhenGone() { request.log(LogLevel::info, what); }
};

}  // namespace

void web_socket_do_extra_handshake(Request&) {}

Task<> web_socket_transfer_data(Request& request) {
  const LogWhenGone log{request, "goodbye: main function gone"};
  while (auto message = co_await msgutil::receive_message(request))
    co_await msgutil::send_message(request, std::move(*message));
}

Task<> web_socket_going_away(Request& request) {
  const LogWhenGone log{request, "goodbye: farewell gone"};
  co_await msgutil::send_message(request, "goodbye");
  if (request.ws_query() == "slow") co_await request.sleep_for(std::chrono::hours(1));
}
