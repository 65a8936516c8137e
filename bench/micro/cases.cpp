#include "cases.hpp"

#include <cppwebsocket/message.hpp>
#include <cppwebsocket/task.hpp>

#include "frames.hpp"
#include "protocol/frames/deflate.hpp"
#include "protocol/frames/mask.hpp"
#include "protocol/frames/output.hpp"
#include "protocol/frames/protocol.hpp"
#include "protocol/frames/utf8.hpp"

#include <algorithm>
#include <coroutine>
#include <exception>
#include <memory>
#include <random>
#include <span>
#include <stdexcept>
#include <string_view>

namespace bench {
namespace {

using namespace cppwebsocket;

void expect(bool right) {
  if (!right) throw std::logic_error("the outcome of a case is wrong");
}

// --- masking ---------------------------------------------------------------------------------

using Mask = void (*)(std::span<char>, protocol::MaskingKey, std::size_t) noexcept;

Case mask(const std::string& name, std::size_t size, Mask apply = protocol::apply_mask) {
  return {name, size, [=] {
            return [bytes = std::string(size, 'x'), apply]() mutable {
              apply(bytes, protocol::MaskingKey{1, 2, 3, 4}, 0);
              keep(bytes);
            };
          }};
}

// --- UTF-8 -----------------------------------------------------------------------------------

constexpr std::string_view english = "The quick brown fox jumps over the lazy dog. ";
constexpr std::string_view japanese = "いろはにほへと ちりぬるを。";

// At least `size` bytes; no character is cut.
std::string repeated(std::string_view text, std::size_t size) {
  std::string result;
  while (result.size() < size) result += text;
  while ((result[size] & 0xC0) == 0x80) ++size;
  return result.substr(0, size);
}

using Validate = bool (*)(std::string_view) noexcept;

Case utf8(const std::string& name, std::string_view text, std::size_t size,
          Validate validate = protocol::is_utf8) {
  return {name, size, [=] {
            return [bytes = repeated(text, size), validate] {
              keep(bytes);
              expect(validate(bytes));
            };
          }};
}

// --- frames ----------------------------------------------------------------------------------

// `count` masked frames of one read in, as many messages out.
Case receive(const std::string& name, Opcode opcode, std::size_t size, std::size_t count = 1) {
  return {name, size * count, [=] {
            std::string frames;
            for (std::size_t i = 0; i < count; ++i) {
              frames += make_frame(opcode, std::string(size, 'x'), true);
            }
            const std::shared_ptr<protocol::Protocol> wire =
                protocol::make_rfc6455(1 << 20, nullptr);
            return [frames, wire, count, input = frames]() mutable {
              std::copy(frames.begin(), frames.end(), input.begin());  // it unmasks in place
              std::span<char> left(input);
              for (std::size_t i = 0; i < count; ++i) {
                expect(wire->receive(left) == protocol::Event::message);
                keep(Message(wire->take_message()));
              }
            };
          }};
}

// One message out, and its bytes sent.
Case send(const std::string& name, std::size_t size) {
  return {name, size, [=] {
            const std::shared_ptr<protocol::Protocol> wire =
                protocol::make_rfc6455(1 << 20, nullptr);
            const auto output = std::make_shared<protocol::Output>();
            return [payload = std::string(size, 'x'), wire, output] {
              wire->send_message(Message(std::string_view(payload)), true, *output);
              std::string_view pieces[8];
              keep(output->pieces(pieces, 8));
              output->consume(output->size());
            };
          }};
}

// --- deflate ---------------------------------------------------------------------------------

struct Deflate {
  explicit Deflate(bool context_takeover) : stream(parameters(context_takeover), workspace) {}

  static protocol::DeflateParameters parameters(bool context_takeover) {
    protocol::DeflateParameters result;
    result.server_no_context_takeover = !context_takeover;
    result.client_no_context_takeover = !context_takeover;
    if (context_takeover)
      result.server_max_window_bits = result.client_max_window_bits = protocol::own_window_bits;
    return result;
  }

  protocol::DeflateWorkspace workspace;
  protocol::PerMessageDeflate stream;
  std::string output;
};

std::string json_1k() {
  std::mt19937 random(7692);
  return make_json(1024, random);
}

Case deflate_json(const std::string& name, bool context_takeover) {
  return {name, 1024, [=] {
            return [json = json_1k(), deflate = std::make_shared<Deflate>(context_takeover)] {
              deflate->output.clear();
              deflate->stream.compress(json, true, deflate->output);
              keep(deflate->output);
            };
          }};
}

Case inflate_json(const std::string& name) {
  return {name, 1024, [] {
            const auto deflate = std::make_shared<Deflate>(false);
            std::string compressed;
            deflate->stream.compress(json_1k(), true, compressed);
            return [compressed, deflate]() mutable {
              deflate->workspace.share().begin_turn();
              deflate->output.clear();
              expect(deflate->stream.inflate(compressed, 1 << 20, deflate->output) ==
                     protocol::InflateResult::ok);
            };
          }};
}

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

Task<int> one() { co_return 1; }

// A handler that waits for the next message, and gets it.
struct Handler {
  explicit Handler(bool calls) { start(calls ? call_and_wait() : wait()); }
  Handler(const Handler&) = delete;
  Handler& operator=(const Handler&) = delete;
  ~Handler() {
    goes_on = false;
    waiting.resume();
  }

  Task<> wait() {
    while (goes_on) co_await Pause{waiting};
  }
  Task<> call_and_wait() {  // with a coroutine of its own in between
    while (goes_on) {
      keep(co_await one());
      co_await Pause{waiting};
    }
  }

  std::coroutine_handle<> waiting;
  bool goes_on = true;
};

Case resume(const std::string& name, bool calls) {
  return {name, 0, [=] {
            return [handler = std::make_shared<Handler>(calls)] { handler->waiting.resume(); };
          }};
}

}  // namespace

std::vector<Case> all_cases() {
  constexpr std::size_t large = 16 << 10;
  return {
      mask("mask/20", 20),
      mask("mask/125", 125),
      mask("mask/16K", large),
      mask("mask/1M", 1 << 20),
      mask("mask_plain/16K", large, protocol::plain::apply_mask),
      utf8("utf8_ascii/20", english, 20),
      utf8("utf8_ascii/16K", english, large),
      utf8("utf8_japanese/20", japanese, 20),
      utf8("utf8_japanese/16K", japanese, large),
      utf8("utf8_japanese_plain/16K", japanese, large, protocol::plain::is_utf8),
      receive("receive_text/20", text, 20),
      receive("receive_text/125", text, 125),
      receive("receive_text/16K", text, large),
      receive("receive_binary/20", binary, 20),
      receive("receive_binary/16K", binary, large),
      receive("receive_text_in_one_read/20x16", text, 20, 16),
      send("send/20", 20),
      send("send/125", 125),
      send("send/16K", large),
      deflate_json("deflate/1K_json", false),
      deflate_json("deflate_with_context/1K_json", true),
      inflate_json("inflate/1K_json"),
      resume("resume", false),
      resume("call_and_resume", true),
  };
}

}  // namespace bench
