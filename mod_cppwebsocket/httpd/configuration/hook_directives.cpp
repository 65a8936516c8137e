// Which application is asked and told, by HTTP (WebSocketHook).
#include "channels/hooks/http_client.hpp"
#include "httpd/configuration/directive.hpp"
#include "httpd/configuration/files.hpp"
#include "httpd/pool.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace cppwebsocket::httpd {

namespace {

constexpr std::size_t shortest_hook_secret = 16, longest_hook_secret = 1024;  // bytes
constexpr std::chrono::milliseconds longest_hook_time = std::chrono::minutes(1);

constexpr std::array<std::string_view, hook_events> events = {"connect", "disconnect", "subscribe", "publish", "message"};

// timeout=TIME and open, in any order. What is wrong with it; null: nothing.
const char* read_option(cmd_parms* command, HookEvent event, HookTarget& target, const char* option) {
  const std::string_view text = option;
  if (equal_ignoring_case(text, "open")) {
    target.open = true;
    if (event == HookEvent::connect || event == HookEvent::subscribe || event == HookEvent::publish) return nullptr;
    return wrong(command, "open with connect, subscribe and publish only", option);
  }
  const auto time = text.starts_with("timeout=") ? parse_time(option + 8) : std::nullopt;
  if (!time || time->count() < 1 || *time > longest_hook_time)
    return wrong(command, "behind the URL timeout=TIME, from 1ms to 1min, and open", option);
  target.time = *time;
  return nullptr;
}

const char* hook(cmd_parms* command, void* config, int count, char* const arguments[]) {
  constexpr const char* accepted = "connect, disconnect, subscribe, publish or message, then a URL or None";
  if (count < 2) return wrong(command, accepted, count == 0 ? "" : arguments[0]);
  const auto* const found = std::ranges::find_if(
      events, [&](std::string_view each) { return equal_ignoring_case(each, arguments[0]); });
  if (found == events.end()) return wrong(command, accepted, arguments[0]);
  const auto event = static_cast<HookEvent>(found - events.begin());
  HookTarget target;
  if (equal_ignoring_case(arguments[1], "none")) {
    if (count > 2) return wrong(command, "nothing behind None", arguments[2]);
  } else {
    if (const char* why = channels::why_no_hook_url(arguments[1]))
      return apr_pstrcat(command->pool, command->cmd->name, ": \"", arguments[1], "\" is no URL of an application: ", why, nullptr);
    target.url = arguments[1];
    for (int i = 2; i < count; ++i)
      if (const char* problem = read_option(command, event, target, arguments[i])) return problem;
    if (const std::string problem = channels::why_no_http_client(); !problem.empty())
      return apr_pstrcat(command->pool, command->cmd->name, ": ", problem.c_str(), nullptr);
    config_of(command->server).child.has_hooks = true;
  }
  httpd::target<DirectoryConfig>(command, config).hooks[static_cast<std::size_t>(event)] = target;
  return nullptr;
}

const char* hook_secret(cmd_parms* command, void* config, const char* argument) {
  auto& secret = target<DirectoryConfig>(command, config).hook_secret;
  secret = nullptr;
  if (equal_ignoring_case(argument, "none")) return nullptr;
  const char* path = ap_server_root_relative(command->pool, argument);
  std::ifstream file(path ? path : argument);
  if (!file.is_open()) fail_to_read(argument);
  std::string line;
  std::getline(file, line);
  if (line.ends_with('\r')) line.pop_back();
  if (line.size() < shortest_hook_secret || line.size() > longest_hook_secret || line.find('\0') != line.npos)
    throw std::runtime_error(std::string(argument) + " has no secret as its first line (16 to 1024 bytes)");
  secret = c_string_in(command->pool, line);
  return nullptr;
}

const char* hook_ca_certificate_file(cmd_parms* command, void* config, const char* argument) {
  target<DirectoryConfig>(command, config).hook_authorities =
      equal_ignoring_case(argument, "system") ? nullptr : c_string_in(command->pool, read_pem(command, argument));
  return nullptr;
}

}  // namespace

Rows hook_directives() {
  static const command_rec rows[] = {
      take_list<hook>("WebSocketHook", section,
                      "connect, disconnect, subscribe, publish or message, and the http://, https:// or unix: URL of the "
                      "application that is asked or told, or None; timeout=TIME (default 3s); open: let in where it does "
                      "not answer"),
      take1<hook_secret>("WebSocketHookSecret", section,
                         "The file with the secret that signs what is sent to applications, or None (default None)"),
      take1<hook_ca_certificate_file>("WebSocketHookCACertificateFile", section,
                                      "Who may have issued the certificate of an https:// application: a PEM file, or "
                                      "System (default System)"),
  };
  return rows;
}

}  // namespace cppwebsocket::httpd
