// For the row "memberships": joins as many channels as the query says, each of its own ("1000") or
// the same one so many times ("1000&same"). Then it echoes.
#include <atomic>
#include <charconv>

#include <cppwebsocket/handler.hpp>
using namespace cppwebsocket;

namespace {

std::atomic<unsigned> connections;

std::vector<Membership> join(Request& request) {
  const std::string_view query = request.ws_query();
  std::size_t count = 0;
  std::from_chars(query.data(), query.data() + query.size(), count);
  const bool same = query.ends_with("&same");
  const std::string room = "bench/" + std::to_string(same ? 0 : ++connections);
  std::vector<Membership> joined;
  joined.reserve(count);
  for (std::size_t i = 0; i < count; ++i)
    joined.push_back(Channel::named(same ? room : room + "/" + std::to_string(i)).join(request));
  return joined;
}

}  // namespace

void web_socket_do_extra_handshake(Request&) {}

Task<> web_socket_transfer_data(Request& request) {
  const std::vector<Membership> joined = join(request);
  while (auto message = co_await msgutil::receive_message(request))
    co_await msgutil::send_message(request, std::move(*message));
}
