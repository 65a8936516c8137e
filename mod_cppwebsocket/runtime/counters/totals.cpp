#include "runtime/counters/totals.hpp"

#include <vector>

namespace cppwebsocket::runtime {

namespace {

void add_up(Count& sum, const Count& more) noexcept { add(sum, value(more)); }

void add_up(TimeHistogram& sum, const TimeHistogram& more) noexcept {
  for (std::size_t i = 0; i < sum.buckets.size(); ++i) add_up(sum.buckets[i], more.buckets[i]);
  add_up(sum.all, more.all);
  add_up(sum.nanoseconds, more.nanoseconds);
}

void add_up(HandlerCounters& sum, const HandlerCounters& more, bool is_alive) noexcept {
  if (is_alive) add_up(sum.open, more.open);
  for (const auto count : {&HandlerCounters::opened, &HandlerCounters::messages_in, &HandlerCounters::messages_out,
                           &HandlerCounters::bytes_in, &HandlerCounters::bytes_out, &HandlerCounters::exceptions,
                           &HandlerCounters::dropped, &HandlerCounters::seconds})
    add_up(sum.*count, more.*count);
  for (std::size_t i = 0; i < sum.closed.size(); ++i) add_up(sum.closed[i], more.closed[i]);
}

void add_up(ChildCount& sum, const ChildCount& more, bool is_alive) noexcept {
  for (std::size_t i = 0; i < refusals.size(); ++i) add_up(sum.refused[i], more.refused[i]);
  add_up(sum.handshakes, more.handshakes);
  for (const auto count : {&ChildCount::log_lines, &ChildCount::log_lines_lost, &ChildCount::stalls, &ChildCount::slowed,
                           &ChildCount::closed_for_memory, &ChildCount::hook_events_lost})
    add_up(sum.*count, more.*count);
  for (std::size_t i = 0; i < sum.hook_answers.size(); ++i) add_up(sum.hook_answers[i], more.hook_answers[i]);
  add_up(sum.hooks, more.hooks);
  if (is_alive) add_up(sum.pinned, more.pinned);
}

}  // namespace

Totals::Totals(const Sheet& sheet, std::size_t seats, const std::function<bool(std::size_t)>& is_alive) {
  std::vector<HandlerCounters> slots(most_handlers);
  for (std::size_t seat = 0; seat < seats; ++seat) {
    const Page page = sheet.page(seat);
    if (!page.child) continue;
    const bool lives = is_alive(seat);
    add_up(children, *page.child, lives);
    for (std::size_t i = 0; i < page.reactors; ++i) {
      const Column& column = page.columns[i];
      if (value(column.used) == 0) continue;  // untouched memory stays so
      add_up(in, column.in);
      add_up(out, column.out);
      add_up(out, column.out_by_threads);
      add_up(rounds, column.rounds);
      add_up(turns, column.turns);
      add_up(waits, column.waits);
      for (std::size_t slot = 0; slot < most_handlers; ++slot)
        if (value(column.handlers[slot].opened) != 0) add_up(slots[slot], column.handlers[slot], lives);
    }
  }
  for (std::size_t slot = 0; slot < most_handlers; ++slot)
    if (const auto name = sheet.name(slot); name && value(slots[slot].opened) != 0)
      add_up(handlers[{name->handler, name_of(name->way)}], slots[slot], true);
}

}  // namespace cppwebsocket::runtime
