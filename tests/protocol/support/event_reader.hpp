// Reads an event stream as a browser does (WHATWG HTML, "Interpreting an event stream").
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace cppwebsocket::protocol::test {

struct SeenEvent {
  std::string id;  // the last one seen
  std::string name;
  std::string text;
  friend bool operator==(const SeenEvent&, const SeenEvent&) = default;
};

class EventReader {
 public:
  // `bytes`: whole lines.
  void feed(std::string_view bytes) {
    while (!bytes.empty()) {
      const std::size_t end = bytes.find_first_of("\r\n");
      if (end == bytes.npos) return;
      line(bytes.substr(0, end));
      bytes.remove_prefix(end + (bytes.substr(end, 2) == "\r\n" ? 2 : 1));
    }
  }

  std::vector<SeenEvent> events;
  std::string retry;
  std::size_t comments = 0;

 private:
  void line(std::string_view text) {
    if (text.empty()) return dispatch();
    const std::size_t colon = text.find(':');
    if (colon == 0) {
      ++comments;
      return;
    }
    const std::string_view name = text.substr(0, colon);
    std::string_view value = colon == text.npos ? "" : text.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (name == "data")
      data_.append(value).append("\n");
    else if (name == "event")
      name_ = value;
    else if (name == "id" && value.find('\0') == value.npos)
      id_ = value;
    else if (name == "retry")
      retry = value;
  }

  void dispatch() {
    if (!data_.empty()) {
      data_.pop_back();
      events.push_back({id_, name_.empty() ? "message" : name_, data_});
    }
    data_.clear();
    name_.clear();
  }

  std::string data_, name_, id_;
};

inline std::vector<SeenEvent> read_events(std::string_view bytes) {
  EventReader reader;
  reader.feed(bytes);
  return reader.events;
}

}  // namespace cppwebsocket::protocol::test
