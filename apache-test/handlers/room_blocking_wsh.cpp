// room_wsh.cpp in the blocking style, for the channel that the query names: "+TEXT" publishes,
// "?" counts, "-" leaves. "?NAME&receive" shows what it gets as "got TEXT"; "?NAME&reserve" takes its
// place in the handshake.
#include <memory>

#include <cppwebsocket/blocking_handler.hpp>
using namespace cppwebsocket;

void web_socket_do_extra_handshake(BlockingRequest& request) {
  const std::string_view query = request.ws_query();
  if (query.ends_with("&reserve"))
    Channel::named(std::string(query.substr(0, query.find('&')))).reserve(request);
}

void web_socket_transfer_data(BlockingRequest& request) {
  const std::string_view query = request.ws_query();
  const std::string_view name = query.substr(0, query.find('&'));
  const Channel channel = Channel::named(std::string(name));
  JoinOptions options;
  options.receive = query.ends_with("&receive");
  const bool receives = options.receive;
  auto room = std::make_shared<BlockingMembership>(channel.join(request, options));
  msgutil::send_message(request, "in " + room->recovery().position.to_string());
  if (receives)
    request.spawn([&request, room](std::stop_token) {
      while (auto next = room->receive())
        msgutil::send_message(request, "got " + next->message.payload());
    });
  while (auto message = msgutil::receive_message(request)) {
    if (message->text().starts_with('+')) room->publish(message->text().substr(1));
    if (message->text() == "?")
      msgutil::send_message(request, "here " + std::to_string(channel.local_members()));
    if (message->text() == "-") {
      room.reset();
      msgutil::send_message(request, "out");
    }
  }
}
