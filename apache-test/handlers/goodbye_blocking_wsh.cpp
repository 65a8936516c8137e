// Says goodbye as the query wants: "?slow" takes longer than any stop has time.
#include <cppwebsocket/blocking_handler.hpp>
using namespace cppwebsocket;

namespace {

struct LogWhenGone {
  BlockingRequest& request;
  const char* what;
  ~LogWhenGone() { request.log(LogLevel::info, what); }
};

}  // namespace

void web_socket_do_extra_handshake(BlockingRequest&) {}

void web_socket_transfer_data(BlockingRequest& request) {
  const LogWhenGone log{request, "goodbye: main function gone"};
  while (auto message = msgutil::receive_message(request))
    msgutil::send_message(request, std::move(*message));
}

void web_socket_going_away(BlockingRequest& request) {
  const LogWhenGone log{request, "goodbye: farewell gone"};
  msgutil::send_message(request, "goodbye");
  if (request.ws_query() == "slow") request.sleep_for(std::chrono::hours(1));
}
