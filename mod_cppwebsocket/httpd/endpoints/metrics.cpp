#include "httpd/endpoints/metrics.hpp"

#include "httpd/child/shared_channels.hpp"
#include "httpd/log.hpp"
#include "httpd/module.hpp"
#include "httpd/pool.hpp"
#include "httpd/request/answer.hpp"
#include "runtime/counters/exposition.hpp"
#include "runtime/counters/totals.hpp"

#include <http_protocol.h>

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>

namespace cppwebsocket::httpd {

namespace {

using namespace runtime;
using channels::ChannelMemory;
using Type = Exposition::Type;

void show_handlers(Exposition& to, const Totals& sum) {
  const auto family = [&](const char* name, Type type, const char* help, Count HandlerCounters::*count) {
    to.family(name, type, help);
    for (const auto& [key, counters] : sum.handlers)
      to.sample({{"handler", key.first}, {"way", key.second}}, value(counters.*count));
  };
  const auto both_ways = [&](const char* name, const char* help, Count HandlerCounters::*in, Count HandlerCounters::*out) {
    to.family(name, Type::counter, help);
    for (const auto& [key, counters] : sum.handlers) {
      to.sample({{"handler", key.first}, {"way", key.second}, {"direction", "in"}}, value(counters.*in));
      to.sample({{"handler", key.first}, {"way", key.second}, {"direction", "out"}}, value(counters.*out));
    }
  };
  using H = HandlerCounters;
  family("cppwebsocket_connections", Type::gauge, "Connections that are open now, event streams included.", &H::open);
  family("cppwebsocket_connections_opened", Type::counter, "Connections that were opened.", &H::opened);
  to.family("cppwebsocket_connections_closed", Type::counter,
            "Connections that have ended, by the close code of whoever began it. 1006: cut. 3000 and 4000: their thousand.");
  for (const auto& [key, counters] : sum.handlers)
    for (std::size_t i = 0; i < counted_codes.size(); ++i)
      if (value(counters.closed[i]) != 0)
        to.sample({{"handler", key.first}, {"way", key.second}, {"code", std::to_string(counted_codes[i])}},
                  value(counters.closed[i]));
  family("cppwebsocket_connection_seconds", Type::counter, "How long the connections that have ended were open.", &H::seconds);
  both_ways("cppwebsocket_messages", "Messages that handlers received and sent.", &H::messages_in, &H::messages_out);
  both_ways("cppwebsocket_payload_bytes", "Bytes in them, as handlers have them.", &H::bytes_in, &H::bytes_out);
  family("cppwebsocket_handler_exceptions", Type::counter, "Exceptions that escaped handlers.", &H::exceptions);
  family("cppwebsocket_messages_dropped", Type::counter, "Messages that slow members of channels did not get.", &H::dropped);
}

constexpr const char* hook_answers[] = {"yes", "no", "none"};

void show_children(Exposition& to, const Totals& sum) {
  to.family("cppwebsocket_handshakes_refused", Type::counter, "Opening handshakes that were refused, by the reason.");
  for (std::size_t i = 0; i < refusals.size(); ++i)
    to.sample({{"reason", refusals[i]}}, value(sum.children.refused[i]));
  to.family("cppwebsocket_network_bytes", Type::counter, "Bytes from and to clients, frames included; of TLS, inside of it.");
  to.sample({{"direction", "in"}}, value(sum.in));
  to.sample({{"direction", "out"}}, value(sum.out));
  to.family("cppwebsocket_log_lines", Type::counter, "Lines for WebSocketLog.");
  to.sample({}, value(sum.children.log_lines));
  to.family("cppwebsocket_log_lines_lost", Type::counter, "Lines that a child could not pass on.");
  to.sample({}, value(sum.children.log_lines_lost));
  to.family("cppwebsocket_stalls", Type::counter, "Times that a handler held up an event thread (WebSocketStallWarning).");
  to.sample({}, value(sum.children.stalls));
  to.family("cppwebsocket_pinned_bytes", Type::gauge, "What connections have unsent, unread or incomplete (WebSocketMemory).");
  to.sample({}, value(sum.children.pinned));
  to.family("cppwebsocket_connections_slowed", Type::counter, "Times that one was not read from, on account of that.");
  to.sample({}, value(sum.children.slowed));
  to.family("cppwebsocket_connections_closed_for_memory", Type::counter, "Connections that were closed on account of it.");
  to.sample({}, value(sum.children.closed_for_memory));
  to.family("cppwebsocket_hook_requests", Type::counter, "Questions to applications (WebSocketHook), by their answers.");
  for (std::size_t i = 0; i < sum.children.hook_answers.size(); ++i)
    to.sample({{"answer", hook_answers[i]}}, value(sum.children.hook_answers[i]));
  to.family("cppwebsocket_hook_events_lost", Type::counter, "Events that an application could not be told of.");
  to.sample({}, value(sum.children.hook_events_lost));
  const auto times = [&](const char* name, const char* help, const TimeHistogram& which) {
    to.family(name, Type::histogram, help);
    to.histogram(which);
  };
  times("cppwebsocket_handshake_seconds", "From a request's head to the answer of the opening handshake.",
        sum.children.handshakes);
  times("cppwebsocket_hook_seconds", "How long an application's answer took.", sum.children.hooks);
  times("cppwebsocket_reactor_round_seconds",
        "How long an event thread was busy before it looked for new events: one round in 16.", sum.rounds);
  times("cppwebsocket_turn_seconds", "How long one connection's turn took, in those rounds.", sum.turns);
  times("cppwebsocket_output_wait_seconds", "How long output waited for a client to take it, where it had to.", sum.waits);
}

void show_seats(Exposition& to, const ChannelMemory& memory) {
  std::uint64_t serving = 0, draining = 0;
  std::set<std::uint64_t> generations;
  for (unsigned i = 0; i < memory.used_seats(); ++i) {
    const auto& seat = memory.seat(i);
    if (static_cast<std::uint32_t>(seat.owner) == 0) continue;
    ++(seat.leaving == 1 ? draining : serving);
    if (seat.leaving == 1) generations.insert(seat.generation);
  }
  to.family("cppwebsocket_children", Type::gauge, "Processes of httpd that serve WebSockets, and those that drain.");
  to.sample({{"state", "serving"}}, serving);
  to.sample({{"state", "draining"}}, draining);
  to.family("cppwebsocket_generations_draining", Type::gauge, "Generations of children that a restart has left to drain.");
  to.sample({}, std::uint64_t{generations.size()});
}

// What NamedCounters are called here: their names are mod_status's.
struct ChannelFamily {
  channels::Counter channels::ChildCounters::*counter;
  const char* name;
  Type type;
  const char* help;
};
using C = channels::ChildCounters;
constexpr ChannelFamily channel_families[] = {
    {&C::memberships, "cppwebsocket_memberships", Type::gauge, "Connections in channels, once for each channel."},
    {&C::published, "cppwebsocket_published_messages", Type::counter, "Messages that were published here."},
    {&C::delivered, "cppwebsocket_delivered_messages", Type::counter, "Messages to members of channels."},
    {&C::closed_slow, "cppwebsocket_slow_members_closed", Type::counter, "Members that were closed with 1013."},
    {&C::gaps, "cppwebsocket_gaps", Type::counter, "Times that an event thread could not keep up with a channel."},
    {&C::used, "cppwebsocket_backplane_links", Type::gauge, "Children that have a backplane."},
    {&C::up, "cppwebsocket_backplane_links_up", Type::gauge, "Children whose link to it works."},
    {&C::queued, "cppwebsocket_backplane_waiting_messages", Type::gauge, "Messages that wait for it."},
    {&C::times_down, "cppwebsocket_backplane_failures", Type::counter, "Times that a link was lost."},
    {&C::sent, "cppwebsocket_backplane_sent_messages", Type::counter, "Messages to other machines."},
    {&C::received, "cppwebsocket_backplane_received_messages", Type::counter, "Messages from the backplane."},
    {&C::lost, "cppwebsocket_backplane_lost_messages", Type::counter, "Messages that did not reach other machines."},
    {&C::repaired, "cppwebsocket_backplane_repaired_messages", Type::counter, "Messages that were fetched later."},
};

void show_channels(Exposition& to, const ChannelMemory& memory) {
  for (const ChannelFamily& each : channel_families) {
    to.family(each.name, each.type, each.help);
    to.sample({}, memory.sum(each.counter));
  }
  to.family("cppwebsocket_channels", Type::gauge, "Channels in memory.");
  to.sample({}, memory.header().channels.load());
  to.family("cppwebsocket_channels_forgotten", Type::counter, "Channels that were forgotten for want of room.");
  to.sample({}, memory.header().evicted.load());
  to.family("cppwebsocket_channel_messages_refused", Type::counter, "Messages for which there was no room.");
  to.sample({}, memory.header().refused.load());
  to.family("cppwebsocket_shared_memory_bytes", Type::gauge, "Memory that all children share, by its purpose.");
  to.sample({{"purpose", "channels"}}, std::uint64_t{memory.bytes()});
  to.sample({{"purpose", "counters"}}, std::uint64_t{Sheet::bytes(counters()->seats(), counters()->reactors())});
}

}  // namespace

int serve_metrics(request_rec* r) {
  r->allowed |= AP_METHOD_BIT << M_GET;
  if (r->method_number != M_GET) return HTTP_METHOD_NOT_ALLOWED;
  ChannelMemory* const memory = channel_memory();
  if (!memory || !counters()) return HTTP_SERVICE_UNAVAILABLE;
  memory->look_for_the_dead();
  const Exposition::Format format = Exposition::format_for(view(apr_table_get(r->headers_in, "Accept")));
  Exposition to(format);
  to.family("cppwebsocket_build_info", Type::gauge, "1, of this version of the module.");
  to.sample({{"version", CPPWEBSOCKET_VERSION}}, std::uint64_t{1});
  const auto sum = totals_of_children(*memory);
  show_seats(to, *memory);
  show_handlers(to, *sum);
  show_children(to, *sum);
  show_channels(to, *memory);
  const std::string text = std::move(to).finish();
  ap_set_content_type(r, Exposition::media_type(format));
  apr_table_setn(r->headers_out, "Cache-Control", "no-store");
  apr_table_mergen(r->headers_out, "Vary", "Accept");
  ap_set_content_length(r, static_cast<apr_off_t>(text.size()));
  if (!r->header_only) ap_rwrite(text.data(), static_cast<int>(text.size()), r);
  return OK;
}

}  // namespace cppwebsocket::httpd
