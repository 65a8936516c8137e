// What a row in the table of directives is made of. Each directive checks its arguments completely,
// so that `httpd -t` finds every mistake, and an error names what is accepted.
#pragma once

#include "httpd/configuration/config.hpp"
#include "httpd/configuration/values.hpp"
#include "httpd/module.hpp"

#include <apr_strings.h>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <exception>
#include <span>
#include <string_view>

namespace cppwebsocket::httpd {

inline constexpr std::uint64_t most_bytes = 1ULL << 30;
inline constexpr std::chrono::milliseconds longest_time = std::chrono::hours(1000);

// "WebSocketX takes <accepted>, not "<given>""
const char* wrong(cmd_parms* command, const char* accepted, const char* given);

// --- where a directive may stand, and what it then sets ----------------------------------------

struct Scope {
  int where;         // httpd's req_override
  bool global_only;  // refused inside <VirtualHost> and its like
};
inline constexpr Scope global{RSRC_CONF, true};
inline constexpr Scope server{RSRC_CONF, false};
// RSRC_CONF: OR_AUTHCFG alone is not allowed outside of <Directory> and its like.
inline constexpr Scope directory{RSRC_CONF | OR_AUTHCFG, false};
// The same, but no .htaccess: whoever writes one does not say whom httpd calls.
inline constexpr Scope section{RSRC_CONF | ACCESS_CONF, false};

template <typename Config>
Config& target(cmd_parms* command, void* config) {
  if constexpr (std::same_as<Config, DirectoryConfig>)
    return *static_cast<DirectoryConfig*>(config);
  else if constexpr (std::same_as<Config, ServerConfig>)
    return config_of(command->server);
  else
    return config_of(command->server).child;
}

template <auto member>
struct Member;
template <typename Config, typename Value, Value Config::*member>
struct Member<member> {
  static Value& of(cmd_parms* command, void* config) {
    return target<Config>(command, config).*member;
  }
};

// --- arguments that several directives take -----------------------------------------------------

template <auto member>
const char* on_or_off(cmd_parms* command, void* config, const char* argument) {
  const auto on = parse_switch(argument);
  if (!on) return wrong(command, "On or Off", argument);
  Member<member>::of(command, config) = *on;
  return nullptr;
}

template <auto member>
const char* bytes(cmd_parms* command, void* config, const char* argument) {
  const auto number = parse_bytes(argument);
  if (!number || *number < 1 || *number > most_bytes)
    return wrong(command, "a number of bytes from 1 to 1G, with an optional suffix K, M or G",
                 argument);
  Member<member>::of(command, config) = *number;
  return nullptr;
}

template <auto member, bool may_be_off>
const char* time(cmd_parms* command, void* config, const char* argument) {
  auto& value = Member<member>::of(command, config);
  if (may_be_off && equal_ignoring_case(argument, "off")) {
    value = std::chrono::milliseconds(0);
    return nullptr;
  }
  const auto given = parse_time(argument);
  if (!given || given->count() < 1 || *given > longest_time)
    return wrong(command,
                 may_be_off ? "a time from 1ms to 1000h (units ms, s, min, h; seconds without), "
                              "or Off"
                            : "a time from 1ms to 1000h (units ms, s, min, h; seconds without)",
                 argument);
  value = *given;
  return nullptr;
}

template <auto member, unsigned most, bool may_be_auto = false>
const char* count(cmd_parms* command, void* config, const char* argument) {
  auto& value = Member<member>::of(command, config);
  if (may_be_auto && equal_ignoring_case(argument, "auto")) {
    value.reset();
    return nullptr;
  }
  const auto number = parse_number(argument);
  if (!number || *number < 1 || *number > most)
    return wrong(command,
                 apr_psprintf(command->pool, "a number from 1 to %u%s", most,
                              may_be_auto ? ", or Auto" : ""),
                 argument);
  value = *number;
  return nullptr;
}

// --- rows ----------------------------------------------------------------------------------------

// What httpd calls: no exception passes.
template <auto function, typename... Arguments>
const char* guarded(cmd_parms* command, void* config, Arguments... arguments) noexcept {
  try {
    if (static_cast<const Scope*>(command->info)->global_only)
      if (const char* error = ap_check_cmd_context(command, GLOBAL_ONLY)) return error;
    return function(command, config, arguments...);
  } catch (const std::exception& error) {
    return apr_pstrcat(command->pool, command->cmd->name, ": ", error.what(), nullptr);
  }
}

// For C++, httpd declares the callbacks without arguments. By way of void(): that is a cast which
// compilers do not warn of.
template <auto function, typename... Arguments>
command_rec row(const char* name, const Scope& scope, cmd_how how, const char* help) {
  const auto called =
      reinterpret_cast<cmd_func>(reinterpret_cast<void (*)()>(guarded<function, Arguments...>));
  return {name, called, const_cast<Scope*>(&scope), scope.where, how, help};
}

template <auto function>
command_rec take1(const char* name, const Scope& scope, const char* help) {
  return row<function, const char*>(name, scope, TAKE1, help);
}

template <auto function>
command_rec take12(const char* name, const Scope& scope, const char* help) {
  return row<function, const char*, const char*>(name, scope, TAKE12, help);
}

template <auto function>
command_rec take123(const char* name, const Scope& scope, const char* help) {
  return row<function, const char*, const char*, const char*>(name, scope, TAKE123, help);
}

template <auto function>
command_rec take2(const char* name, const Scope& scope, const char* help) {
  return row<function, const char*, const char*>(name, scope, TAKE2, help);
}

template <auto function>
command_rec take_list(const char* name, const Scope& scope, const char* help) {
  return row<function, int, char* const*>(name, scope, TAKE_ARGV, help);
}

// --- the topics, one file each -------------------------------------------------------------------

using Rows = std::span<const command_rec>;

Rows handler_directives();     // where handlers are, and by which ways they are reached
Rows connection_directives();  // who may connect, and what one connection may do
Rows limit_directives();       // what one client may have, how fast, and for how long
Rows channel_directives();     // channels and their memory
Rows backplane_directives();   // how they reach other machines
Rows hook_directives();        // which application is asked and told
Rows log_directives();         // what is written of connections that have ended
Rows child_directives();       // how much a child takes, and how it ends

}  // namespace cppwebsocket::httpd
