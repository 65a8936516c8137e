// The channels' shared memory across processes: one publishes, three others receive.
//
//   bench_rings [MESSAGES] [MIB] [RATE]   messages per second (as many as it can, or RATE), and how
//                                         long a sleeping process takes to get one
#include "channels/store/reader.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

using namespace cppwebsocket;
using namespace cppwebsocket::channels;

namespace {

constexpr unsigned receivers = 3;
constexpr int wakes = 2'000;

std::int64_t now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

void sleep_until(std::int64_t ns) {
  const timespec until{ns / 1'000'000'000, ns % 1'000'000'000};
  ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
}

struct Results {
  std::atomic<unsigned> ready;
  std::atomic<std::uint64_t> received[receivers], lost[receivers];
  std::atomic<std::int64_t> last_ns[receivers];
  std::int64_t latency_ns[receivers][wakes];
};

struct Receiver final : ChannelReader::Sink {
  void received(Follow& follow, Record&& record) override {
    ++count;
    offset = follow.position.offset;
    if (record.message.is_binary() && woken < wakes)
      results->latency_ns[number][woken++] = now_ns() - std::stoll(record.message.payload());
  }
  void gap(Follow&, Position from, Position to) override {
    lost += to.offset - from.offset;
    offset = to.offset;
  }
  void control(std::string_view, Record&&) override {}

  Results* results;
  unsigned number;
  std::uint64_t count = 0, lost = 0, offset = 0;
  int woken = 0;
};

// As a reactor does: read, and sleep when there is nothing.
[[noreturn]] void receive(ChannelMemory& memory, Results& results, unsigned number,
                          std::uint64_t messages) {
  ChannelStore store(memory);
  ChannelReader reader(store, 0);
  reader.follow("bench", nullptr);
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event wanted{EPOLLIN | EPOLLET, {}};
  ::epoll_ctl(epoll, EPOLL_CTL_ADD, reader.wake_descriptor(), &wanted);
  Receiver sink;
  sink.results = &results;
  sink.number = number;
  ++results.ready;
  bool noted = false;
  while (sink.offset < messages + wakes) {
    while (reader.read(sink, 512)) {
    }
    if (!noted && sink.offset >= messages) {
      noted = true;
      results.received[number] = sink.count;
      results.lost[number] = sink.lost;
      results.last_ns[number] = now_ns();
    }
    if (sink.offset >= messages + wakes || !reader.prepare_to_wait()) continue;
    epoll_event event;
    ::epoll_wait(epoll, &event, 1, -1);
    reader.waited();
  }
  std::_Exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t messages = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 2'000'000;
  const std::size_t mib = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 64;
  const std::uint64_t per_second = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 0;
  const auto memory = ChannelMemory::create(mib << 20, receivers + 1);
  void* const page =
      ::mmap(nullptr, sizeof(Results), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return 1;
  Results& results = *new (page) Results();
  ChannelStore store(*memory);
  for (unsigned i = 0; i < receivers; ++i)
    if (::fork() == 0) receive(*memory, results, i, messages);
  while (results.ready < receivers) ::usleep(100);

  Record record;
  record.message = Message(std::string(64, 'x'));
  const std::int64_t begin = now_ns();
  for (std::uint64_t i = 0; i < messages; ++i) {
    if (per_second != 0 && i % 1'000 == 0) sleep_until(begin + static_cast<std::int64_t>(i * 1'000'000'000 / per_second));
    store.publish("bench", record);
  }
  const std::int64_t published = now_ns();
  for (auto& last : results.last_ns)
    while (last == 0) ::usleep(1'000);
  for (int i = 0; i < wakes; ++i) {
    ::usleep(1'000);
    record.message = Message::binary(std::to_string(now_ns()));
    store.publish("bench", record);
  }
  while (::wait(nullptr) > 0) {
  }

  const auto rate = [&](std::uint64_t count, std::int64_t ns) {
    return static_cast<double>(count) * 1e9 / static_cast<double>(ns);
  };
  std::printf("published: %.0f messages/s\n", rate(messages, published - begin));
  std::vector<std::int64_t> latencies;
  for (unsigned i = 0; i < receivers; ++i) {
    std::printf("receiver %u: %.0f messages/s, lost %llu\n", i,
                rate(results.received[i], results.last_ns[i] - begin),
                static_cast<unsigned long long>(results.lost[i]));
    latencies.insert(latencies.end(), results.latency_ns[i], results.latency_ns[i] + wakes);
  }
  std::ranges::sort(latencies);
  std::printf("from publish to a process that slept: p50 %.0f us, p99 %.0f us\n",
              static_cast<double>(latencies[latencies.size() / 2]) / 1e3,
              static_cast<double>(latencies[latencies.size() * 99 / 100]) / 1e3);
}
