// How the children of one httpd ask each other: each listens on a socket of the kernel's own naming, without a place in
// the file system (unix(7), "abstract"), and notes the name in its seat. One line is the question, and what comes until
// the end is the answer. Both sides have the kernel say who the other is: a child that has a seat, of the same user, and
// for the asker the one in that seat. Other processes of the user, such as scripts, have none. All sizes and times are
// bounded, and what comes is for whoever asked to judge.
#pragma once

#include "channels/store/memory.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace cppwebsocket::httpd {

inline constexpr std::size_t longest_question = 16 << 10;  // bytes
inline constexpr std::size_t longest_answer = 8 << 20;

// Listens in this child, which has `seat`, on a thread of its own that goes with the process. It answers one question
// after the other: `answer`, which is given a line without its end, may wait, and must not raise. Raises system_error
// where the system has no such sockets (a sandbox may forbid them). Thread: child_init's.
void open_door(channels::ChannelMemory& memory, unsigned seat,
               std::function<std::string(std::string_view)> answer);

struct Reply {
  pid_t child = 0;
  std::string text;  // whole, unless:
  std::string why;   // there is none, e.g. "has not answered in time"
};

// Asks each child of `children` at once, and waits for all of them until `time` is over. Raises bad_alloc. Thread: any
// that may wait.
std::vector<Reply> ask_children(const channels::ChannelMemory& memory, const std::vector<unsigned>& seats,
                                std::string_view question, std::chrono::milliseconds time);

}  // namespace cppwebsocket::httpd
