// The grammar of Sec-WebSocket-Extensions (RFC 6455 §9.1), on RFC 2616's rules: spaces may stand
// between any two words, and elements of a list may be empty.
#include <algorithm>

#include "protocol/opening/handshake.hpp"
#include "protocol/opening/header_fields.hpp"

namespace cppwebsocket::protocol {

namespace {

class ExtensionScanner {
 public:
  explicit ExtensionScanner(std::string_view text) noexcept : rest_(text) { skip_spaces(); }

  bool at_end() const noexcept { return rest_.empty(); }

  bool take(char c) noexcept {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    skip_spaces();
    return true;
  }

  // Empty if there is none here.
  std::string_view token() noexcept {
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), is_token_character);
    return take_word(static_cast<std::size_t>(end - rest_.begin()), 0);
  }

  // What is inside the quotes, escapes in place; empty if it is no token when unescaped.
  std::string_view quoted_token() noexcept {
    if (rest_.empty() || rest_.front() != '"') return {};
    std::size_t end = 1;
    while (end < rest_.size() && rest_[end] != '"') {
      if (rest_[end] == '\\') ++end;
      if (end >= rest_.size() || !is_token_character(rest_[end])) return {};
      ++end;
    }
    if (end >= rest_.size()) return {};
    return take_word(end + 1, 1);
  }

 private:
  std::string_view take_word(std::size_t size, std::size_t quotes) noexcept {
    const std::string_view word = rest_.substr(quotes, size - 2 * quotes);
    rest_.remove_prefix(size);
    skip_spaces();
    return word;
  }
  void skip_spaces() noexcept {
    while (!rest_.empty() && is_optional_space(rest_.front())) rest_.remove_prefix(1);
  }

  std::string_view rest_;
};

// extension = token *( ";" token [ "=" ( token | quoted-string ) ] )
bool scan_extension(ExtensionScanner& scanner, ExtensionOffer& offer) {
  offer.name = scanner.token();
  if (offer.name.empty()) return false;
  while (scanner.take(';')) {
    ExtensionOffer::Parameter parameter{scanner.token(), std::nullopt};
    if (parameter.name.empty()) return false;
    if (scanner.take('=')) {
      parameter.value = scanner.token();
      if (parameter.value->empty()) parameter.value = scanner.quoted_token();
      if (parameter.value->empty()) return false;
    }
    offer.parameters.push_back(parameter);
  }
  return true;
}

}  // namespace

std::optional<std::vector<ExtensionOffer>> parse_extensions(std::string_view value) {
  std::vector<ExtensionOffer> offers;
  ExtensionScanner scanner(value);
  while (!scanner.at_end()) {
    if (scanner.take(',')) continue;
    if (!scan_extension(scanner, offers.emplace_back())) return std::nullopt;
    if (!scanner.at_end() && !scanner.take(',')) return std::nullopt;
  }
  return offers;
}

}  // namespace cppwebsocket::protocol
