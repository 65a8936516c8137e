#include "httpd/connection_log/format.hpp"

#include "channels/members/json_envelope.hpp"
#include "httpd/connection_log/properties.hpp"
#include "protocol/opening/header_fields.hpp"

#include <algorithm>
#include <ctime>
#include <stdexcept>

#include <unistd.h>

namespace cppwebsocket::httpd {

namespace {

using detail::Text;

constexpr std::string_view plain_letters = "%aAhluUqrmHvpPsXDTBIOt";
constexpr std::string_view named_letters = "tieCW";

// As mod_log_config does: a client's bytes must not look like more lines, or like another field.
void append_escaped(std::string& line, std::string_view text, std::string_view if_none) {
  static constexpr char digits[] = "0123456789abcdef";
  if (text.empty()) line += if_none;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      line.append({'\\', c});
    else if (byte < 0x20 || byte >= 0x7f)
      line.append({'\\', 'x', digits[byte >> 4], digits[byte & 15]});
    else
      line += c;
  }
}

std::string time_of(std::chrono::system_clock::time_point when, const std::string& format) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(when);
  std::tm local{};
  ::localtime_r(&seconds, &local);
  char text[128];
  return std::string(text, std::strftime(text, sizeof text, format.c_str(), &local));
}

// "name" or "name:port" without the port; of "[::1]:8080" the address.
std::string_view host_of(std::string_view address) {
  const auto colon = address.rfind(':');
  if (colon == address.npos) return address;
  address = address.substr(0, colon);
  if (address.starts_with('[')) address = address.substr(1, address.size() - 2);
  return address;
}

std::string_view cookie(std::string_view cookies, std::string_view name) {
  while (!cookies.empty()) {
    const auto end = std::min(cookies.find(';'), cookies.size());
    std::string_view pair = cookies.substr(0, end);
    cookies.remove_prefix(std::min(end + 1, cookies.size()));
    while (pair.starts_with(' ')) pair.remove_prefix(1);
    if (pair.starts_with(name) && pair.substr(name.size()).starts_with('=')) return pair.substr(name.size() + 1);
  }
  return {};
}

std::string_view environment_of(const detail::RequestRecord& record, std::string_view name) {
  for (const Header& each : HeaderList(record.text(Text::environment)))
    if (each.name == name) return each.value;
  return {};
}

std::string value_of(char letter, const std::string& name, const EndedConnection& ended) {
  const runtime::Connection& connection = ended.connection;
  const detail::RequestRecord& record = connection.record();
  const auto text = [&](Text which) { return std::string(record.text(which)); };
  const auto property = [&](std::string_view of) { return property_of(of, ended).text; };
  const bool is_stream = record.version == Version::event_stream;
  switch (letter) {
    case 'a':
    case 'h':
      return std::string(host_of(record.text(Text::remote_address)));
    case 'A':
      return std::string(host_of(record.text(Text::local_address)));
    case 'u':
      return text(Text::user);
    case 'U':
      return std::string(record.text(Text::unparsed_uri).substr(0, record.text(Text::unparsed_uri).find('?')));
    case 'q':
      return record.text(Text::query).empty() ? std::string() : "?" + text(Text::query);
    case 'r':
      return "GET " + text(Text::unparsed_uri) + (record.way == 2 ? " HTTP/2.0" : " HTTP/1.1");
    case 'm':
      return "GET";
    case 'H':
      return record.way == 2 ? "HTTP/2.0" : "HTTP/1.1";
    case 'v':
      return std::string(ended.host);
    case 'p':
      return std::to_string(ended.port);
    case 'P':
      return std::to_string(::getpid());
    case 's':
      return is_stream ? "200" : "101";
    case 'X':  // the connection when all is done: cut, or ended in order
      return connection.ending().by() == runtime::Ending::By::nobody ? "X" : "-";
    case 'D':
      return std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(duration_of(ended)).count());
    case 'T':
      return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(duration_of(ended)).count());
    case 'B':
      return property("bytes_out");
    case 'I':
      return property("wire_in");
    case 'O':
      return property("wire_out");
    case 't':
      return time_of(begin_of(ended), name.empty() ? "[%d/%b/%Y:%H:%M:%S %z]" : name);
    case 'i':
      return std::string(connection.header(name).value_or(""));
    case 'C':
      return std::string(cookie(connection.header("Cookie").value_or(""), name));
    case 'e':
      return std::string(environment_of(record, name));
    case 'W':
      return property(name);
    default:
      return {};
  }
}

[[noreturn]] void refuse(const std::string& what) {
  std::string names;
  for (const std::string_view each : LogFormat::names()) names.append(names.empty() ? "" : ", ").append(each);
  throw std::invalid_argument(
      "the format has " + what +
      "; it takes json, or text with %% %a %A %h %l %u %U %q %r %m %H %v %p %P %s %X %D %T %B %I %O %t, %{FORMAT}t, "
      "%{NAME}i, %{NAME}C, %{NAME}e, and %{NAME}W with NAME one of " + names);
}

// One object; numbers are numbers, and what there is none of is null.
std::string json_of(const EndedConnection& ended) {
  std::string line;
  for (const std::string_view name : LogFormat::names()) {
    line.append(line.empty() ? "{\"" : ",\"").append(name).append("\":");
    const Property property = property_of(name, ended);
    if (property.text.empty())
      line += property.is_number ? "null" : "\"\"";
    else if (property.is_number)
      line += property.text;
    else
      channels::append_json_string(line, property.text);
  }
  return line + "}\n";
}

}  // namespace

LogFormat::LogFormat(std::string_view format) {
  if (format == "json") return;
  items_.emplace_back();
  while (!format.empty()) {
    const char c = format.front();
    format.remove_prefix(1);
    Item& item = items_.back();
    if (c != '%') {
      if (c == '\\' && format.starts_with('t')) {
        item.text += '\t';
        format.remove_prefix(1);
      } else {
        item.text += c;
      }
      continue;
    }
    while (format.starts_with('<') || format.starts_with('>')) format.remove_prefix(1);  // %>s
    if (format.starts_with('{')) {
      const auto end = format.find('}');
      if (end == format.npos) refuse("a \"%{\" without \"}\"");
      item.name = format.substr(1, end - 1);
      format.remove_prefix(end + 1);
      if (item.name.empty()) refuse("\"%{}\" without a name");
    }
    if (format.empty()) refuse("a \"%\" at its end");
    item.letter = format.front();
    format.remove_prefix(1);
    const auto& letters = item.name.empty() ? plain_letters : named_letters;
    const std::string said = "\"%" + (item.name.empty() ? "" : "{" + item.name + "}") + item.letter + "\"";
    if (letters.find(item.letter) == letters.npos) refuse(said);
    if (item.letter == 'W' && std::ranges::find(names(), item.name) == names().end()) refuse(said);
    items_.emplace_back();
  }
}

std::string LogFormat::line(const EndedConnection& ended) const {
  if (items_.empty()) return json_of(ended);
  std::string line;
  for (const Item& item : items_) {
    line += item.text;
    if (item.letter == '%')
      line += '%';
    else if (item.letter != 0)
      append_escaped(line, value_of(item.letter, item.name, ended), item.letter == 'q' ? "" : "-");
  }
  return line + "\n";
}

}  // namespace cppwebsocket::httpd
