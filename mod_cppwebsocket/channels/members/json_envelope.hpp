// The JSON in which JoinOptions::json wraps what goes to a client: one object for each publication.
//
//   {"type":"subscribed","channel":"chat","position":"5f3a-41","recovered":true}
//     with JoinOptions::events also ,"members":[{"id":"7c-1","info":"Ann"}]: who is there already
//   {"type":"message","channel":"chat","position":"5f3a-42","data":"hello"}     or "base64":"…"
//   {"type":"joined","channel":"chat","member":{"id":"7c-1","info":"Ann"}}      or "left"
//   {"type":"gap","channel":"chat","position":"5f3a-97"}
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <cppwebsocket/publication.hpp>

namespace cppwebsocket::channels {

// Its type; also the name of the event that tells it without an envelope.
inline constexpr std::string_view beginning = "subscribed";

std::string json_of(std::string_view channel, const Publication& publication);
std::string json_of(std::string_view channel, const Recovery& recovery,
                    const std::optional<std::vector<Member>>& present = {});

// Appends `text` as a JSON string, with its quotes. What is not UTF-8 becomes U+FFFD.
void append_json_string(std::string& json, std::string_view text);

}  // namespace cppwebsocket::channels
