// What Prometheus gets, in both formats. That a real one takes it is apache-test/test_770_metrics.py's.
#include "runtime/counters/exposition.hpp"

#include <gtest/gtest.h>

namespace cppwebsocket::runtime {
namespace {

using namespace std::chrono_literals;
using Format = Exposition::Format;
using Type = Exposition::Type;

std::string one_of_each(Format format) {
  Exposition out(format);
  out.family("open", Type::gauge, "Open now.");
  out.sample({{"handler", "a\"b\\c\nd"}, {"way", "tcp"}}, std::uint64_t{3});
  out.family("seen", Type::counter, "Seen.");
  out.sample({}, 0.25);
  return std::move(out).finish();
}

TEST(ExpositionTest, TheTextFormatDeclaresACounterWithItsSuffix) {
  EXPECT_EQ(one_of_each(Format::text),
            "# HELP open Open now.\n# TYPE open gauge\nopen{handler=\"a\\\"b\\\\c\\nd\",way=\"tcp\"} 3\n"
            "# HELP seen_total Seen.\n# TYPE seen_total counter\nseen_total 0.25\n");
}

TEST(ExpositionTest, OpenMetricsDeclaresItWithoutAndHasAnEnd) {
  EXPECT_EQ(one_of_each(Format::open_metrics),
            "# HELP open Open now.\n# TYPE open gauge\nopen{handler=\"a\\\"b\\\\c\\nd\",way=\"tcp\"} 3\n"
            "# HELP seen Seen.\n# TYPE seen counter\nseen_total 0.25\n# EOF\n");
}

TEST(ExpositionTest, TheBucketsOfAHistogramAddUp) {
  TimeHistogram times;
  times.note(10us);
  times.note(3ms);
  times.note(1h);
  Exposition out(Format::text);
  out.family("took_seconds", Type::histogram, "How long.");
  out.histogram(times);
  const std::string text = std::move(out).finish();
  EXPECT_NE(text.find("took_seconds_bucket{le=\"5e-05\"} 1\n"), text.npos) << text;
  EXPECT_NE(text.find("took_seconds_bucket{le=\"0.0025\"} 1\n"), text.npos);
  EXPECT_NE(text.find("took_seconds_bucket{le=\"0.005\"} 2\n"), text.npos);
  EXPECT_NE(text.find("took_seconds_bucket{le=\"30\"} 2\n"), text.npos);
  EXPECT_NE(text.find("took_seconds_bucket{le=\"+Inf\"} 3\n"), text.npos);
  EXPECT_NE(text.find("took_seconds_sum 3600.00301\ntook_seconds_count 3\n"), text.npos);
}

TEST(ExpositionTest, TheFormatIsWhatTheClientAccepts) {
  EXPECT_EQ(Exposition::format_for(""), Format::text);
  EXPECT_EQ(Exposition::format_for("*/*"), Format::text);
  EXPECT_EQ(Exposition::format_for("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"),
            Format::open_metrics);
}

}  // namespace
}  // namespace cppwebsocket::runtime
