// One side of permessage-deflate, for tests of the other.
#pragma once

#include <cstddef>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "protocol/frames/deflate.hpp"

namespace cppwebsocket::protocol::test {

struct Peer {
  explicit Peer(const DeflateParameters& parameters = {}) : deflate(parameters, workspace) {}

  std::string compress(std::string_view bytes, bool end = true) {
    std::string out;
    deflate.compress(bytes, end, out);
    return out;
  }
  // The inflated bytes, or what is wrong; in as many turns as it takes.
  std::string inflate(std::string bytes, std::size_t max_size = 1 << 20) {
    std::string out;
    InflateResult result = InflateResult::unfinished;
    for (turns = 0; result == InflateResult::unfinished; ++turns) {
      workspace.share().begin_turn();
      result = deflate.inflate(bytes, max_size, out);
    }
    switch (result) {
      case InflateResult::corrupt:
        return "corrupt";
      case InflateResult::too_big:
        EXPECT_LE(out.size(), max_size);
        return "too big";
      default:
        return out;
    }
  }

  DeflateWorkspace workspace;
  PerMessageDeflate deflate;
  std::size_t turns = 0;  // of the last inflate()
};

inline constexpr DeflateParameters no_takeover{.server_no_context_takeover = true,
                                               .client_no_context_takeover = true};

// Messages of all kinds: tiny, empty, repetitive, noise, words.
inline std::vector<std::string> samples() {
  std::mt19937 random(3);
  std::string noise(70'000, '\0');
  for (char& byte : noise) byte = static_cast<char>(random());
  std::string words;
  while (words.size() < 200'000) words += "word " + std::to_string(random() % 1000) + "、単語 ";
  return {"Hello",
          "",
          std::string(100'000, 'a'),
          noise,
          "",
          "",
          words,
          words.substr(0, 300),
          noise.substr(0, 511),
          noise.substr(0, 513),
          std::string(1, '\0'),
          words};
}

}  // namespace cppwebsocket::protocol::test
