// The JSON in which JoinOptions::json wraps what goes to a client: one object for each publication.
//
//   {"type":"subscribed","channel":"chat","position":"5f3a-41","recovered":true}
//     with JoinOptions::events also ,"members":[{"id":"7c-1","info":"Ann"}]: who is there already
//   {"type":"message","channel":"chat","position":"5f3a-42","time":1767225600000,"data":"hello"}
//     or "base64":"…"; time: of its publication, in milliseconds since 1970; and "publisher":"ann", who is known and to
//     be told (ChannelOptions::tell_publisher), and "event":"price", where its publisher has named it
//   {"type":"joined","channel":"chat","member":{"id":"7c-1","info":"Ann"}}      or "left"
//   {"type":"message","channel":"chat","id":"77ab01-12","data":"hello"}   while its number is not known;
//     with a number it has the same id, where a backplane gives numbers
//   {"type":"position","channel":"chat","position":"5f3a-43"}   the number of one that came without
//   {"type":"gap","channel":"chat","position":"5f3a-97"}
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <cppwebsocket/publication.hpp>

namespace cppwebsocket::channels {

// Its type; also the name of the event that tells it without an envelope.
inline constexpr std::string_view beginning = "subscribed";

// Of a message that may come twice.
struct Provenance {
  std::uint64_t origin = 0, sequence = 0;  // make its id; 0: it has none
};

std::string json_of(std::string_view channel, const Publication& publication,
                    const Provenance& provenance = {});
// {"type":"reply","data":"…"}: an application's, to what the client has sent.
std::string reply(std::string_view data);
std::string json_of(std::string_view channel, const Position& position);
std::string json_of(std::string_view channel, const Recovery& recovery,
                    const std::optional<std::vector<Member>>& present = {});

// Appends `text` as a JSON string, with its quotes. What is not UTF-8 becomes U+FFFD.
void append_json_string(std::string& json, std::string_view text);

}  // namespace cppwebsocket::channels
