#include "channels/store/remarks.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>

namespace cppwebsocket::channels {

namespace {

std::string text_of(std::uint32_t number) { return number == 0 ? std::string() : std::to_string(number); }

std::uint32_t number_of(std::string_view text) noexcept {
  std::uint32_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  return read.ec == std::errc() && read.ptr == text.data() + text.size() ? number : 0;
}

}  // namespace

bool may_be_tag(std::string_view text) noexcept {
  return !text.empty() && text.size() <= longest_tag &&
         std::ranges::none_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

bool may_be_event(std::string_view name) noexcept {
  constexpr std::string_view own[] = {"message", "binary", "gap", "position", "subscribed", "error", "open"};
  return may_be_tag(name) && std::ranges::find(own, name) == std::end(own);
}

// The fields in their order, with a NUL between them; those that are empty at the end are left out.
std::optional<std::string> packed(const Remarks& remarks) {
  std::string text = remarks.user;
  std::size_t used = text.size();
  for (const std::string& field :
       {remarks.event, text_of(remarks.retry_ms), text_of(remarks.ttl_s), remarks.except}) {
    text.append(1, '\0').append(field);
    if (!field.empty()) used = text.size();
  }
  text.resize(used);
  if (used > longest_remarks) return std::nullopt;
  return text;
}

Remarks unpacked(std::string_view text) {
  if (text.empty()) return {};
  std::array<std::string_view, 5> fields;
  for (std::string_view& field : fields) {
    field = text.substr(0, text.find('\0'));
    text.remove_prefix(std::min(field.size() + 1, text.size()));
  }
  return {std::string(fields[0]), std::string(fields[1]), number_of(fields[2]), number_of(fields[3]),
          std::string(fields[4])};
}

}  // namespace cppwebsocket::channels
