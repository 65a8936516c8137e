// What the pieces of the protocol engine cost by themselves, without kernel or network:
// masking, UTF-8, frames, deflate, and a coroutine's suspension.
#include <cppwebsocket/message.hpp>
#include <cppwebsocket/task.hpp>

#include "frames.hpp"
#include "protocol/deflate.hpp"
#include "protocol/mask.hpp"
#include "protocol/output.hpp"
#include "protocol/protocol.hpp"
#include "protocol/utf8.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <coroutine>
#include <span>
#include <string>
#include <string_view>

namespace {

using namespace cppwebsocket;

void count_bytes(benchmark::State& state, std::size_t bytes) {
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * bytes));
}

// --- masking ---------------------------------------------------------------------------------

void mask(benchmark::State& state,
          void (*apply)(std::span<char>, protocol::MaskingKey, std::size_t) noexcept) {
  std::string bytes(static_cast<std::size_t>(state.range(0)), 'x');
  for (auto _ : state) {
    apply(bytes, protocol::MaskingKey{1, 2, 3, 4}, 0);
    benchmark::ClobberMemory();
  }
  count_bytes(state, bytes.size());
}
BENCHMARK_CAPTURE(mask, fast, protocol::apply_mask)->Arg(20)->Arg(125)->Arg(16 << 10)->Arg(1 << 20);
BENCHMARK_CAPTURE(mask, plain, protocol::plain::apply_mask)->Arg(16 << 10);

// --- UTF-8 -----------------------------------------------------------------------------------

std::string repeated(std::string_view text, std::size_t size) {
  std::string result;
  while (result.size() + text.size() <= size) result += text;
  return result;
}

const std::string ascii = repeated("The quick brown fox jumps over the lazy dog. ", 16 << 10);
const std::string japanese = repeated("いろはにほへと ちりぬるを。", 16 << 10);

// The first `size` bytes, or up to two more so as not to cut a character.
std::string_view beginning(const std::string& text, std::size_t size) {
  while (size < text.size() && (text[size] & 0xC0) == 0x80) ++size;
  return std::string_view(text).substr(0, size);
}

void utf8(benchmark::State& state, bool (*validate)(std::string_view) noexcept,
          std::string_view text) {
  for (auto _ : state) {
    if (!validate(text)) state.SkipWithError("refused");
    benchmark::ClobberMemory();
  }
  count_bytes(state, text.size());
}
BENCHMARK_CAPTURE(utf8, ascii_20, protocol::is_utf8, beginning(ascii, 20));
BENCHMARK_CAPTURE(utf8, ascii_16K, protocol::is_utf8, ascii);
BENCHMARK_CAPTURE(utf8, japanese_20, protocol::is_utf8, beginning(japanese, 20));
BENCHMARK_CAPTURE(utf8, japanese_16K, protocol::is_utf8, japanese);
BENCHMARK_CAPTURE(utf8, plain_japanese_16K, protocol::plain::is_utf8, japanese);

// --- frames ----------------------------------------------------------------------------------

// One masked frame in, one message out.
void receive(benchmark::State& state, Message::Type type) {
  const std::string payload(static_cast<std::size_t>(state.range(0)), 'x');
  const auto opcode = type == Message::Type::text ? bench::text : bench::binary;
  const std::string frame = bench::make_frame(opcode, payload, true);
  std::string input = frame;
  const auto wire = protocol::make_rfc6455(1 << 20, nullptr);
  for (auto _ : state) {
    std::copy(frame.begin(), frame.end(), input.begin());  // receive() unmasks in place
    std::span<char> left(input);
    if (wire->receive(left) != protocol::Event::message) state.SkipWithError("no message");
    benchmark::DoNotOptimize(wire->take_message());
  }
  count_bytes(state, payload.size());
}
BENCHMARK_CAPTURE(receive, text, Message::Type::text)->Arg(20)->Arg(125)->Arg(16 << 10);
BENCHMARK_CAPTURE(receive, binary, Message::Type::binary)->Arg(20)->Arg(125)->Arg(16 << 10);

// Sixteen frames of one read.
void receive_16_frames(benchmark::State& state) {
  std::string frames;
  for (int i = 0; i < 16; ++i) frames += bench::make_frame(bench::text, std::string(20, 'x'), true);
  std::string input = frames;
  const auto wire = protocol::make_rfc6455(1 << 20, nullptr);
  for (auto _ : state) {
    std::copy(frames.begin(), frames.end(), input.begin());
    std::span<char> left(input);
    while (wire->receive(left) == protocol::Event::message) {
      benchmark::DoNotOptimize(wire->take_message());
    }
  }
  state.SetItemsProcessed(state.iterations() * 16);
}
BENCHMARK(receive_16_frames);

// One message out, and its bytes sent.
void send(benchmark::State& state) {
  const std::string payload(static_cast<std::size_t>(state.range(0)), 'x');
  const auto wire = protocol::make_rfc6455(1 << 20, nullptr);
  protocol::Output output;
  for (auto _ : state) {
    wire->send_message(Message(std::string_view(payload)), true, output);
    std::string_view pieces[8];
    benchmark::DoNotOptimize(output.pieces(pieces, 8));
    output.consume(output.size());
  }
  count_bytes(state, payload.size());
}
BENCHMARK(send)->Arg(20)->Arg(125)->Arg(16 << 10);

// --- deflate ---------------------------------------------------------------------------------

std::string json_1k() {
  std::string text = "[";
  for (int i = 0; text.size() < 1000; ++i) {
    text += "{\"id\": " + std::to_string(i * 7919 % 10007) + ", \"name\": \"item " +
            std::to_string(i) + "\", \"price\": " + std::to_string(i * 31 % 97) + ".50},";
  }
  text.resize(1023, ' ');
  return text + "]";
}

protocol::DeflateParameters parameters(bool context_takeover) {
  protocol::DeflateParameters result;
  result.server_no_context_takeover = !context_takeover;
  result.client_no_context_takeover = !context_takeover;
  return result;
}

void deflate(benchmark::State& state, bool context_takeover) {
  const std::string json = json_1k();
  protocol::DeflateWorkspace workspace;
  protocol::PerMessageDeflate compressor(parameters(context_takeover), workspace);
  std::string output;
  for (auto _ : state) {
    output.clear();
    compressor.compress(json, true, output);
    benchmark::ClobberMemory();
  }
  state.counters["compressed"] = static_cast<double>(output.size());
  count_bytes(state, json.size());
}
BENCHMARK_CAPTURE(deflate, 1K_json_no_context_takeover, false);
BENCHMARK_CAPTURE(deflate, 1K_json_context_takeover, true);

void inflate_1K_json(benchmark::State& state) {
  const std::string json = json_1k();
  protocol::DeflateWorkspace workspace;
  protocol::PerMessageDeflate stream(parameters(false), workspace);
  std::string compressed;
  stream.compress(json, true, compressed);
  std::string output;
  for (auto _ : state) {
    output.clear();
    if (stream.inflate(compressed, 1 << 20, output) != protocol::InflateResult::ok) {
      state.SkipWithError("corrupt");
    }
  }
  count_bytes(state, json.size());
}
BENCHMARK(inflate_1K_json);

// --- coroutines ------------------------------------------------------------------------------

// Runs a Task to wherever it waits, without anything around it.
struct Started {
  struct promise_type {
    Started get_return_object() noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
};

Started start(Task<> task) { co_await std::move(task); }

struct Pause {
  std::coroutine_handle<>& waiting;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) const noexcept { waiting = handle; }
  void await_resume() const noexcept {}
};

// A handler that waits for the next message, and gets it.
void task_resume(benchmark::State& state) {
  std::coroutine_handle<> waiting;
  bool goes_on = true;
  auto handler = [&]() -> Task<> {
    while (goes_on) co_await Pause{waiting};
  };
  start(handler());
  for (auto _ : state) waiting.resume();
  goes_on = false;
  waiting.resume();
}
BENCHMARK(task_resume);

Task<int> one() { co_return 1; }

// A handler that calls a coroutine of its own.
void task_call_and_resume(benchmark::State& state) {
  std::coroutine_handle<> waiting;
  bool goes_on = true;
  auto handler = [&]() -> Task<> {
    while (goes_on) {
      benchmark::DoNotOptimize(co_await one());
      co_await Pause{waiting};
    }
  };
  start(handler());
  for (auto _ : state) waiting.resume();
  goes_on = false;
  waiting.resume();
}
BENCHMARK(task_call_and_resume);

}  // namespace
