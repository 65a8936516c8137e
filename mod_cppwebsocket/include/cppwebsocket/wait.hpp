// Waiting for more than one thing, in a coroutine handler: when_any, when_all, Event, Queue<T>.
//
//   Task<> web_socket_transfer_data(Request& request) {
//     for (;;) {
//       auto first = co_await when_any(request, msgutil::receive_message(request),
//                                      request.sleep_for(std::chrono::seconds(20)));
//       if (first.index() == 1) {
//         co_await msgutil::send_message(request, "are you still there?");
//       } else if (auto& message = std::get<0>(first)) {
//         co_await msgutil::send_message(request, std::move(*message));
//       } else {
//         co_return;
//       }
//     }
//   }
//
// Thread: the connection's.
#pragma once

#include <utility>

#include <cppwebsocket/detail/group.hpp>
#include <cppwebsocket/event.hpp>
#include <cppwebsocket/queue.hpp>

namespace cppwebsocket {

// What all of `awaitables` (tasks, and whatever else a handler can co_await) have in common here: each is a branch of
// the caller and starts at once, in their order, on the caller's thread. co_await goes on when all branches have
// ended, so they may refer to whatever the caller has. A branch that is not needed any more is cancelled: what it
// waits for raises CancelledException, and so does each later wait in it; but a function in run_blocking
// is waited for. What a cancelled branch raises or returns is dropped. To be written in one co_await expression, as above.
// A branch that has not started when the result is known does not start.

// co_await when_any(request, a, b, …): the result of the first that ends, as a std::variant whose index() tells
// which; std::monostate for void. The others are cancelled: receive_message, room.receive() and queue.pop()
// then have taken nothing. Raises what the first raises. Where the peer's clean close and others end at once, that is
// first.
template <typename... Awaitables>
auto when_any(Request& request, Awaitables&&... awaitables) {
  return detail::WhenAny<detail::Held<Awaitables>...>(request, std::forward<Awaitables>(awaitables)...);
}

// co_await when_all(request, a, b, …): all results, as a std::tuple; std::monostate for void. If one raises, the
// others are cancelled, and that is raised.
template <typename... Awaitables>
auto when_all(Request& request, Awaitables&&... awaitables) {
  return detail::WhenAll<detail::Held<Awaitables>...>(request, std::forward<Awaitables>(awaitables)...);
}

}  // namespace cppwebsocket
