// The load generator's command line.
#pragma once

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

#include "frames.hpp"

namespace bench {

enum class Mode : std::uint8_t { echo, idle, setup, get, fan_out, deaf };
enum class Compression : std::uint8_t { none, no_takeover, takeover };

struct Options {
  std::string host = "127.0.0.1";  // IPv4
  std::uint16_t port = 0;
  std::string path = "/echo";
  std::string publish_path;  // fan-out
  std::string source;        // address to connect from; empty: any
  std::size_t connections = 1;
  std::size_t size = 125;     // bytes of a message
  std::size_t in_flight = 1;  // messages that a connection sends before it waits for an echo
  std::chrono::duration<double> duration{2.0};
  std::uint64_t messages = 0;  // end after so many; 0: after `duration`
  double rate = 0;             // messages per second of all connections; 0: as many as go
  Content content = Content::text;
  Compression compression = Compression::none;
  bool tls = false;
  bool again_if_busy = false;
  bool wait_for_go = false;
  Mode mode = Mode::echo;
};

constexpr const char* usage =
    R"(usage: bench_load --port PORT [--host 127.0.0.1] [--path /echo] [OPTION…]

What to do (the default is to echo):
  --idle              open the connections, do one echo on each, hold them until stdin closes
  --setup             connect, shake hands, close, again and again, on so many connections at a time
  --get               connect, GET the path, read the answer, close; likewise
  --fan-out PATH      one more connection, to PATH, sends; the others count and check what they
                      receive. A message is counted once for each of them.
  --deaf              send, never receive, until the server takes no more or the time is over

  --connections N     default 1
  --size BYTES        of a message, default 125
  --in-flight N       messages under way on each connection, default 1; --fan-out: on all together
  --duration SECONDS  default 2;  --messages N: end after so many instead
  --rate N            begin at most so many per second, all connections together (echo, --get)
  --text | --binary | --json          the messages; default text
  --compress takeover|no-takeover     permessage-deflate, with that context mode on both sides
  --tls               wss; the server's certificate is not checked
  --source ADDRESS    connect from there: an address has some 28,000 ports
  --again-if-busy     connect again after a 503
  --sync              print "ready" before measuring, and begin when a line comes in on stdin

Prints one line of JSON; ends with 1 if there were errors.
)";

inline std::uint64_t parse_number(std::string_view name, const char* text, std::uint64_t min,
                                  std::uint64_t max) {
  char* end = nullptr;
  errno = 0;
  const unsigned long long value = std::strtoull(text, &end, 10);
  if (errno != 0 || end == text || *end != '\0' || *text == '-' || value < min || value > max) {
    throw std::invalid_argument(std::string(name) + " wants a number from " + std::to_string(min) +
                                " to " + std::to_string(max));
  }
  return value;
}

inline double parse_seconds(std::string_view name, const char* text) {
  char* end = nullptr;
  const double value = std::strtod(text, &end);
  if (end == text || *end != '\0' || !(value > 0 && value < 1e6)) {
    throw std::invalid_argument(std::string(name) + " wants seconds");
  }
  return value;
}

// An option without a value, if `name` is one.
inline bool take_switch(std::string_view name, Options& options) {
  if (name == "--text")
    options.content = Content::text;
  else if (name == "--binary")
    options.content = Content::binary;
  else if (name == "--json")
    options.content = Content::json;
  else if (name == "--idle")
    options.mode = Mode::idle;
  else if (name == "--setup")
    options.mode = Mode::setup;
  else if (name == "--get")
    options.mode = Mode::get;
  else if (name == "--deaf")
    options.mode = Mode::deaf;
  else if (name == "--tls")
    options.tls = true;
  else if (name == "--again-if-busy")
    options.again_if_busy = true;
  else if (name == "--sync")
    options.wait_for_go = true;
  else
    return false;
  return true;
}

inline void take_value(std::string_view name, const char* value, Options& options) {
  if (name == "--host")
    options.host = value;
  else if (name == "--path")
    options.path = value;
  else if (name == "--source")
    options.source = value;
  else if (name == "--port")
    options.port = static_cast<std::uint16_t>(parse_number(name, value, 1, 65535));
  else if (name == "--connections")
    options.connections = parse_number(name, value, 1, 1'000'000);
  else if (name == "--size")
    options.size = parse_number(name, value, 0, 1 << 30);
  else if (name == "--in-flight")
    options.in_flight = parse_number(name, value, 1, 100'000);
  else if (name == "--messages")
    options.messages = parse_number(name, value, 1, UINT64_MAX);
  else if (name == "--rate")
    options.rate = static_cast<double>(parse_number(name, value, 1, 1'000'000'000));
  else if (name == "--duration")
    options.duration = std::chrono::duration<double>(parse_seconds(name, value));
  else if (name == "--fan-out") {
    options.mode = Mode::fan_out;
    options.publish_path = value;
  } else if (name == "--compress" && value == std::string_view("takeover"))
    options.compression = Compression::takeover;
  else if (name == "--compress" && value == std::string_view("no-takeover"))
    options.compression = Compression::no_takeover;
  else
    throw std::invalid_argument(std::string(name) + " " + value + " is unknown");
}

// Raises std::invalid_argument with a sentence for the user.
inline Options parse_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (take_switch(name, options)) continue;
    if (i + 1 == argc)
      throw std::invalid_argument(std::string(name) + " is unknown or lacks a value");
    take_value(name, argv[++i], options);
  }
  if (options.port == 0) throw std::invalid_argument("--port is missing");
  if (options.mode == Mode::fan_out && options.compression != Compression::none) {
    throw std::invalid_argument("--fan-out and --compress do not go together");
  }
  if (options.rate != 0 && options.mode != Mode::get && options.in_flight != 1) {
    throw std::invalid_argument("--rate wants one message in flight");
  }
  return options;
}

}  // namespace bench
