// What the two probe handlers share. They do as the client tells them: in the handshake by the
// query ("refuse=418&noext=1"), later by commands ("close 4000 bye").
#pragma once

#include <cppwebsocket/request_properties.hpp>

#include <charconv>
#include <stdexcept>

namespace probe {
using namespace cppwebsocket;

// The value of `name` in a query, or none. No escapes but %20.
inline std::optional<std::string> parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    if (pair.substr(0, pair.find('=')) != name) continue;
    std::string value(pair.substr(std::min(name.size() + 1, pair.size())));
    for (std::size_t at; (at = value.find("%20")) != value.npos;) value.replace(at, 3, " ");
    return value;
  }
  return std::nullopt;
}

inline unsigned number(std::string_view text, unsigned otherwise = 0) {
  unsigned value = otherwise;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// Takes the first word off `text`.
inline std::string_view word(std::string_view& text) {
  const std::string_view first = text.substr(0, text.find(' '));
  text.remove_prefix(std::min(first.size() + 1, text.size()));
  return first;
}

[[noreturn]] inline void raise(std::string_view kind) {
  const std::string what = "probe raises " + std::string(kind);
  if (kind == "handshake") throw HandshakeException(418, what);
  if (kind == "aborted") throw AbortedByUserException(what);
  if (kind == "operation") throw BadOperationException(what);
  if (kind == "unsupported") throw UnsupportedFrameException(what);
  if (kind == "utf8") throw InvalidUTF8Exception(what);
  if (kind == "frame") throw InvalidFrameException(what);
  if (kind == "terminated") throw ConnectionTerminatedException(what);
  if (kind == "timeout") throw TimeoutException(what);
  if (kind == "int") throw 42;
  throw std::runtime_error(what);
}

inline std::string json_text(std::optional<std::string_view> text) {
  return text ? '"' + std::string(*text) + '"' : "null";
}

inline std::string properties(RequestProperties& request, bool in_handshake) {
  std::string protocols, extensions;
  for (const auto name : request.ws_requested_protocols())
    protocols += (protocols.empty() ? "" : ", ") + json_text(name);
  for (const auto& extension : request.ws_requested_extensions())
    extensions += (extensions.empty() ? "" : ", ") + json_text(extension.name);
  return "{\"phase\": " + json_text(in_handshake ? "handshake" : "open") +
         ", \"location\": " + json_text(request.ws_location()) +
         ", \"origin\": " + json_text(request.ws_origin()) +
         ", \"resource\": " + json_text(request.ws_resource()) +
         ", \"query\": " + json_text(request.ws_query()) +
         ", \"unparsed_uri\": " + json_text(request.unparsed_uri()) +
         ", \"version\": " + std::to_string(static_cast<int>(request.ws_version())) +
         ", \"protocol\": " + json_text(request.ws_protocol()) +
         ", \"requested_protocols\": [" + protocols + "]" +
         ", \"requested_extensions\": [" + extensions + "]" +
         ", \"extensions\": " + json_text(request.ws_extensions()) +
         ", \"deflate\": " + (request.ws_deflate() ? "true" : "false") +
         ", \"user\": " + json_text(request.user()) +
         ", \"remote\": " + json_text(request.remote_address()) +
         ", \"local\": " + json_text(request.local_address()) +
         ", \"https\": " + (request.is_https() ? "true" : "false") +
         ", \"id\": " + std::to_string(request.id()) +
         ", \"state\": " + std::to_string(static_cast<int>(request.ready_state())) +
         ", \"x_probe\": " + json_text(request.header("x-PROBE")) +
         ", \"env\": " + json_text(request.env("PROBE_ENV")) +
         ", \"max_message_size\": " + std::to_string(request.limits().max_message_size) +
         ", \"httpd_request\": " + (request.httpd_request() ? "true" : "false") + "}";
}

// web_socket_do_extra_handshake of both.
inline void handshake(RequestProperties& request) {
  request.log(LogLevel::info, "probe: extra handshake");
  const std::string_view query = request.ws_query();
  if (auto kind = parameter(query, "raise")) raise(*kind);
  if (auto status = parameter(query, "refuse"))
    throw HandshakeException(static_cast<int>(number(*status)), "probe refuses");
  if (parameter(query, "noext")) request.disable_ws_extensions();
  if (auto name = parameter(query, "protocol")) request.set_ws_protocol(*name);
  else if (parameter(query, "ignore_protocols")) {}
  else if (!request.ws_requested_protocols().empty()) request.decline_ws_protocols();
  if (auto value = parameter(query, "header")) {
    request.add_header("X-Probe-Answer", *value);
    request.add_header("X-Probe-Answer", "again");
  }
  if (auto name = parameter(query, "bad_header")) request.add_header(*name, "x");
  if (auto size = parameter(query, "limit_message")) request.limit_message_size(number(*size));
  if (auto ms = parameter(query, "limit_idle"))
    request.limit_idle_time(std::chrono::milliseconds(number(*ms)));
  if (auto ms = parameter(query, "limit_ping"))
    request.limit_ping_interval(std::chrono::milliseconds(number(*ms)));
  request.on_ping_handler([&request](std::string_view body) {
    request.log(LogLevel::info, "probe: ping " + std::string(body));
  });
  request.on_pong_handler([&request](std::string_view body) {
    request.log(LogLevel::info, "probe: pong " + std::string(body));
    if (body == "raise") raise("pong");
  });
  request.user_data() = properties(request, true);
}

// web_socket_passive_closing_handshake of both.
inline Close passive_close(RequestProperties& request) {
  request.log(LogLevel::info, "probe: passive closing handshake");
  const auto wanted = parameter(request.ws_query(), "passive");
  if (wanted == "empty") return Close();
  if (wanted == "raise") raise("passive");
  if (wanted) return Close(static_cast<CloseCode>(number(*wanted)), "passive");
  const CloseCode code = request.ws_close_code().value_or(0);
  return close_code::may_be_sent(code) ? Close(code) : Close();
}

inline std::string ending(const RequestProperties& request, std::string_view how) {
  return "probe: " + std::string(how) + " " + std::to_string(request.ws_close_code().value_or(0)) +
         " " + std::string(request.ws_close_reason());
}

}  // namespace probe
