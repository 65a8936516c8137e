// The part of the mangling of C++ names (Itanium C++ ABI, 5.1) that a line of a log needs: abi::__cxa_demangle
// takes memory, which nobody may after a crash.
#include <cstddef>

#include "runtime/watch/code_place.hpp"

namespace cppwebsocket::runtime {

namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

class Mangled {
 public:
  Mangled(std::string_view left, SignalText& to) noexcept : left_(left), to_(to) {}

  // False: it is of a kind that is not known here.
  bool name() noexcept {
    if (take("Z")) return name();  // what is local to a function is told as that function's
    if (take("N")) return nested();
    take("L");
    if (take("St")) part("std");
    return source_name();
  }

 private:
  bool take(std::string_view what) noexcept {
    if (!left_.starts_with(what)) return false;
    left_.remove_prefix(what.size());
    return true;
  }
  void part(std::string_view text) noexcept {
    if (!is_first_) to_.add("::");
    is_first_ = false;
    to_.add(text);
  }

  bool source_name() noexcept {
    std::string_view text;
    if (!take_source_name(text)) return false;
    last_ = text;
    part(text.starts_with("_GLOBAL__N") ? "(anonymous)" : text);
    return true;
  }
  bool take_source_name(std::string_view& text) noexcept {
    std::size_t length = 0;
    if (left_.empty() || !is_digit(left_[0])) return false;
    while (!left_.empty() && is_digit(left_[0]) && length < 1'000'000) {
      length = length * 10 + static_cast<std::size_t>(left_[0] - '0');
      left_.remove_prefix(1);
    }
    if (length > left_.size()) return false;
    text = left_.substr(0, length);
    left_.remove_prefix(length);
    return true;
  }

  // N [qualifiers] part… E
  bool nested() noexcept {
    while (!left_.empty() && std::string_view("rVKRO").find(left_[0]) != std::string_view::npos)
      left_.remove_prefix(1);
    for (;;) {
      if (take("E")) return !is_first_;
      if (take("L")) continue;
      if (take("St")) {
        part("std");
      } else if (take("I")) {
        if (!skip_arguments()) return false;
      } else if (take("cl")) {
        part("operator()");
      } else if (take("Ul")) {
        return part("lambda"), true;
      } else if (take("C1") || take("C2")) {
        part(last_);
      } else if (take("D0") || take("D1") || take("D2")) {
        part("~"), to_.add(last_);
      } else if (!source_name()) {
        return false;
      }
    }
  }

  // Up to the E that belongs to the I before.
  bool skip_arguments() noexcept {
    for (std::size_t depth = 1; depth != 0;) {
      if (left_.empty()) return false;
      std::string_view ignored;
      if (is_digit(left_[0])) {
        if (!take_source_name(ignored)) return false;
        continue;
      }
      const char c = left_[0];
      left_.remove_prefix(1);
      if (c == 'E') --depth;
      if (c == 'I' || c == 'N' || c == 'J' || c == 'F' || c == 'X') ++depth;
      if (c == 'L' || c == 'Z') return false;  // literals and local names may hold anything
      if (c == 'S' || c == 'T') skip_substitution();
    }
    return true;
  }
  // S_, S0_, St, Sa, …; T_, T0_, …
  void skip_substitution() noexcept {
    if (!left_.empty() && left_[0] >= 'a' && left_[0] <= 'z') return left_.remove_prefix(1);
    while (!left_.empty() && left_[0] != '_' && left_[0] != 'E') left_.remove_prefix(1);
    take("_");
  }

  std::string_view left_;
  std::string_view last_;
  SignalText& to_;
  bool is_first_ = true;
};

}  // namespace

void add_function_name(std::string_view mangled, SignalText& to) noexcept {
  SignalText name;
  if (mangled.starts_with("_Z") && Mangled(mangled.substr(2), name).name())
    to.add_escaped(name.view());
  else
    to.add_escaped(mangled);
}

}  // namespace cppwebsocket::runtime
