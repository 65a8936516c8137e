// A client's resume token: what is read from it, written again, is the same position.
#include <cppwebsocket/position.hpp>

#include <cstdlib>

using cppwebsocket::Position;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  // A copy of just this size: reading beyond its end is found.
  const std::string text(reinterpret_cast<const char*>(input), size);
  const auto position = Position::parse(text);
  if (position && Position::parse(position->to_string()) != position) std::abort();
  return 0;
}
