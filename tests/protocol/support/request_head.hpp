// A request head as text, split as httpd would; and an answer's head as text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocol/opening/handshake.hpp"

namespace cppwebsocket::protocol::testing {

// Takes text of the form "GET /path HTTP/1.1\r\nName: value\r\n…"; behind an empty line: body().
// What does not look like that is taken as it comes: fuzzing wants it all.
class RequestHead {
 public:
  explicit RequestHead(std::string text) : text_(std::move(text)) {
    std::string_view rest = text_;
    std::string_view line = take(rest, "\r\n");
    request_.method = take(line, " ");
    request_.target = take(line, " ");
    if (line == "HTTP/1.0") request_.http_version = 1000;
    while (!rest.empty()) {
      std::string_view field = take(rest, "\r\n");
      if (field.empty()) break;
      const std::string_view name = take(field, ":");
      if (!field.empty() && field.front() == ' ') field.remove_prefix(1);
      headers_.push_back({name, field});
    }
    request_.headers = headers_;
    body_ = rest;
  }
  RequestHead(const RequestHead&) = delete;
  RequestHead& operator=(const RequestHead&) = delete;

  OpeningRequest& request() { return request_; }
  std::string_view body() const { return body_; }

 private:
  static std::string_view take(std::string_view& rest, std::string_view separator) {
    const std::size_t end = rest.find(separator);
    const std::string_view taken = rest.substr(0, end);
    rest.remove_prefix(end == rest.npos ? rest.size() : end + separator.size());
    return taken;
  }

  std::string text_;
  std::vector<Header> headers_;
  OpeningRequest request_;
  std::string_view body_;
};

inline std::string to_text(const OpeningResponse& response) {
  std::string text = "HTTP/1.1 " + std::string(response.status_line) + "\r\n";
  for (const auto& [name, value] : response.headers) text += name + ": " + value + "\r\n";
  return text + "\r\n" + response.body;
}

}  // namespace cppwebsocket::protocol::testing
