#include "runtime/session/request_text.hpp"

#include <array>
#include <cstring>
#include <limits>
#include <string>

namespace cppwebsocket::runtime {

namespace {

using Places = std::array<detail::TextBlock::Large, detail::text_count>;

template <typename Place>
bool fits(std::string_view characters) noexcept {
  return detail::TextBlock::header_size<Place> + characters.size() <=
         std::numeric_limits<decltype(Place::offset)>::max();
}

template <typename Place>
std::unique_ptr<char[]> block_of(const Places& places, std::string_view characters) {
  using Number = decltype(Place::offset);
  constexpr std::size_t header_size = detail::TextBlock::header_size<Place>;
  auto block = std::make_unique_for_overwrite<char[]>(header_size + characters.size());
  block[0] = sizeof(Place);
  char* at = &block[1];
  for (const auto& [offset, size] : places) {
    Place place{};
    if (offset != 0)
      place = {static_cast<Number>(header_size - 1 + offset), static_cast<Number>(size)};
    std::memcpy(at, &place, sizeof place);
    at += sizeof place;
  }
  std::memcpy(at, characters.data(), characters.size());
  return block;
}

}  // namespace

void own_text(detail::RequestRecord& record) {
  using detail::TextBlock;
  Places places{};  // of what is there; offsets count from 1
  std::size_t most = 0;
  for (std::string_view text : record.handshake->texts) most += text.size();
  std::string characters;
  characters.reserve(most);
  for (std::size_t i = 0; i < detail::text_count; ++i) {
    const std::string_view text = record.handshake->texts[i];
    if (!text.data()) continue;
    // Much is there twice: the query ends the URI, which ends the location, and Host is in it.
    std::size_t at = characters.find(text);
    if (at == characters.npos) {
      at = characters.size();
      characters.append(text);
    }
    places[i] = {static_cast<std::uint32_t>(at + 1), static_cast<std::uint32_t>(text.size())};
  }
  record.texts = TextBlock(fits<TextBlock::Tiny>(characters)    ? block_of<TextBlock::Tiny>(places, characters)
                           : fits<TextBlock::Small>(characters) ? block_of<TextBlock::Small>(places, characters)
                                                                : block_of<TextBlock::Large>(places, characters));
}

}  // namespace cppwebsocket::runtime
