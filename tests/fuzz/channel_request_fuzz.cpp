// What requests to the end points of channels say. Input: a byte that says how many channels there
// are, and a text, which is taken for each of the things that are parsed.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "protocol/opening/channel_request.hpp"

using namespace cppwebsocket::protocol;

namespace {

// What a query's value becomes when all of its bytes are escaped.
std::string escaped(std::string_view text) {
  constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

void check_token(std::string_view text, std::size_t channels) {
  const auto positions = parse_token(text, channels);
  if (!positions) return;
  if (positions->size() != channels) std::abort();
  const std::string token = to_token(*positions);
  if (parse_token(token, channels) != positions) std::abort();
  if (token.size() > channels * 38) std::abort();  // 16 hexadecimal digits, '-', 20 digits, ','
}

void check_lines(std::string_view text, std::size_t most) {
  const auto lines = lines_of(text, most);
  if (lines.size() > most) std::abort();
  const char* at = text.data();
  for (const std::string_view line : lines) {
    if (line.empty() || line.find('\n') != line.npos || line.data() < at) std::abort();
    at = line.data() + line.size();
  }
  if (at > text.data() + text.size()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size < 1) return 0;
  const std::string text(reinterpret_cast<const char*>(bytes) + 1, size - 1);

  check_token(text, bytes[0] % 5);
  check_lines(text, bytes[0]);
  for (const char* name : {"after", "limit", "history", "format", ""}) {
    const auto value = query_value(text, name);
    if (value && value->size() > text.size()) std::abort();
    const auto values = query_values(text, name);
    if (values.empty() == value.has_value() || (value && values.front() != *value)) std::abort();
  }
  if (query_value("x=1&after=" + escaped(text) + "&after=2", "after") != text) std::abort();
  if (const auto count = parse_count(text, 1000); count && *count > 1000) std::abort();
  if (body_kind(text) > BodyKind::unsupported) std::abort();
  if (accepts_event_stream(text) != accepts_event_stream(", " + text + ",")) std::abort();
  return 0;
}
