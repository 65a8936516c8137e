// The server's half of is_allowed(); part of the handler ABI. Handlers use request.hpp or
// blocking_request.hpp instead.
#pragma once

#include <cstdint>
#include <string_view>

#include <cppwebsocket/detail/operations.hpp>

namespace cppwebsocket {

class Request;

// Whether httpd would let a connection's client have an address now.
enum class Allowed : std::uint8_t {
  yes,
  no,       // it would be refused, sent elsewhere, or to a login
  unknown,  // that cannot be found out now: what httpd asks for it is down, or answers 500
};

namespace detail {

// Set while the file is loaded, if one of its functions calls is_allowed: its connections keep the head of their
// opening handshake then.
[[gnu::visibility("hidden")]] inline bool asks_httpd = false;
template <typename>
struct [[gnu::visibility("hidden")]] AsksHttpd {
  static inline const bool is_noted = (asks_httpd = true);
};

// Both texts outlive it.
struct QuestionOperation : OutsideOperation {
  QuestionOperation(std::string_view its_method, std::string_view its_path) noexcept
      : OutsideOperation([](OutsideOperation&) noexcept {}), method(its_method), path(its_path) {}
  std::string_view method;
  std::string_view path;
  Allowed answer = Allowed::unknown;
};

// Of one connection, which keeps it to its end.
class Judge {
 public:
  virtual ~Judge() = default;

  // Waits for the answer, and so raises BadOperationException on an event thread. Thread: any other.
  virtual Allowed ask(std::string_view method, std::string_view path) = 0;
  // Has another thread answer and complete it. Thread: the connection's.
  virtual void ask(QuestionOperation& operation) noexcept = 0;
  // The connection is open. Thread: its own.
  virtual void opened(Request&) {}
};

}  // namespace detail
}  // namespace cppwebsocket
