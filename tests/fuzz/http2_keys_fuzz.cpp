// What an HTTP/2 client sends. Input: a byte that says how long pieces are, and the bytes behind
// the preface. In pieces as in one go, the same keys are found, and each has its form.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "protocol/opening/handshake.hpp"
#include "protocol/opening/http2_keys.hpp"
#include "protocol/support/plain_headers.hpp"

namespace {

using namespace cppwebsocket::protocol;

std::string read_in(std::size_t piece, std::string_view bytes) {
  std::string seen;
  test::PlainHeaders decoder;
  Http2Keys keys(decoder, [&seen](std::uint32_t stream, std::string_view key) {
    if (!is_key(key)) std::abort();
    seen.append(std::to_string(stream)).append(" ").append(key).append("\n");
  });
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size())))
    if (!keys.read(bytes.substr(0, piece))) return seen + "broken";
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size < 1) return 0;
  std::string sent = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  sent.append(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  if (read_in(bytes[0] % 32 + 1, sent) != read_in(sent.size(), sent)) std::abort();
  return 0;
}
