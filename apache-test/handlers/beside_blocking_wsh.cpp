// beside_wsh.cpp in the blocking style: with "?spawn" the threads are request.spawn()'s, which a
// membership ends; else each is a SpawnedThread.
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <cppwebsocket/blocking_handler.hpp>

#include "beside.hpp"
using namespace cppwebsocket;

namespace {

using Threads = std::vector<std::unique_ptr<SpawnedThread>>;

void start(BlockingRequest& request, Threads* threads, std::function<void(std::stop_token)> function) {
  if (threads)
    threads->push_back(std::make_unique<SpawnedThread>(request, std::move(function)));
  else
    request.spawn(std::move(function));
}

void converse(BlockingRequest& request, BlockingMembership& room) {
  while (auto message = msgutil::receive_message(request)) {
    const std::string& what = message->payload();
    if (what == "leave") room.leave();
    if (what == "close") msgutil::close_connection(request, 4001, "asked for");
    if (what == "others") beside::close_all();
    if (beside::ends(what)) return;
  }
}

}  // namespace

void web_socket_do_extra_handshake(BlockingRequest&) {}

void web_socket_transfer_data(BlockingRequest& request) {
  beside::add(request.sender());
  std::mutex mutex;
  std::string text(100, 'x');
  std::optional<Leadership> leadership;
  JoinOptions options;
  options.receive = true;
  options.slow = SlowPolicy::drop_oldest;
  auto room = Channel::named("beside").join(request, options);
  Threads threads;
  Threads* const scoped = request.ws_query() == "spawn" ? nullptr : &threads;
  start(request, scoped, [&](std::stop_token) {
    while (auto next = room.receive()) {
      std::lock_guard lock(mutex);
      text = next->message.payload();
      if (next->kind == Publication::Kind::message)
        msgutil::send_message(request, std::move(next->message));
    }
  });
  start(request, scoped, [&](std::stop_token) {
    for (;;) {
      request.sleep_for(beside::pause);
      std::lock_guard lock(mutex);
      if (!leadership) leadership = Channel::named("lead").try_lead();
      room.publish("tick");
    }
  });
  start(request, scoped, [&](std::stop_token stop) {
    SpawnedThread inner(request, [&](std::stop_token) { room.recovery(); });
    while (!stop.stop_requested()) {
      const std::string result = beside::compute();
      std::lock_guard lock(mutex);
      text += result;
      room.publish(result);
    }
  });
  converse(request, room);
}
