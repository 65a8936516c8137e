// Sec-WebSocket-Extensions: what was parsed, written out again and parsed again, is the same.
#include <cstdint>
#include <cstdlib>

#include "protocol/opening/handshake.hpp"
#include "protocol/opening/header_fields.hpp"

namespace {

using namespace cppwebsocket;
using namespace cppwebsocket::protocol;

std::string written(const std::vector<ExtensionOffer>& offers) {
  std::string text;
  for (const ExtensionOffer& offer : offers) {
    text.append(text.empty() ? "" : ",").append(offer.name);
    for (const auto& parameter : offer.parameters) {
      text.append(";").append(parameter.name);
      if (!parameter.value) continue;
      const char* const quote = is_token(*parameter.value) ? "" : "\"";
      text.append("=").append(quote).append(*parameter.value).append(quote);
    }
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const auto offers = parse_extensions({reinterpret_cast<const char*>(bytes), size});
  if (!offers) return 0;
  const std::string text = written(*offers);
  const auto again = parse_extensions(text);
  if (!again || written(*again) != text) std::abort();
  if (again->size() != offers->size()) std::abort();
  for (std::size_t i = 0; i < offers->size(); ++i)
    if ((*again)[i].parameters.size() != (*offers)[i].parameters.size()) std::abort();
  return 0;
}
