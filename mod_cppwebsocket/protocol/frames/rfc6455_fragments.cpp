// Messages that are received in fragments: what has come of one is given at once, and only a text's last
// character and the decompressor know of what came before.
#include "protocol/frames/rfc6455.hpp"

namespace cppwebsocket::protocol {

void Rfc6455::receive_in_fragments(std::size_t max_message_size) {
  begin_fragments();
  max_message_size_ = max_message_size;
  small_event_ = Event::fragment;
}

// As receive_data(), of what has come. What was given before is out of our hands.
Event Rfc6455::receive_fragment(std::span<char> piece, std::size_t offset, std::span<char>& input) {
  std::string& payload = collected();
  payload.clear();
  const bool is_ascii = append_masked(payload, piece, key_, offset);
  seldom_->given += piece.size();
  if (compressed_) return inflate_fragment(input);
  if (message_.is_text() && !(is_ascii && utf8_.complete()) && !utf8_.feed(payload))
    return fail_utf8();
  return end_fragment(remaining_ == 0 && fin_);
}

// As inflate(), of what has come, and no more of it than one fragment holds.
Event Rfc6455::inflate_fragment(std::span<char>& input) {
  if (std::exchange(inflating_, false)) input = input.subspan(1);
  const bool ends = remaining_ == 0 && fin_;
  std::string inflated;
  const InflateResult result =
      deflate_->inflate_piece(collected(), ends, max_message_size_, inflated);
  // Before what is wrong behind it: so it does not matter in which pieces it comes.
  if (message_.is_text() && !utf8_.feed(inflated)) return fail_utf8();
  if (result == InflateResult::corrupt)
    return fail(close_code::invalid_payload, "a compressed message cannot be decompressed");
  if (result == InflateResult::too_big) return fail_too_big();
  if (result == InflateResult::unfinished) {
    inflating_ = true;
    input = {input.data() - 1, input.size() + 1};
  }
  collected() = std::move(inflated);
  return end_fragment(ends && !inflating_);
}

Event Rfc6455::end_fragment(bool ends) {
  detail::MessageAccess::set_continues(message_, !ends);
  if (!ends) return message_.empty() ? Event::none : Event::fragment;
  fragmented_ = false;
  seldom_->given = 0;
  return utf8_.complete() ? Event::fragment : fail_utf8();
}

}  // namespace cppwebsocket::protocol
