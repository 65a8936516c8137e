// What an error that Redis answers with is about, and so what is to be done: most of them are no
// reason to leave it.
#pragma once

#include <cstdint>
#include <string_view>

namespace cppwebsocket::channels {

enum class ErrorKind : std::uint8_t {
  record,     // about this record or its channel, which never can be stored
  again,      // at once: a record before it is missing, or the script is
  later,      // writes are refused for now; all else goes on
  replica,    // it is no master, or was none at that time: to be asked, and left
  rights,     // as later, until the user of WebSocketBackplane may do more
  elsewhere,  // the same; it is not the kind of server that this module speaks to
  link,       // about the connection, or not known
};

ErrorKind kind_of(std::string_view error) noexcept;

// What an administrator can do about it, as the rest of a sentence; empty if nothing is known.
std::string_view cure_of(std::string_view error) noexcept;

}  // namespace cppwebsocket::channels
