// All children of this httpd asked the same question (httpd/child/administration.hpp), and what they say, checked: each is a
// process of its own that may say anything. Thread: the request's MPM worker.
#pragma once

#include "protocol/json.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace cppwebsocket::httpd {

class Child;

struct AskedChild {
  struct Row {
    std::string json;  // the object, with the member "child" before its own
    protocol::JsonObject members;
  };

  pid_t pid = 0;
  std::optional<unsigned> seat;
  protocol::JsonObject summary;
  std::vector<Row> rows;
  std::string why;  // it has not answered; empty: it has

  std::uint64_t number(std::string_view name) const noexcept;  // of the summary; 0 if there is none
};

// In the order of their process ids; those for whom `is_asked` holds. `question`: see answer_question(). Raises bad_alloc.
std::vector<AskedChild> ask_all(Child& child, std::string_view question, std::chrono::milliseconds time,
                                const std::function<bool(pid_t)>& is_asked = {});

// [{"child":1234,"why":"has not answered in time"}], of those who have not.
std::string unanswered(const std::vector<AskedChild>& asked);

// Of a number in an object; 0: there is none.
std::uint64_t number_in(const protocol::JsonObject& object, std::string_view name) noexcept;

}  // namespace cppwebsocket::httpd
