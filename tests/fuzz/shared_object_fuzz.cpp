// A handler file: whatever is in it, it is read within its bounds, and one verdict comes of it.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "runtime/handlers/shared_object.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  // A copy of just this size: reading beyond its end is found.
  const std::string file(reinterpret_cast<const char*>(input), size);
  const std::string_view problem = cppwebsocket::runtime::problem_of_object(file);
  if (problem != cppwebsocket::runtime::problem_of_object(file)) std::abort();
  return 0;
}
