// What children tell each other about members, in control records. The first byte is the kind,
// then:
//
//   joined, here   any number of members     left   one member, without its info
//   who, all_who   nothing                   count  question
//   counted        asker, question, members
//
// A number is seven bits a byte, lowest first, the highest bit set in all but the last; a text is
// its size, so written, and its bytes; a member is two texts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <cppwebsocket/publication.hpp>

namespace cppwebsocket::channels {

struct PresenceNote {
  enum class Kind : char {
    joined = 'j',
    left = 'l',
    here = 'h',     // of the sender's members, some that joined before
    who = 'w',      // asks for `here` in this channel
    all_who = 'a',  // in all channels
    count = 'c',    // asks how many memberships the receiver has in this channel
    counted = 'n',  // the answer
  };

  Kind kind = Kind::who;
  std::vector<Member> members;
  std::uint64_t asker = 0;     // the origin that has asked
  std::uint64_t question = 0;  // its number for the question
  std::uint64_t count = 0;

  friend bool operator==(const PresenceNote&, const PresenceNote&) = default;
};

std::string encode(const PresenceNote& note);

// Empty unless `bytes` are what encode() makes.
std::optional<PresenceNote> decode_presence_note(std::string_view bytes);

}  // namespace cppwebsocket::channels
