// UTF-8: the fast validators say what the plain one says, whole and in chunks; in chunks they fail
// in the chunk that has the first bad byte; and replacing makes valid text.
#include <cstdlib>

#include "chunks.hpp"
#include "protocol/frames/utf8.hpp"

namespace {

using namespace cppwebsocket;
using namespace cppwebsocket::protocol;

void require(bool condition) {
  if (!condition) std::abort();
}

// The length of the longest prefix that may still become valid text, byte by byte.
std::size_t hopeful_prefix(std::string_view text) {
  Utf8Validator validator;
  std::size_t count = 0;
  while (count < text.size() && validator.feed(text.substr(count, 1))) ++count;
  return count;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const fuzz::ChunkedInput input(bytes, size);
  const std::string text(input.whole());
  const bool valid = plain::is_utf8(text);
  require(is_utf8(text) == valid);
  // Wide enough for the widest loop, with the text at its end and at its beginning.
  require(is_utf8(std::string(100, 'a') + text) == valid);
  require(is_utf8(text + std::string(100, 'a')) == valid);

  const std::size_t hopeful = hopeful_prefix(text);
  Utf8Validator validator;
  std::size_t seen = 0;
  for (const std::string_view chunk : input.chunks()) {
    seen += chunk.size();
    require(validator.feed(chunk) == (seen <= hopeful));
  }
  require((seen <= hopeful && validator.complete()) == valid);

  const std::string replaced = replace_invalid_utf8(text);
  require(plain::is_utf8(replaced) && (replaced == text) == valid);
  return 0;
}
