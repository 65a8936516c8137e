// Numbers as Prometheus reads them, in either of its formats: the text format 0.0.4 and OpenMetrics 1.0. Each refuses
// what the other demands, and one bad line loses all of them.
// Thread: any, one at a time.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "runtime/counters/count.hpp"

namespace cppwebsocket::runtime {

class Exposition {
 public:
  enum class Format : std::uint8_t { text, open_metrics };
  enum class Type : std::uint8_t { gauge, counter, histogram };
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  explicit Exposition(Format format) noexcept : format_(format) {}

  // What a client's Accept field asks for; without one, or with both, as Prometheus itself prefers it.
  static Format format_for(std::string_view accept) noexcept;
  static const char* media_type(Format format) noexcept;

  // The samples that follow are of this family. `name`: without the suffix _total of a counter. `help`: one line
  // without '\' and '"'. Each name once, and each of its series once: who repeats one loses the second silently.
  void family(std::string_view name, Type type, std::string_view help);
  void sample(Labels labels, std::uint64_t value);
  void sample(Labels labels, double value);
  void histogram(const TimeHistogram& times);  // seconds

  // The whole. Nothing may be added then.
  std::string finish() &&;

 private:
  void begin(std::string_view suffix, Labels labels);
  void end(const std::string& value);

  const Format format_;
  std::string name_;
  Type type_ = Type::gauge;
  std::string out_;
};

}  // namespace cppwebsocket::runtime
