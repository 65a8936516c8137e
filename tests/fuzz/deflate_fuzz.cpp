// permessage-deflate: anything inflates to at most the limit or fails, and alike with a larger
// limit; anything compresses, in fragments too, and inflates to itself.
#include <cstdlib>

#include "chunks.hpp"
#include "protocol/frames/deflate.hpp"

namespace {

using namespace cppwebsocket;
using namespace cppwebsocket::protocol;

constexpr std::size_t limit = 70'000;  // bytes; more than two windows

void require(bool condition) {
  if (!condition) std::abort();
}

DeflateParameters parameters_of(unsigned options) {
  const bool forget = (options & 1) != 0;
  const int bits = 9 + static_cast<int>(options >> 1 & 7) % 7;
  return {forget, forget, bits, bits, 1 + static_cast<int>(options >> 4) % 9, 0};
}

// In as many turns as it takes; the first has no share at all, and what it appends to is kept.
InflateResult inflate_wholly(PerMessageDeflate& deflate, std::string bytes, std::size_t max_size,
                             std::string& out, DeflateWorkspace& workspace) {
  workspace.share().count_compressed(TurnShare::per_turn);
  InflateResult result = InflateResult::unfinished;
  while (result == InflateResult::unfinished) {
    result = deflate.inflate(bytes, max_size, out);
    workspace.share().begin_turn();
  }
  return result;
}

// Corrupt or bad bytes: never more than the limit; a message that fits says so at its own size.
void check_inflating(std::string_view bytes, const DeflateParameters& parameters,
                     DeflateWorkspace& workspace) {
  const auto inflate = [&](std::size_t max_size, std::string& out) {
    PerMessageDeflate deflate(parameters, workspace);
    return inflate_wholly(deflate, std::string(bytes), max_size, out, workspace);
  };
  std::string out = "before";
  const InflateResult result = inflate(limit, out);
  const std::size_t size = out.size() - 6;
  require(out.starts_with("before") && size <= limit);
  if (result != InflateResult::ok) return;
  std::string again;
  require(inflate(size, again) == InflateResult::ok && again == out.substr(6));
  again.clear();
  if (size > 0) require(inflate(size - 1, again) == InflateResult::too_big);
  require(again.size() <= size);
}

// Two connections on one workspace, whose fragments alternate.
void check_round_trip(const fuzz::ChunkedInput& input, const DeflateParameters& parameters,
                      DeflateWorkspace& workspace) {
  PerMessageDeflate one(parameters, workspace), two(parameters, workspace);
  for (int message = 0; message < 2; ++message) {
    std::string wire_one, wire_two;
    for (const std::string_view chunk : input.chunks()) {
      one.compress(chunk, false, wire_one);
      two.compress(chunk.substr(chunk.size() / 2), false, wire_two);
    }
    one.compress({}, true, wire_one);
    two.compress(input.whole(), true, wire_two);
    std::string out;
    require(inflate_wholly(one, wire_one, input.whole().size(), out, workspace) ==
            InflateResult::ok);
    require(out == input.whole());
    out.clear();
    require(inflate_wholly(two, wire_two, 2 * input.whole().size(), out, workspace) ==
            InflateResult::ok);
    require(out.ends_with(input.whole()));
    if (message == 0) one.release_compressor();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const fuzz::ChunkedInput input(bytes, size);
  const DeflateParameters parameters = parameters_of(input.options());
  DeflateWorkspace workspace;
  check_inflating(input.whole(), parameters, workspace);
  check_round_trip(input, parameters, workspace);
  return 0;
}
