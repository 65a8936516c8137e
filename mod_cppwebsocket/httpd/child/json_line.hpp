// One JSON object, written member by member. Thread: any.
#pragma once

#include "channels/members/json_envelope.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace cppwebsocket::httpd {

class JsonLine {
 public:
  // What is not UTF-8 becomes U+FFFD.
  JsonLine& text(std::string_view name, std::string_view value) {
    channels::append_json_string(begin(name), value);
    return *this;
  }
  JsonLine& texts(std::string_view name, std::span<const std::string> values) {
    begin(name).push_back('[');
    const char* separator = "";
    for (const std::string& each : values) channels::append_json_string(all_.append(std::exchange(separator, ",")), each);
    all_.push_back(']');
    return *this;
  }
  JsonLine& number(std::string_view name, std::uint64_t value) { return json(name, std::to_string(value)); }
  JsonLine& flag(std::string_view name, bool value) { return json(name, value ? "true" : "false"); }
  JsonLine& json(std::string_view name, std::string_view value) {
    begin(name).append(value);
    return *this;
  }

  // The object. Nothing may be added afterwards.
  std::string end() {
    if (all_.empty()) all_ = "{";
    return std::move(all_.append("}"));
  }

 private:
  std::string& begin(std::string_view name) {
    channels::append_json_string(all_.append(all_.empty() ? "{" : ","), name);
    all_.push_back(':');
    return all_;
  }

  std::string all_;
};

}  // namespace cppwebsocket::httpd
