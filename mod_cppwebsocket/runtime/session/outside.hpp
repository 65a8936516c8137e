// The way back to a loop of an operation that something else completes.
#pragma once

#include <functional>
#include <utility>

#include "runtime/session/event_loop.hpp"
#include "runtime/session/operation_list.hpp"

namespace cppwebsocket::runtime {

// `arrived` is called on the loop's thread once somebody has completed `operation`: that takes no
// memory, for it is taken here.
inline void begin_outside(detail::OutsideOperation& operation, EventLoop& loop,
                          std::function<void()> arrived) {
  operation.way_back = new PostedFunction(std::move(arrived));
  operation.loop = &loop;
  operation.completed = [](detail::OutsideOperation& completed) noexcept {
    static_cast<EventLoop*>(completed.loop)
        ->post(*static_cast<PostedFunction*>(completed.way_back));
  };
}

// Asks whoever is to complete it to be quick.
inline void cancel_outside(detail::Operation& outside) noexcept {
  auto& operation = static_cast<detail::OutsideOperation&>(outside);
  operation.cancel(operation);
}

// Of a list of such operations.
inline void cancel_all(const OperationList& outside) noexcept {
  for (detail::Operation* each = outside.front(); each; each = each->next) cancel_outside(*each);
}

}  // namespace cppwebsocket::runtime
