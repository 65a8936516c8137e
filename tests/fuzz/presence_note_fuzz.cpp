// What children tell each other about members: whatever is accepted is what encode() would write.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "channels/presence/note.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace cppwebsocket::channels;
  const std::string_view input(reinterpret_cast<const char*>(bytes), size);
  const auto note = decode_presence_note(input);
  if (note && encode(*note) != input) std::abort();
  return 0;
}
