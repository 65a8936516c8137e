#include "runtime/request_text.hpp"

#include <cstring>
#include <string>

namespace cppwebsocket::runtime {

void own_text(detail::RequestRecord& record) {
  using detail::TextBlock;
  constexpr std::size_t table_size = sizeof(TextBlock::Table);
  TextBlock::Table table{};
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
    table[i] = {static_cast<std::uint32_t>(table_size + at),
                static_cast<std::uint32_t>(text.size())};
  }
  auto block = std::make_unique_for_overwrite<char[]>(table_size + characters.size());
  std::memcpy(block.get(), table.data(), table_size);
  std::memcpy(block.get() + table_size, characters.data(), characters.size());
  record.texts = TextBlock(std::move(block));
}

}  // namespace cppwebsocket::runtime
