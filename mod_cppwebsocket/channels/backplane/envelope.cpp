#include "channels/backplane/envelope.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

#include "protocol/frames/utf8.hpp"

namespace cppwebsocket::channels {

namespace {

constexpr std::size_t longest_line = 128;  // bytes, more than any number of digits needs

template <typename Number>
void append_number(std::string& to, Number number, int radix) {
  char digits[20];
  to += ' ';
  to.append(digits, std::to_chars(digits, digits + sizeof digits, number, radix).ptr);
}

// Takes " 123" off the front.
template <typename Number>
bool take_number(std::string_view& line, Number& number, int radix) noexcept {
  if (!line.starts_with(' ')) return false;
  line.remove_prefix(1);
  const char* const end = line.data() + line.size();
  const auto read = std::from_chars(line.data(), end, number, radix);
  if (read.ec != std::errc()) return false;
  line.remove_prefix(static_cast<std::size_t>(read.ptr - line.data()));
  return true;
}

std::optional<std::string_view> take_line(std::string_view& bytes) noexcept {
  const std::size_t end = bytes.substr(0, longest_line).find('\n');
  if (end == bytes.npos) return std::nullopt;
  const std::string_view line = bytes.substr(0, end);
  bytes.remove_prefix(end + 1);
  return line;
}

constexpr std::pair<char, RecordKind> kinds[] = {{'l', RecordKind::loose},
                                                 {'c', RecordKind::control},
                                                 {'n', RecordKind::numbered},
                                                 {'x', RecordKind::lost},
                                                 {'m', RecordKind::missed}};

bool take_kinds(std::string_view& line, RecordKind& kind, Message::Type& type) noexcept {
  if (line.size() < 2 || (line[1] != 't' && line[1] != 'b')) return false;
  const auto found = std::ranges::find(kinds, line[0], &std::pair<char, RecordKind>::first);
  if (found == std::end(kinds)) return false;
  kind = found->second;
  type = line[1] == 't' ? Message::Type::text : Message::Type::binary;
  line.remove_prefix(2);
  return true;
}

// Of what has no version: 0.
unsigned take_any_version(std::string_view& line) noexcept {
  unsigned version = 0;
  const auto read = std::from_chars(line.data(), line.data() + line.size(), version);
  line.remove_prefix(static_cast<std::size_t>(read.ptr - line.data()));
  return version;
}

bool is_known(unsigned version) noexcept {
  return version == envelope_version || version == envelope_version_with_user ||
         version == envelope_version_with_remarks;
}

// Written in one way only.
bool take_version(std::string_view& line, bool& has_remarks) noexcept {
  if (line.starts_with('0')) return false;
  const unsigned version = take_any_version(line);
  has_remarks = version != envelope_version;
  return is_known(version);
}

bool may_have_remarks(RecordKind kind) noexcept { return kind == RecordKind::loose || kind == RecordKind::numbered; }

// Off what follows the line.
bool take_remarks(std::string_view& line, std::string_view& bytes, std::string& remarks) {
  std::size_t size = 0;
  if (!take_number(line, size, 10) || size == 0 || size > longest_remarks || size > bytes.size()) return false;
  remarks = bytes.substr(0, size);
  bytes.remove_prefix(size);
  return true;
}

}  // namespace

std::string to_envelope(const Record& record, std::uint64_t instance, std::int64_t ahead_ms) {
  std::string bytes;
  const bool has_remarks = !record.remarks.empty() && may_have_remarks(record.kind);
  bytes.reserve(longest_line + record.remarks.size() + record.message.size());
  bytes += std::to_string(!has_remarks                                      ? envelope_version
                          : record.remarks.find('\0') == std::string::npos ? envelope_version_with_user
                                                                          : envelope_version_with_remarks);
  bytes += std::ranges::find(kinds, record.kind, &std::pair<char, RecordKind>::second)->first;
  bytes += record.message.is_text() ? 't' : 'b';
  append_number(bytes, instance, 16);
  append_number(bytes, record.origin, 16);
  append_number(bytes, record.sequence, 10);
  append_number(bytes, record.kind == RecordKind::missed ? record.time_ms : record.time_ms + ahead_ms, 10);
  append_number(bytes, record.bound.messages, 10);
  append_number(bytes, record.bound.seconds, 10);
  if (has_remarks) append_number(bytes, record.remarks.size(), 10);
  bytes += '\n';
  if (has_remarks) bytes += record.remarks;
  bytes += record.message.payload();
  return bytes;
}

std::optional<unsigned> other_envelope_version(std::string_view bytes) noexcept {
  if (bytes.starts_with('=') && !take_line(bytes)) return std::nullopt;
  auto line = take_line(bytes);
  if (!line) return std::nullopt;
  const unsigned version = take_any_version(*line);
  RecordKind kind;
  Message::Type type;
  if (is_known(version) || !take_kinds(*line, kind, type) || !line->starts_with(' '))
    return std::nullopt;
  return version;
}

std::string say_other_version(const std::string& backplane, unsigned version) {
  return "CWS0067: another version of mod_cppwebsocket uses the backplane " + backplane +
         ", too: what it sends (format " + std::to_string(version) + ") is not understood here (format " +
         std::to_string(envelope_version) +
         "), nor the other way round. All machines of a site need the same version; until they have it, a "
         "WebSocketBackplanePrefix of their own keeps them apart";
}

std::optional<Envelope> parse_envelope(std::string_view bytes) {
  Envelope envelope;
  Record& record = envelope.record;
  bool has_position = false;
  if (bytes.starts_with('=')) {
    bytes.remove_prefix(1);
    const auto line = take_line(bytes);
    const auto position = line ? Position::parse(*line) : std::nullopt;
    if (!position) return std::nullopt;
    record.position = *position;
    has_position = true;
  }
  auto line = take_line(bytes);
  Message::Type type;
  bool has_remarks = false;
  if (!line || !take_version(*line, has_remarks) || !take_kinds(*line, record.kind, type) ||
      !take_number(*line, envelope.instance, 16) || !take_number(*line, record.origin, 16) ||
      !take_number(*line, record.sequence, 10) || !take_number(*line, record.time_ms, 10) ||
      !take_number(*line, record.bound.messages, 10) ||
      !take_number(*line, record.bound.seconds, 10) ||
      (has_remarks && (!may_have_remarks(record.kind) || !take_remarks(*line, bytes, record.remarks))) || !line->empty())
    return std::nullopt;
  if (has_position && !is_numbered(record.kind)) return std::nullopt;
  if ((record.kind == RecordKind::lost || record.kind == RecordKind::missed) && !bytes.empty())
    return std::nullopt;
  if (type == Message::Type::text && !protocol::is_utf8(bytes)) return std::nullopt;
  record.message = Message(type, std::string(bytes));
  if (type == Message::Type::text) detail::MessageAccess::set_validated(record.message);
  return envelope;
}

}  // namespace cppwebsocket::channels
