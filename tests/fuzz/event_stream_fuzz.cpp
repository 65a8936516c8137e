// Server-Sent Events. Input: a byte of options, a byte that says how many fragments there are to
// be, and the message. A browser that reads what is written sees one event with the same text, but
// for the kind of its line breaks; and fragments make no
// difference, nor do chunks.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "protocol/frames/event_stream.hpp"
#include "protocol/support/draft_feed.hpp"
#include "protocol/support/event_reader.hpp"

namespace {

using namespace cppwebsocket;
using namespace cppwebsocket::protocol;

std::string with_line_feeds(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\r')
      out += text[i];
    else if (text.substr(i + 1, 1) != "\n")
      out += '\n';
  }
  return out;
}

std::string send_in(std::size_t count, Message::Type type, std::string_view payload,
                    Framing framing) {
  const auto stream = make_event_stream(EventForm::plain, framing);
  return protocol::testing::sent([&](Output& out) {
    const std::size_t size = payload.size() / count;
    for (std::size_t i = 0; i < count; ++i) {
      const bool last = i + 1 == count;
      const std::string_view piece = payload.substr(i * size, last ? payload.npos : size);
      stream->send_message(Message(type, std::string(piece)), last, out);
    }
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size < 2) return 0;
  const std::string payload(reinterpret_cast<const char*>(bytes) + 2, size - 2);
  const auto type = bytes[0] & 1 ? Message::Type::binary : Message::Type::text;
  const std::string id = bytes[0] & 2 ? "5f-3" : "";
  const Message message(type, payload);

  const auto events = test::read_events(encode_event(id, message));
  if (events.size() != 1 || events[0].id != id) std::abort();
  if (message.is_text() && events[0].text != with_line_feeds(payload)) std::abort();
  if (events[0].name != (message.is_text() ? "message" : binary_event)) std::abort();

  for (const Framing framing : {Framing::bare, Framing::chunked})
    if (send_in(bytes[1] % 8 + 1, type, payload, framing) !=
        framed(framing, encode_event({}, message)))
      std::abort();
  return 0;
}
