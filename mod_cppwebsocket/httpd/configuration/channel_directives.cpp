// Channels and their memory.
#include "httpd/configuration/directive.hpp"

#include <cppwebsocket/detail/channel_name.hpp>

#include <chrono>
#include <string_view>

namespace cppwebsocket::httpd {

namespace {

// False if it can never give a channel's name. Behind a '%', a '$' or an escape nobody knows before
// the request; and an empty text is no mistake, for then there is no channel, on some condition.
bool may_give_name(std::string_view expression) noexcept {
  const std::string_view literal = expression.substr(0, expression.find_first_of("%$\\"));
  return literal.empty() || !detail::why_no_channel_name(literal);
}

const char* channel(cmd_parms* command, void* config, int count, char* const arguments[]) {
  constexpr const char* accepted =
      "names of channels, each of 1 to 255 bytes of UTF-8 without control characters, or "
      "expressions that give them";
  if (count == 0) return wrong(command, accepted, "");
  auto** expressions = static_cast<ap_expr_info_t**>(
      apr_palloc(command->pool, sizeof(ap_expr_info_t*) * static_cast<std::size_t>(count)));
  for (int i = 0; i < count; ++i) {
    if (!may_give_name(arguments[i])) return wrong(command, accepted, arguments[i]);
    const char* error = nullptr;
    expressions[i] =
        ap_expr_parse_cmd(command, arguments[i], AP_EXPR_FLAG_STRING_RESULT, &error, nullptr);
    if (error)
      return apr_pstrcat(command->pool, command->cmd->name, ": cannot read \"", arguments[i],
                         "\": ", error, nullptr);
  }
  target<DirectoryConfig>(command, config).channels = {expressions,
                                                       static_cast<std::size_t>(count)};
  return nullptr;
}

const char* channel_history(cmd_parms* command, void* config, const char* messages,
                            const char* time) {
  constexpr const char* accepted =
      "a number of messages from 0 to 1000000, and a time from 1s to 1000h (units s, min, h; "
      "seconds without)";
  const auto number = parse_number(messages);
  if (!number || *number > 1'000'000) return wrong(command, accepted, messages);
  ChannelOptions options;
  options.history = static_cast<std::uint32_t>(*number);
  if (time) {
    const auto given = parse_time(time);
    if (!given || *given < std::chrono::seconds(1) || *given > longest_time)
      return wrong(command, accepted, time);
    options.history_time = std::chrono::ceil<std::chrono::seconds>(*given);
  }
  target<DirectoryConfig>(command, config).channel_options = options;
  return nullptr;
}

const char* memory_size(cmd_parms* command, void*, const char* argument) {
  const auto bytes = parse_bytes(argument);
  if (!bytes || *bytes < least_channel_memory || *bytes > most_channel_memory)
    return wrong(command, "bytes from 1M to 64G", argument);
  config_of(command->server).child.channel_memory = *bytes;
  return nullptr;
}

}  // namespace

Rows channel_directives() {
  static const command_rec rows[] = {
      take_list<channel>("WebSocketChannel", directory,
                         "The channels of websocket-publish and websocket-subscribe: names, or "
                         "expressions that give one each (default: the path below the Location)"),
      take12<channel_history>("WebSocketChannelHistory", directory,
                              "How many messages these channels keep, and for how long (default 0, "
                              "no limit of time)"),
      take1<on_or_off<&DirectoryConfig::tell_publisher>>(
          "WebSocketChannelPublisher", directory,
          "On: what is published here tells everybody who gets it the user who has published it (default Off)"),
      take1<count<&DirectoryConfig::most_channels, 10'000>>(
          "WebSocketChannelsPerConnection", directory,
          "How many channels one connection of websocket-channels may have, 1 to 10000 (default 100)"),
      take1<memory_size>("WebSocketChannelMemory", global,
                         "Bytes of memory that all children share for channels and their "
                         "history, 1M to 64G (default 64M)"),
  };
  return rows;
}

}  // namespace cppwebsocket::httpd
