// Tasks that use what web_socket_transfer_data has, by reference, while that ends in every way. The
// client says how: "return", "raise", "abort", "close", "leave"; "others" has all others closed.
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <cppwebsocket/handler.hpp>

#include "beside.hpp"
using namespace cppwebsocket;

namespace {

// All of it is the main function's.
struct Locals {
  Membership& room;
  std::optional<Leadership>& leadership;
  std::string& text;
};

Task<> show(Request& request, Locals locals) {
  while (auto next = co_await locals.room.receive()) {
    locals.text += next->message.payload();
    if (locals.text.size() > 100) locals.text.clear();
    if (next->kind == Publication::Kind::message)
      co_await msgutil::send_message(request, std::move(next->message));
  }
}

Task<> tick(Request& request, Locals locals) {
  for (;;) {
    co_await request.sleep_for(beside::pause);
    if (!locals.leadership) locals.leadership = Channel::named("lead").try_lead();
    locals.room.publish("tick");
  }
}

Task<> compute(Request& request, Locals locals) {
  const auto work = [] { return beside::compute(); };
  for (;;) {
    const std::string result = co_await request.run_blocking(work);
    locals.text += result;
    locals.room.publish(result);
  }
}

Task<> recover(Locals locals) {
  const Recovery recovery = co_await locals.room.recovery();
  locals.text += recovery.position.to_string();
}

}  // namespace

void web_socket_do_extra_handshake(Request&) {}

Task<> web_socket_transfer_data(Request& request) {
  JoinOptions options;
  options.receive = true;
  options.slow = SlowPolicy::drop_oldest;
  auto room = Channel::named("beside").join(request, options);
  std::optional<Leadership> leadership;
  std::string text(100, 'x');
  const Locals locals{room, leadership, text};
  beside::add(request.sender());
  request.spawn(show(request, locals));
  request.spawn(tick(request, locals));
  request.spawn(compute(request, locals));
  request.spawn(recover(locals));
  while (auto message = co_await msgutil::receive_message(request)) {
    const std::string& what = message->payload();
    if (what == "leave") room.leave();
    if (what == "close") co_await msgutil::close_connection(request, 4001, "asked for");
    if (what == "others") beside::close_all();
    if (beside::ends(what)) co_return;
  }
}
