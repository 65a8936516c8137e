// Both drafts' framing. Input: a byte of options, a byte that says how many bytes of chunk sizes
// follow, these, and then what the client sends. All at once or in those chunks, the same comes
// out, also in fragments; and no message is larger than allowed.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "protocol/frames/protocol.hpp"
#include "protocol/frames/utf8.hpp"
#include "protocol/support/draft_feed.hpp"
#include "protocol/support/wire.hpp"

namespace {

using namespace cppwebsocket::protocol;
using cppwebsocket::protocol::testing::feed;

constexpr std::size_t limits[] = {0, 1, 7, 100, 127, 128, 16384, SIZE_MAX};

std::unique_ptr<Protocol> make(std::uint8_t options, bool in_fragments) {
  const std::size_t limit = limits[(options >> 1) % std::size(limits)];
  auto draft = options & 1 ? make_draft76(limit) : make_draft75(limit);
  if (in_fragments) draft->receive_in_fragments(limit);
  return draft;
}

std::vector<std::string> feed_chunks(Protocol& draft, std::string_view sent,
                                     std::string_view sizes) {
  std::vector<std::string> events;
  for (std::size_t i = 0; !sent.empty(); ++i) {
    const std::size_t size =
        sizes.empty() ? 1 : 1 + static_cast<unsigned char>(sizes[i % sizes.size()]);
    for (std::string& event : feed(draft, std::string(sent.substr(0, size))))
      events.push_back(std::move(event));
    sent.remove_prefix(std::min(size, sent.size()));
  }
  return events;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size < 2) return 0;
  const std::uint8_t options = bytes[0];
  const std::string_view input(reinterpret_cast<const char*>(bytes) + 2, size - 2);
  const std::string_view sizes = input.substr(0, bytes[1] % 8);
  const std::string_view sent = input.substr(sizes.size());

  const auto whole = make(options, false), fragments = make(options, true);
  const auto events = feed(*whole, std::string(sent));
  for (Protocol* const draft : {whole.get(), fragments.get()}) {
    const auto chunked = make(options, draft == fragments.get());
    auto came = draft == whole.get() ? events : test::joined(feed(*draft, std::string(sent)));
    if (came != test::joined(feed_chunks(*chunked, sent, sizes))) std::abort();
    if (draft->in_message() != chunked->in_message()) std::abort();
    const bool is_well = !whole->in_message() && (events.empty() || !events.back().starts_with("failure"));
    if (is_well && came != events) std::abort();
  }
  for (const std::string_view event : events) {
    if (!is_utf8(event)) std::abort();
    if (event.starts_with("text ") && event.size() - 5 > limits[(options >> 1) % std::size(limits)])
      std::abort();
  }
  return 0;
}
