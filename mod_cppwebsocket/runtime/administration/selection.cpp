#include "runtime/administration/selection.hpp"

#include <algorithm>

#include "protocol/opening/header_fields.hpp"

namespace cppwebsocket::runtime {

namespace {

using detail::Text;

constexpr std::size_t longest_text = 512;  // bytes that are told of a text which the client chose

bool is_handler(std::string_view name, std::string_view wanted) noexcept {
  constexpr std::string_view ending = "_wsh.so";
  return name == wanted || (name.ends_with(ending) && name.substr(0, name.size() - ending.size()) == wanted);
}

bool contains(std::string_view text, std::string_view part) noexcept {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::search(text.begin(), text.end(), part.begin(), part.end(),
                     [&](char a, char b) { return lower(a) == lower(b); }) != text.end();
}

bool is_member(const Connection& connection, std::string_view channel) noexcept {
  bool found = false;
  connection.wire().guests().for_each([&](const SessionGuest& guest) { found |= guest.channel_name() == channel; });
  return found;
}

std::string_view name_of(Version version) noexcept {
  switch (version) {
    case Version::rfc6455:
      return "websocket";
    case Version::draft76:
      return "draft-76";
    case Version::draft75:
      return "draft-75";
    case Version::event_stream:
      break;
  }
  return "event-stream";
}

std::string shortened(std::string_view text) { return std::string(text.substr(0, longest_text)); }

}  // namespace

std::string_view without_port(std::string_view address) noexcept {
  const std::size_t end = address.rfind(':');
  if (end == address.npos) return address;
  address = address.substr(0, end);
  return address.starts_with('[') && address.ends_with(']') ? address.substr(1, address.size() - 2) : address;
}

bool Selection::has(const Connection& connection) const {
  const detail::RequestRecord& record = connection.record();
  if (id && record.id != *id) return false;
  if (user && record.text(Text::user) != *user) return false;
  if (address && without_port(record.text(Text::remote_address)) != *address) return false;
  if (handler && !is_handler(connection.handler().name(), *handler)) return false;
  if (channel && !is_member(connection, *channel)) return false;
  return part.empty() || contains(record.text(Text::user), part) || contains(record.text(Text::remote_address), part) ||
         contains(connection.handler().name(), part) || contains(record.text(Text::resource), part);
}

Sight sight_of(const Connection& connection) {
  const detail::RequestRecord& record = connection.record();
  const Tally& tally = connection.wire().tally();
  Sight sight;
  sight.id = record.id;
  sight.user = shortened(record.text(Text::user));
  sight.address = shortened(record.text(Text::remote_address));
  sight.handler = connection.handler().name();
  sight.resource = shortened(record.text(Text::resource));
  sight.way = name_of(static_cast<Way>(record.way));
  sight.version = name_of(record.version);
  sight.is_open = connection.ending().is_open();
  sight.age = std::chrono::duration_cast<std::chrono::seconds>(tally.age(connection.loop().now()));
  sight.messages_in = tally.messages_in;
  sight.messages_out = tally.messages_out;
  sight.bytes_in = tally.bytes_in;
  sight.bytes_out = tally.bytes_out;
  sight.unsent = connection.wire().unsent();
  connection.wire().guests().for_each([&](const SessionGuest& guest) {
    const std::string_view name = guest.channel_name();
    if (name.empty()) return;
    ++sight.memberships;
    if (sight.channels.size() < Sight::most_channels) sight.channels.emplace_back(name);
  });
  return sight;
}

}  // namespace cppwebsocket::runtime
