#include "httpd/endpoints/status.hpp"

#include "httpd/child/shared_channels.hpp"

#include <apr_optional_hooks.h>
#include <http_protocol.h>
#include <httpd.h>
#include <mod_status.h>

#include <cstdint>
#include <new>
#include <span>
#include <vector>

#include <sys/types.h>

namespace cppwebsocket::httpd {

namespace {

using namespace channels;

unsigned long number(std::uint64_t value) noexcept { return static_cast<unsigned long>(value); }

struct MemoryCounter {
  shared::Word shared::Header::*counter;
  const char* name;
  const char* title;
};

constexpr MemoryCounter counters_of_memory[] = {
    {&shared::Header::channels, "Channels", "channels in memory"},
    {&shared::Header::evicted, "ChannelsForgotten", "forgotten for want of room"},
    {&shared::Header::refused, "NoRoom", "messages without room"},
    {&shared::Header::overtaken, "ReadersOvertaken", "times that a child was too slow"},
};

// What there is of all connections, whatever handler they have.
struct Sums {
  const char* name;
  const char* title;
  std::uint64_t value;
};
std::vector<Sums> sums_of_connections(const ChannelMemory& memory) {
  const auto totals = totals_of_children(memory);
  std::uint64_t opened = 0, in = 0, out = 0, bytes_in = 0, bytes_out = 0, exceptions = 0, refused = 0;
  for (const auto& [key, handler] : totals->handlers) {
    opened += handler.opened;
    in += handler.messages_in;
    out += handler.messages_out;
    bytes_in += handler.bytes_in;
    bytes_out += handler.bytes_out;
    exceptions += handler.exceptions;
  }
  for (const auto& each : totals->children.refused) refused += each;
  return {{"Opened", "connections opened", opened},
          {"Refused", "handshakes refused", refused},
          {"MessagesIn", "messages received", in},
          {"MessagesOut", "messages sent", out},
          {"BytesIn", "bytes in them, received", bytes_in},
          {"BytesOut", "sent", bytes_out},
          {"Exceptions", "exceptions of handlers", exceptions}};
}

void show_lines(request_rec* r, const ChannelMemory& memory) {
  for (const Sums& each : sums_of_connections(memory))
    ap_rprintf(r, "WebSocket%s: %lu\n", each.name, number(each.value));
  for_each_counter([&](const NamedCounter& each) {
    ap_rprintf(r, "WebSocket%s: %lu\n", each.name, number(memory.sum(each.counter)));
  });
  for (const MemoryCounter& each : counters_of_memory)
    ap_rprintf(r, "WebSocket%s: %lu\n", each.name, number(memory.header().*each.counter));
}

void show_table(request_rec* r, const ChannelMemory& memory,
                std::span<const NamedCounter> columns) noexcept {
  ap_rputs("<table rules=\"all\" cellpadding=\"4\">\n<tr><th>PID</th>", r);
  for (const NamedCounter& each : columns) ap_rprintf(r, "<th>%s</th>", each.title);
  ap_rputs("</tr>\n", r);
  for (unsigned i = 0; i < memory.used_seats(); ++i) {
    const shared::Seat& seat = memory.seat(i);
    const auto pid = static_cast<std::uint32_t>(seat.owner);
    if (pid == 0) continue;
    ap_rprintf(r, "<tr><td>%u</td>", pid);
    for (const NamedCounter& each : columns)
      ap_rprintf(r, "<td>%lu</td>", number(seat.counters.*each.counter));
    ap_rputs("</tr>\n", r);
  }
  ap_rputs("<tr><td>all, with ended ones</td>", r);
  for (const NamedCounter& each : columns) ap_rprintf(r, "<td>%lu</td>", number(memory.sum(each.counter)));
  ap_rputs("</tr>\n</table>\n", r);
}

void show_tables(request_rec* r, const ChannelMemory& memory) {
  ap_rputs("<hr />\n<h2>WebSockets</h2>\n", r);
  show_table(r, memory, counters_of_children);
  if (memory.sum(counters_of_uplinks[0].counter) != 0) {
    ap_rputs("<h3>Backplane</h3>\n", r);
    show_table(r, memory, counters_of_uplinks);
  }
  ap_rputs("<dl>", r);
  for (const Sums& each : sums_of_connections(memory))
    ap_rprintf(r, "<dt>%s: %lu</dt>\n", each.title, number(each.value));
  for (const MemoryCounter& each : counters_of_memory)
    ap_rprintf(r, "<dt>%s: %lu</dt>\n", each.title, number(memory.header().*each.counter));
  ap_rputs("</dl>\n", r);
}

int show_status(request_rec* r, int flags) noexcept try {
  ChannelMemory* const memory = channel_memory();
  if (!memory || !counters()) return DECLINED;
  memory->look_for_the_dead();
  if (flags & AP_STATUS_SHORT) {
    show_lines(r, *memory);
  } else if (flags & AP_STATUS_NOTABLE) {
    ap_rputs("<hr />\n<h2>WebSockets</h2>\n<pre>\n", r);
    show_lines(r, *memory);
    ap_rputs("</pre>\n", r);
  } else {
    show_tables(r, *memory);
  }
  return OK;
} catch (const std::bad_alloc&) {
  return DECLINED;
}

}  // namespace

void register_status() noexcept {
  APR_OPTIONAL_HOOK(ap, status_hook, show_status, nullptr, nullptr, APR_HOOK_MIDDLE);
}

}  // namespace cppwebsocket::httpd
