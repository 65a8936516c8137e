// What the status says: what each child has answered, and what all count in memory that they share, those included that
// are gone or do not answer.
#include "httpd/endpoints/administration.hpp"

#include "channels/members/hub.hpp"
#include "httpd/child/child.hpp"
#include "httpd/child/json_line.hpp"
#include "httpd/child/shared_channels.hpp"
#include "httpd/endpoints/asked_children.hpp"
#include "httpd/module.hpp"
#include "runtime/counters/totals.hpp"

#include <apr_time.h>
#include <scoreboard.h>

#include <cstdio>
#include <set>
#include <string>

#include <unistd.h>

namespace cppwebsocket::httpd {

namespace {

using channels::NamedCounter;
using runtime::Sheet;

// "closed_slow" of "ClosedSlow".
std::string in_small_letters(std::string_view name) {
  std::string small;
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z' && !small.empty()) small.push_back('_');
    small.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c);
  }
  return small;
}

std::string all_counters() {
  JsonLine line;
  channels::for_each_counter([&](const NamedCounter& each) {
    line.number(in_small_letters(each.name), channel_memory()->sum(each.counter));
  });
  return line.end();
}

std::string all_handlers(const runtime::Totals& totals) {
  std::string json = "[";
  for (const auto& [key, sum] : totals.handlers) {
    JsonLine line;
    line.number("open", sum.open).number("opened", sum.opened).number("messages_in", sum.messages_in);
    line.number("messages_out", sum.messages_out).number("bytes_in", sum.bytes_in).number("bytes_out", sum.bytes_out);
    line.number("exceptions", sum.exceptions).number("dropped", sum.dropped);
    json.append(json.size() > 1 ? ",\n" : "").append(line.text("handler", key.first).text("way", key.second).end());
  }
  return json.append("]");
}

std::string all_refused(const runtime::Totals& totals) {
  JsonLine line;
  for (std::size_t why = 0; why < runtime::refusals.size(); ++why)
    line.number(runtime::refusals[why], totals.children.refused[why]);
  return line.end();
}

// What is open in one child.
std::string handlers_in(unsigned seat) {
  std::string json = "[";
  const Sheet* const sheet = counters();
  const runtime::Page page = sheet->page(seat);
  for (std::size_t slot = 0; slot < runtime::most_handlers; ++slot) {
    std::uint64_t open = 0;
    for (std::size_t i = 0; i < page.reactors; ++i) open += page.columns[i].handlers[slot].open;
    const auto name = sheet->name(slot);
    if (open == 0 || !name) continue;
    JsonLine line;
    line.number("open", open).text("handler", name->handler).text("way", runtime::name_of(name->way));
    json.append(json.size() > 1 ? ",\n" : "").append(line.end());
  }
  return json.append("]");
}

std::string reactors_of(const AskedChild& asked) {
  std::string json = "[";
  const Sheet* const sheet = counters();
  for (std::size_t i = 0; i < asked.rows.size(); ++i) {
    const auto* const lag = find(asked.rows[i].members, "lag_us");
    JsonLine line;
    line.number("reactor", i);
    const bool is_known = lag && lag->kind == protocol::JsonValue::Kind::number;
    line.json("lag_us", is_known ? std::to_string(number_in(asked.rows[i].members, "lag_us")) : "null");
    if (sheet && asked.seat && i < sheet->reactors()) {
      std::uint64_t open = 0;
      for (const runtime::HandlerCounters& each : sheet->page(*asked.seat).columns[i].handlers) open += each.open;
      line.number("connections", open);
    }
    json.append(i == 0 ? "" : ",").append(line.end());
  }
  return json.append("]");
}

struct Generations {
  std::uint64_t running = static_cast<std::uint64_t>(ap_get_scoreboard_global()->running_generation);
  std::set<std::uint64_t> draining;
};

// In the seat is the generation and 1; 0: it is not noted yet.
bool is_draining(const channels::shared::Seat& seat, Generations& generations) {
  const std::uint64_t noted = seat.generation;
  const bool drains = seat.leaving != 0 || (noted != 0 && noted - 1 != generations.running);
  if (drains) generations.draining.insert(noted);
  return drains;
}

std::string child_json(const AskedChild& asked, Generations& generations) {
  JsonLine line;
  line.number("child", static_cast<std::uint64_t>(asked.pid)).flag("answered", asked.why.empty());
  if (asked.seat) {
    const channels::shared::Seat& seat = channel_memory()->seat(*asked.seat);
    const std::uint64_t noted = seat.generation;
    line.number("generation", noted == 0 ? 0 : noted - 1).flag("draining", is_draining(seat, generations));
    line.number("connections", seat.counters.connections).number("memberships", seat.counters.memberships);
    line.number("published", seat.counters.published).number("delivered", seat.counters.delivered);
    line.json("handlers", handlers_in(*asked.seat));
  } else {
    line.number("connections", asked.number("connections"));
  }
  return line.json("reactors", reactors_of(asked)).end();
}

}  // namespace

std::string status_json(Child& child, const std::vector<AskedChild>& asked) {
  Generations generations;
  std::string children = "[";
  std::size_t draining = 0;
  for (const AskedChild& each : asked) {
    children.append(children.size() > 1 ? ",\n" : "\n").append(child_json(each, generations));
    if (each.seat) draining += is_draining(channel_memory()->seat(*each.seat), generations);
  }
  JsonLine line;
  line.number("time_us", static_cast<std::uint64_t>(apr_time_now())).text("version", CPPWEBSOCKET_VERSION);
  line.number("answered_by", static_cast<std::uint64_t>(::getpid())).number("generation", generations.running);
  line.number("draining_children", draining).number("draining_generations", generations.draining.size());
  const auto totals = totals_of_children(*channel_memory());
  line.json("children", children.append("]")).json("totals", all_counters()).json("refused", all_refused(*totals));
  line.json("handlers", all_handlers(*totals)).json("unanswered", unanswered(asked));
  if (&child.hub().store().memory() != channel_memory())
    line.text("note", "This child has no seat among the others (CWS0036), and tells of itself only.");
  return line.end().append("\n");
}

std::string status_table(const std::vector<AskedChild>& asked) {
  Generations generations;
  std::string table = "child\tgeneration\tdraining\tconnections\tmemberships\tpublished\tdelivered\tlag_ms\tanswered\n";
  for (const AskedChild& each : asked) {
    std::string row = std::to_string(each.pid);
    if (each.seat) {
      const channels::shared::Seat& seat = channel_memory()->seat(*each.seat);
      row.append("\t").append(std::to_string(seat.generation == 0 ? 0 : seat.generation - 1));
      row.append(is_draining(seat, generations) ? "\tyes" : "\tno");
      for (const auto* counter : {&seat.counters.connections, &seat.counters.memberships, &seat.counters.published, &seat.counters.delivered})
        row.append("\t").append(std::to_string(counter->load()));
    } else {
      row.append("\t-\t-\t").append(std::to_string(each.number("connections"))).append("\t-\t-\t-");
    }
    std::string lag;
    for (const AskedChild::Row& reactor : each.rows) {
      const auto* const value = find(reactor.members, "lag_us");
      const bool is_known = value && value->kind == protocol::JsonValue::Kind::number;
      char text[32] = "late";
      if (is_known) std::snprintf(text, sizeof text, "%.1f", static_cast<double>(number_in(reactor.members, "lag_us")) / 1000);
      lag.append(lag.empty() ? "" : ",").append(text);
    }
    table.append(row).append("\t").append(lag.empty() ? "-" : lag).append("\t").append(each.why.empty() ? "yes" : each.why).append("\n");
  }
  return table;
}

}  // namespace cppwebsocket::httpd
