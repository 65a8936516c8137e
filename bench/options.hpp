// The load generator's command line.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

namespace bench {

enum class Mode : std::uint8_t { echo, idle, setup };

struct Options {
  std::string host = "127.0.0.1";  // IPv4
  std::uint16_t port = 0;
  std::string path = "/echo";
  std::size_t connections = 1;
  std::size_t size = 125;     // bytes of a message
  std::size_t in_flight = 1;  // messages that a connection sends before it waits for an echo
  std::chrono::duration<double> duration{2.0};
  std::uint64_t messages = 0;  // end after so many; 0: after `duration`
  bool text = true;
  bool wait_for_go = false;
  Mode mode = Mode::echo;
};

constexpr const char* usage =
    "usage: bench_load --port PORT [--host 127.0.0.1] [--path /echo] [--connections 1]\n"
    "                  [--size 125] [--in-flight 1] [--duration 2 | --messages N]\n"
    "                  [--text | --binary] [--idle | --setup] [--sync]\n"
    "\n"
    "Echo (the default): opens the connections, sends a message on each and checks the echo, then\n"
    "measures. --idle: opens them, does one echo on each, and holds them until stdin closes.\n"
    "--setup: connects, shakes hands, closes, again and again, on so many connections at a time.\n"
    "--sync: prints \"ready\" before it measures, and begins when a line comes in on stdin.\n"
    "Prints one line of JSON; ends with 1 if there were errors.\n";

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

// Raises std::invalid_argument with a sentence for the user.
inline Options parse_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--text")
      options.text = true;
    else if (name == "--binary")
      options.text = false;
    else if (name == "--idle")
      options.mode = Mode::idle;
    else if (name == "--setup")
      options.mode = Mode::setup;
    else if (name == "--sync")
      options.wait_for_go = true;
    else if (i + 1 == argc)
      throw std::invalid_argument(std::string(name) + " is unknown or lacks a value");
    else if (name == "--host")
      options.host = argv[++i];
    else if (name == "--path")
      options.path = argv[++i];
    else if (name == "--port")
      options.port = static_cast<std::uint16_t>(parse_number(name, argv[++i], 1, 65535));
    else if (name == "--connections")
      options.connections = parse_number(name, argv[++i], 1, 1'000'000);
    else if (name == "--size")
      options.size = parse_number(name, argv[++i], 0, 1 << 30);
    else if (name == "--in-flight")
      options.in_flight = parse_number(name, argv[++i], 1, 100'000);
    else if (name == "--messages")
      options.messages = parse_number(name, argv[++i], 1, UINT64_MAX);
    else if (name == "--duration")
      options.duration = std::chrono::duration<double>(parse_seconds(name, argv[++i]));
    else
      throw std::invalid_argument(std::string(name) + " is unknown");
  }
  if (options.port == 0) throw std::invalid_argument("--port is missing");
  return options;
}

}  // namespace bench
