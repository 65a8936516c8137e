// Does to its child and the memory that it shares with others what a hostile one could:
//   "fill N WORD"  writes WORD (hexadecimal) everywhere from the Nth word on
//   "random SEED"  writes anything anywhere
//   "die"          is killed
// The memory is found by its size in bytes, which is the query.
#include <cppwebsocket/handler.hpp>

#include <atomic>
#include <fstream>
#include <random>
#include <span>
#include <sstream>
#include <string>

#include <signal.h>

using namespace cppwebsocket;

namespace {

using Word = std::atomic<std::uint64_t>;

std::span<Word> shared_memory(std::uint64_t bytes) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::uint64_t begin = 0, end = 0;
    char dash = 0;
    std::string rights;
    std::istringstream(line) >> std::hex >> begin >> dash >> end >> rights;
    if (rights == "rw-s" && end - begin == bytes)
      return {reinterpret_cast<Word*>(begin), bytes / sizeof(Word)};
  }
  return {};
}

std::string obey(std::span<Word> words, const std::string& command) {
  std::istringstream in(command);
  std::string what;
  in >> what;
  if (what == "die") ::raise(SIGKILL);
  if (words.empty()) return "there is no such memory";
  if (what == "fill") {
    std::size_t first = 0;
    std::uint64_t value = 0;
    in >> first >> std::hex >> value;
    for (Word& word : words.subspan(first)) word.store(value, std::memory_order_relaxed);
  } else {
    unsigned seed = 0;
    in >> seed;
    std::mt19937_64 random(seed);
    for (std::size_t i = 0; i < 200'000; ++i)  // half of it in the first pages, where the seats are
      words[random() % (i % 2 ? words.size() : 1'000)].store(random() >> random() % 64,
                                                            std::memory_order_relaxed);
  }
  return "done";
}

}  // namespace

void web_socket_do_extra_handshake(Request&) {}

Task<> web_socket_transfer_data(Request& request) {
  const auto words = shared_memory(std::stoull(std::string(request.ws_query())));
  while (auto message = co_await msgutil::receive_message(request)) {
    std::string answer = obey(words, std::string(message->text()));
    co_await msgutil::send_message(request, std::move(answer));
  }
}
