// A blocking handler's threads write themselves while the session has nothing to write. It never
// shares the wire: whatever else than a message comes in, and every turn that somebody asks for,
// takes it back first.
#include <array>

#include "runtime/session/blocking_session.hpp"
#include "runtime/session/session.hpp"

namespace cppwebsocket::runtime {

// Compression has memory of the reactor's, and so has TLS.
bool Session::may_ever_lend_wire() const noexcept {
  return blocking_ && transport_->may_write_anywhere() &&
         protocol_->wire_format() == protocol::wire_format::rfc6455;
}

void Session::take_back_wire() noexcept {
  owns_wire_ = true;
  blocking_->wire().take_back(*output_);  // empty: there was no backlog when it was lent
}

// The last of a turn: from here on a thread may write.
void Session::lend_wire() noexcept {
  if (wire_ != Wire::open || backlog_ || sending_fragments_ || guests_) return;
  if (seldom_ && seldom_->pong_owed) return;
  owns_wire_ = false;
  blocking_->wire().lend();
}

// Touches nothing of the session but what only the owner of the wire uses.
void Session::write_lent(Message&& message, protocol::Output& output) {
  protocol_->send_message(std::move(message), true, output);
  std::array<std::string_view, 2> pieces;
  const std::size_t count = output.pieces(pieces.data(), pieces.size());
  const IoResult result = transport_->write(std::span(pieces.data(), count));
  if (result.status == IoStatus::ok) output.consume(result.bytes);
  if (!output.empty()) record_->buffered.store(output.size(), std::memory_order_relaxed);
}

}  // namespace cppwebsocket::runtime
