#include "httpd/endpoints/connection_age.hpp"

#include "httpd/configuration/config.hpp"
#include "httpd/configuration/values.hpp"
#include "httpd/log.hpp"
#include "httpd/module.hpp"
#include "httpd/pool.hpp"

#include <ap_expr.h>
#include <apr_time.h>

#include <algorithm>
#include <string>

namespace cppwebsocket::httpd {

namespace {

using std::chrono::milliseconds, std::chrono::seconds;

constexpr std::uint64_t first_date = 1'000'000'000;  // what is less are seconds; as a time it was in 2001
constexpr seconds longest_spread{60};
constexpr seconds longest_age = std::chrono::hours(24 * 365 * 100);

// Seconds, or a time since 1970, and a fraction that does not matter (RFC 7519 §2, NumericDate). None: not a number.
std::optional<milliseconds> time_left(std::string_view text, apr_time_t now) {
  const std::size_t point = std::min(text.find('.'), text.size());
  const std::string_view fraction = text.substr(std::min(point + 1, text.size()));
  if (fraction.find_first_not_of("0123456789") != fraction.npos) return std::nullopt;
  const auto number = parse_number(text.substr(0, point));
  if (!number) return std::nullopt;
  const auto given = seconds(std::min<std::uint64_t>(*number, static_cast<std::uint64_t>(longest_age.count())));
  if (*number < first_date) return given;
  return std::max<milliseconds>(given - milliseconds(apr_time_as_msec(now)), milliseconds(0));
}

}  // namespace

std::variant<std::optional<ConnectionEnd>, NoAge> age_of(request_rec* r) {
  const auto& rule = directory_config_of(r).max_age;
  if (!rule || (!rule->expression && rule->time.count() == 0)) return std::nullopt;
  milliseconds left = rule->time;
  if (rule->expression) {
    const char* error = nullptr;
    const std::string_view value = view(ap_expr_str_exec(r, rule->expression, &error));
    if (!error && value.empty()) return std::nullopt;
    const auto found = error ? std::nullopt : time_left(value, apr_time_now());
    if (!found) {
      log_request(r, APLOG_ERR, std::string("CWS0088: WebSocketMaxAge: ") +
                                    (error ? error : "the expression gives no number of seconds"));
      return NoAge{HTTP_INTERNAL_SERVER_ERROR, "How long this connection may last cannot be told."};
    }
    left = *found;
  }
  if (left.count() == 0) return NoAge{HTTP_FORBIDDEN, "The time for this connection is over."};
  const milliseconds spread = std::min<milliseconds>(left / 10, longest_spread);
  const auto part = static_cast<std::int64_t>(static_cast<std::uint64_t>(r->request_time) * 2654435761u >> 8 & 0xffff);
  return ConnectionEnd{std::chrono::steady_clock::now() + left - spread * part / 0x10000, rule->code};
}

}  // namespace cppwebsocket::httpd
