// A mangled name from a file's table of symbols: nothing of it is read that is not there, and what is told
// of it can stand in a line of the log.
#include "runtime/watch/code_place.hpp"

#include <cstdint>
#include <cstdlib>

using cppwebsocket::runtime::SignalText;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  SignalText text;
  cppwebsocket::runtime::add_function_name({reinterpret_cast<const char*>(data), size}, text);
  for (const char each : text.view())
    if (each < 0x20 || each >= 0x7f) std::abort();
  return 0;
}
