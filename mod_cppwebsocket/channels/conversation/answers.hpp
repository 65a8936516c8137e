// The server's side of channels.json but for the channels' events, which are channel.json's. Thread: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <cppwebsocket/publication.hpp>

namespace cppwebsocket::channels {

// {"type":"welcome","channels":100}, and an application's "data".
std::string welcome(std::size_t most_channels, const std::optional<std::string>& data);

// {"type":"answer","id":1}, and what belongs to it.
std::string answer(std::uint64_t id);
std::string answer(std::uint64_t id, const std::vector<std::string>& sent);  // "send", by an application
std::string answer(std::uint64_t id, const PublishResult& published);
std::string answer(std::uint64_t id, std::size_t members, const std::vector<Member>& present);
// As many messages as fit into `most_bytes`, one at least; "more" tells that some are left.
std::string answer(std::uint64_t id, std::string_view channel, const History& history,
                   std::size_t most_bytes);

// {"type":"error","id":1,"error":"forbidden","text":"…"}. `name` is no one's input.
std::string error(std::optional<std::uint64_t> id, std::string_view name, std::string_view text);

}  // namespace cppwebsocket::channels
