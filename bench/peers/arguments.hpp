// What all echo servers here are started with, and what they say when they are up.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

namespace bench {

struct Arguments {
  std::uint16_t port = 0;   // 0: a free one
  std::string pem;          // certificate and key; empty: no TLS
  bool compresses = false;  // permessage-deflate
  bool takes_over = false;  // its context, on both sides
};

inline Arguments parse_arguments(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    const std::string_view value = argv[i + 1];
    if (name == "--port") {
      arguments.port = static_cast<std::uint16_t>(std::atoi(argv[i + 1]));
    } else if (name == "--tls") {
      arguments.pem = value;
    } else if (name == "--compress" && (value == "takeover" || value == "no-takeover")) {
      arguments.compresses = true;
      arguments.takes_over = value == "takeover";
    } else {
      argc = 0;
    }
  }
  if (argc % 2 == 0) {
    throw std::invalid_argument(
        "options: --port PORT (0: a free one), --tls PEM, --compress takeover|no-takeover");
  }
  return arguments;
}

inline void say_listening(unsigned port) {
  std::printf("listening on %u\n", port);
  std::fflush(stdout);
}

}  // namespace bench
