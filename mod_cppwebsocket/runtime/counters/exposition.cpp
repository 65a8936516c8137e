#include "runtime/counters/exposition.hpp"

#include <algorithm>
#include <charconv>

namespace cppwebsocket::runtime {

namespace {

constexpr std::string_view type_names[] = {"gauge", "counter", "histogram"};

// The shortest that reads back as the same: no locale has a say.
std::string number(double value) {
  char text[40];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  return std::string(text, end);
}

// In both formats the same three.
void append_escaped(std::string& out, std::string_view value) {
  for (const char c : value)
    if (c == '\\' || c == '"')
      out.append({'\\', c});
    else if (c == '\n')
      out += "\\n";
    else
      out += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
}

double seconds(std::chrono::nanoseconds time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

Exposition::Format Exposition::format_for(std::string_view accept) noexcept {
  return accept.find("application/openmetrics-text") == accept.npos ? Format::text : Format::open_metrics;
}

const char* Exposition::media_type(Format format) noexcept {
  return format == Format::text ? "text/plain; version=0.0.4; charset=utf-8"
                                : "application/openmetrics-text; version=1.0.0; charset=utf-8";
}

// The text format has a counter's type under the name with _total, OpenMetrics under the one without.
void Exposition::family(std::string_view name, Type type, std::string_view help) {
  name_ = name;
  type_ = type;
  const std::string declared = name_ + (type == Type::counter && format_ == Format::text ? "_total" : "");
  out_.append("# HELP ").append(declared).append(" ").append(help).append("\n# TYPE ").append(declared);
  out_.append(" ").append(type_names[static_cast<std::size_t>(type)]).append("\n");
}

void Exposition::begin(std::string_view suffix, Labels labels) {
  out_.append(name_).append(suffix);
  std::string_view between = "{";
  for (const auto& [name, value] : labels) {
    out_.append(between).append(name).append("=\"");
    append_escaped(out_, value);
    out_ += '"';
    between = ",";
  }
  if (labels.size() != 0) out_ += '}';
}

void Exposition::end(const std::string& value) { out_.append(" ").append(value).append("\n"); }

void Exposition::sample(Labels labels, std::uint64_t value) {
  begin(type_ == Type::counter ? "_total" : "", labels);
  end(std::to_string(value));
}

void Exposition::sample(Labels labels, double value) {
  begin(type_ == Type::counter ? "_total" : "", labels);
  end(number(value));
}

// Each bucket has those below, too. What is counted meanwhile must not make the last one smaller than another.
void Exposition::histogram(const TimeHistogram& times) {
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < TimeHistogram::bounds.size(); ++i) {
    below += times.buckets[i].load(std::memory_order_relaxed);
    begin("_bucket", {{"le", number(seconds(TimeHistogram::bounds[i]))}});
    end(std::to_string(below));
  }
  const std::uint64_t all = std::max(below, times.all.load(std::memory_order_relaxed));
  begin("_bucket", {{"le", "+Inf"}});
  end(std::to_string(all));
  begin("_sum", {});
  end(number(static_cast<double>(times.nanoseconds.load(std::memory_order_relaxed)) / 1e9));
  begin("_count", {});
  end(std::to_string(all));
}

std::string Exposition::finish() && {
  if (format_ == Format::open_metrics) out_ += "# EOF\n";
  return std::move(out_);
}

}  // namespace cppwebsocket::runtime
