// Commands of the subprotocol channels.json. Input: a text as a client sends it, which is valid UTF-8.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "channels/conversation/command.hpp"
#include "protocol/base64.hpp"
#include "protocol/frames/utf8.hpp"
#include "protocol/json.hpp"

using namespace cppwebsocket;

namespace {

// What is there of Base64 is the only form of its bytes.
void check_base64(std::string_view text) {
  const auto bytes = protocol::decode_base64(text);
  if (!bytes) return;
  std::string again;
  protocol::append_base64(again, *bytes);
  if (again != text) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  check_base64(text);
  if (!protocol::is_utf8(text)) return 0;
  const auto object = protocol::parse_json_object(text);
  if (object)
    for (const auto& [name, value] : *object) {
      if (!protocol::is_utf8(name) || !protocol::is_utf8(value.text)) std::abort();
      for (const auto& each : value.strings)
        if (!protocol::is_utf8(each)) std::abort();
      if (find(*object, name) == nullptr) std::abort();
    }
  if (object.has_value() != protocol::parse_json_object(" " + std::string(text) + "\n").has_value()) std::abort();
  const auto parsed = channels::parse_command(text);
  if (const auto* command = std::get_if<channels::Command>(&parsed)) {
    if (!object || command->id >= std::uint64_t{1} << 53 || command->count > channels::most_history) std::abort();
    if (command->message.is_text() && !protocol::is_utf8(command->message.text())) std::abort();
  }
  return 0;
}
