// RFC 6455 frames, with and without permessage-deflate: what a client sends, all at once or in
// chunks, means the same, and so do messages that are received in fragments; and nothing that breaks a limit or
// the encoding gets through.
#include <cstdlib>
#include <iterator>

#include "chunks.hpp"
#include "protocol/frames/deflate.hpp"
#include "protocol/frames/utf8.hpp"
#include "protocol/support/wire.hpp"

namespace {

using namespace cppwebsocket;
using namespace cppwebsocket::protocol;

constexpr std::size_t limits[] = {0, 1, 100, 125, 126, 5000, 1 << 20, SIZE_MAX};

void require(bool condition) {
  if (!condition) std::abort();
}

class Receiver {
 public:
  Receiver(unsigned options, bool in_fragments) : limit_(limits[options % std::size(limits)]) {
    DeflateParameters parameters;
    parameters.client_no_context_takeover = (options & 0x10) != 0;
    parameters.client_max_window_bits = 9 + (options >> 5 & 7) % 7;
    std::unique_ptr<PerMessageDeflate> deflate;
    if (options & 0x08) deflate = std::make_unique<PerMessageDeflate>(parameters, workspace_);
    // What inflates from a fuzzer's input must not take the machine's memory.
    if (deflate) limit_ = std::min<std::size_t>(limit_, 1 << 20);
    protocol_ = make_rfc6455(in_fragments ? 0 : limit_, std::move(deflate));
    if (in_fragments) protocol_->receive_in_fragments(limit_);
  }

  void feed(std::string_view piece) { test::feed(*protocol_, piece, events_, &workspace_.share()); }

  void check() const {
    bool over = false;
    for (const std::string_view event : test::joined(events_)) {
      require(!over);
      over = event.starts_with("close") || event.starts_with("failure");
      if (event.starts_with("text ")) require(event.size() - 5 <= limit_ && plain::is_utf8(event));
      if (event.starts_with("binary ")) require(event.size() - 7 <= limit_);
      if (event.starts_with("close")) require(plain::is_utf8(event));
      if (event.starts_with("failure"))
        require(event == "failure 1002" || event == "failure 1007" || event == "failure 1009");
      require(event != "bytes left over");
    }
    if (over) require(!protocol_->in_message());
  }

  bool operator==(const Receiver& other) const {
    return test::joined(events_) == test::joined(other.events_) &&
           protocol_->in_message() == other.protocol_->in_message();
  }

  bool ends_with(std::string_view event) const {
    return !events_.empty() && events_.back().starts_with(event);
  }
  // All that came is good, and complete, as far as can be told.
  bool is_well() const { return !protocol_->in_message() && !ends_with("failure"); }

 private:
  std::size_t limit_;
  DeflateWorkspace workspace_;
  std::unique_ptr<Protocol> protocol_;
  std::vector<std::string> events_;
};

void check_masks(std::string_view bytes, unsigned offset) {
  MaskingKey key{};
  std::copy_n(bytes.begin(), std::min(bytes.size(), key.size()), key.begin());
  std::string expected(bytes), in_place(bytes), source(bytes), appended;
  plain::apply_mask(expected, key, offset);
  apply_mask(in_place, key, offset);
  const bool is_ascii = append_masked(appended, source, key, offset);
  require(in_place == expected && appended == expected);
  require(is_ascii == std::all_of(expected.begin(), expected.end(),
                                  [](char c) { return static_cast<unsigned char>(c) < 0x80; }));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const fuzz::ChunkedInput input(bytes, size);
  Receiver whole(input.options(), false), fragments(input.options(), true);
  for (Receiver* const receiver : {&whole, &fragments}) {
    receiver->feed(input.whole());
    receiver->check();
    Receiver chunked(input.options(), receiver == &fragments);
    for (const std::string_view chunk : input.chunks()) chunked.feed(chunk);
    require(*receiver == chunked);
  }
  // Of a compressed message that a Close has cut, only fragments show that it is corrupt.
  const bool was_cut = whole.ends_with("close") && fragments.ends_with("failure");
  if (whole.is_well() && !was_cut) require(whole == fragments);
  check_masks(input.whole(), input.options());
  return 0;
}
