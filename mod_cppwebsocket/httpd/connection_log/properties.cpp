#include "httpd/connection_log/properties.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <functional>
#include <iterator>
#include <optional>
#include <utility>

#include <unistd.h>

namespace cppwebsocket::httpd {

namespace {

using detail::Text;
using runtime::Connection;

std::string seconds_of(std::chrono::nanoseconds time) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", std::chrono::duration<double>(time).count());
  return text;
}

std::string utc(std::chrono::system_clock::time_point when) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(when);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[40];
  const auto size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(when.time_since_epoch()).count() % 1000;
  std::snprintf(text + size, sizeof text - size, ".%03dZ", static_cast<int>(ms));
  return text;
}

const char* wire_format_of(const Connection& connection) noexcept {
  constexpr const char* names[] = {"rfc6455", "draft76", "draft75", "event_stream"};
  return names[static_cast<unsigned>(connection.record().version) & 3];
}

const char* by_of(const Connection& connection) noexcept {
  constexpr const char* names[] = {"nobody", "client", "handler", "server"};
  return names[static_cast<unsigned>(connection.ending().by()) & 3];
}

// Payload for a byte of the network's, both ways.
std::string ratio_of(Connection& connection) {
  const auto carried = connection.wire().carried();
  if (!connection.record().deflate || !carried || carried->in + carried->out == 0) return {};
  const runtime::Tally& tally = connection.wire().tally();
  char text[32];
  std::snprintf(text, sizeof text, "%.2f",
                static_cast<double>(tally.bytes_in + tally.bytes_out) / static_cast<double>(carried->in + carried->out));
  return text;
}

std::chrono::nanoseconds longest_wait_of(const Connection& connection) {
  const auto& seldom = connection.record().seldom;
  return std::max(connection.wire().waited(), seldom ? seldom->longest_wait : std::chrono::nanoseconds(0));
}

struct Named {
  std::string_view name;
  bool is_number;
  std::string (*value)(const EndedConnection&);
};

std::string text_of(const EndedConnection& ended, Text which) { return std::string(ended.connection.record().text(which)); }
const runtime::Tally& tally_of(const EndedConnection& ended) { return ended.connection.wire().tally(); }
std::string wire_of(const EndedConnection& ended, std::uint64_t runtime::Carried::*which) {
  const auto carried = ended.connection.wire().carried();
  return carried ? std::to_string((*carried).*which) : std::string();
}

using Ended = const EndedConnection&;
constexpr Named all[] = {
    {"time", false, [](Ended ended) { return utc(ended.now); }},
    {"begin", false, [](Ended ended) { return utc(begin_of(ended)); }},
    {"duration", true, [](Ended ended) { return seconds_of(duration_of(ended)); }},
    {"host", false, [](Ended ended) { return std::string(ended.host); }},
    {"port", true, [](Ended ended) { return std::to_string(ended.port); }},
    {"address", false, [](Ended ended) { return text_of(ended, Text::remote_address); }},
    {"user", false, [](Ended ended) { return text_of(ended, Text::user); }},
    {"target", false, [](Ended ended) { return text_of(ended, Text::unparsed_uri); }},
    {"origin", false, [](Ended ended) { return text_of(ended, Text::origin); }},
    {"handler", false, [](Ended ended) { return ended.connection.handler().name(); }},
    {"handler_version", false, [](Ended ended) { return ended.connection.handler().version(); }},
    {"resource", false, [](Ended ended) { return text_of(ended, Text::resource); }},
    {"pid", true, [](Ended) { return std::to_string(::getpid()); }},
    {"id", true, [](Ended ended) { return std::to_string(ended.connection.record().id); }},
    {"version", false, [](Ended ended) { return std::string(wire_format_of(ended.connection)); }},
    {"way", false,
     [](Ended ended) { return std::string(name_of(static_cast<runtime::Way>(ended.connection.record().way))); }},
    {"protocol", false, [](Ended ended) { return text_of(ended, Text::protocol); }},
    {"extensions", false, [](Ended ended) { return text_of(ended, Text::extensions); }},
    {"messages_in", true, [](Ended ended) { return std::to_string(tally_of(ended).messages_in); }},
    {"messages_out", true, [](Ended ended) { return std::to_string(tally_of(ended).messages_out); }},
    {"bytes_in", true, [](Ended ended) { return std::to_string(tally_of(ended).bytes_in); }},
    {"bytes_out", true, [](Ended ended) { return std::to_string(tally_of(ended).bytes_out); }},
    {"wire_in", true, [](Ended ended) { return wire_of(ended, &runtime::Carried::in); }},
    {"wire_out", true, [](Ended ended) { return wire_of(ended, &runtime::Carried::out); }},
    {"ratio", true, [](Ended ended) { return ratio_of(ended.connection); }},
    {"longest_wait", true, [](Ended ended) { return seconds_of(longest_wait_of(ended.connection)); }},
    {"dropped", true,
     [](Ended ended) {
       const auto& seldom = ended.connection.record().seldom;
       return std::to_string(seldom ? seldom->dropped : 0);
     }},
    {"close_code", true, [](Ended ended) { return std::to_string(ended.connection.ending().code()); }},
    {"close_reason", false, [](Ended ended) { return std::string(ended.connection.ws_close_reason()); }},
    {"closed_by", false, [](Ended ended) { return std::string(by_of(ended.connection)); }},
};

}  // namespace

const std::vector<std::string_view>& LogFormat::names() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> made;
    for (const Named& each : all) made.push_back(each.name);
    return made;
  }();
  return names;
}

Property property_of(std::string_view name, const EndedConnection& ended) {
  const auto found = std::ranges::find(all, name, &Named::name);
  if (found == std::end(all)) return {};
  return {found->value(ended), found->is_number};
}

std::chrono::nanoseconds duration_of(const EndedConnection& ended) {
  return tally_of(ended).age(ended.connection.loop().now());
}

std::chrono::system_clock::time_point begin_of(const EndedConnection& ended) {
  return ended.now - std::chrono::duration_cast<std::chrono::system_clock::duration>(duration_of(ended));
}

}  // namespace cppwebsocket::httpd
