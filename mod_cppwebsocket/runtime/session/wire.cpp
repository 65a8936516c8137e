#include "runtime/session/wire.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "runtime/loop/prefetch.hpp"

namespace cppwebsocket::runtime {

// Compression has memory of the reactor's, and so has TLS: such a wire is never lent.
void Wire::open(std::unique_ptr<Transport> transport, std::unique_ptr<protocol::Protocol> protocol,
                bool may_lend) {
  transport_ = std::move(transport);
  protocol_ = std::move(protocol);
  has_input_ = transport_->has_input();
  is_blocking_ = may_lend;
  lends_ = may_lend && transport_->may_write_anywhere() &&
           protocol_->wire_format() == protocol::wire_format::rfc6455;
}

void Wire::fetch() const noexcept {
  prefetch(transport_.get(), sizeof(Transport));
  prefetch(protocol_.get(), sizeof(protocol::Protocol) + 128);
}

void Wire::set_watched(Interest interest) noexcept {
  interest_ = interest;
  is_watched_ = true;
}

// --- messages and control frames ----------------------------------------------------------------

void Wire::send(Message&& message, bool end) {
  if (guests_.have_more()) let_guests_send(true);
  loop_->turn_traffic().messages_out += end;
  loop_->turn_traffic().bytes_out += message.size();
  put(std::move(message), end);
  in_fragments_ = !end;
  if (end && waiting_ && !waiting_->held_back.empty()) send_held_back();
}

void Wire::settle(const Traffic& turn) noexcept {
  message_at_ = Ticks(loop_->now());
  tally_.messages_in += turn.messages_in;
  tally_.bytes_in += turn.bytes_in;
  HandlerCounters& handler = loop_->counters(tally_.slot);
  add(handler.messages_in, turn.messages_in);
  add(handler.bytes_in, turn.bytes_in);
  if ((turn.messages_out | turn.bytes_out) != 0) count_sent(turn.bytes_out, turn.messages_out);
}

void Wire::put(Message&& message, bool end) {
  const std::size_t size = message.size();
  if ((waiting_ && waiting_->in_pieces) ||
      (size > protocol::TurnShare::compressed_at_once && protocol_->compresses_in_pieces()))
    return put_behind({.message = std::move(message), .end = end}, size);
  protocol_->send_message(std::move(message), end, output());
  loop_->spare_payloads().give(std::move(message).payload());  // if it was copied
}

void Wire::turn_away(const Close& close) {
  protocol::Output last;
  protocol_->send_close(close, last);
  std::array<std::string_view, 2> pieces;
  const std::size_t count = last.pieces(pieces.data(), pieces.size());
  transport_->write(std::span(pieces.data(), count));
}

void Wire::send_held_back() {
  auto held_back = std::exchange(waiting_->held_back, {});
  for (Message& each : held_back) put(std::move(each), true);
}

void Wire::send_close(const Close& close) {
  if (!waiting_ || !waiting_->in_pieces) return protocol_->send_close(close, output());
  waiting_->in_pieces->close = close;
  ++waiting_->uncompressed;
}

void Wire::send_whole(Message&& message) {
  if (!in_fragments_) return send(std::move(message), true);
  waiting().held_back.push_back(std::move(message));
}

std::size_t Wire::drop_held_back() noexcept {
  return waiting_ ? std::exchange(waiting_->held_back, {}).size() : 0;
}

void Wire::probe() {
  if (protocol_->has_pong())
    waits_for_pong_ = true;
  else
    count_as_heard();
  send_ping({});
  protocol_->release_idle_memory();
}

void Wire::owe_pong(std::string_view body) { waiting().pong.emplace(body); }

void Wire::pay_pong() {
  const std::string body = *std::exchange(waiting_->pong, std::nullopt);
  send_pong(body);
}

// --- in pieces ---------------------------------------------------------------------------------

void Wire::put_behind(InPieces::Part&& part, std::size_t size) {
  auto& in_pieces = waiting().in_pieces;
  if (!in_pieces) in_pieces = std::make_unique<InPieces>();
  in_pieces->parts.push_back(std::move(part));
  waiting_->uncompressed += size + 1;
  go_on_compressing();
}

void Wire::go_on_compressing() {
  const protocol::TurnShare& share = loop_->deflate_workspace().share();
  auto& [parts, close] = *waiting_->in_pieces;
  while (!parts.empty() && can_go_on_compressing() && !share.used_up()) {
    auto& [message, end, shared, begin, shared_end] = parts.front();
    std::size_t count = shared_end - begin;
    bool is_done = true;
    if (shared) {
      output().append(shared, begin, shared_end);
      protocol_->shared_sent();
    } else {
      count = std::min(message.size() - begin, share.piece_size());
      is_done = begin + count == message.size();
      if (is_done && begin == 0) {
        protocol_->send_message(std::move(message), end, output());
      } else {
        Message piece(message.type(), message.payload().substr(begin, count));
        protocol_->send_message(std::move(piece), is_done && end, output());
        begin += count;
      }
    }
    waiting_->uncompressed -= count;
    if (!is_done) continue;
    loop_->spare_payloads().give(std::move(message).payload());
    --waiting_->uncompressed;
    parts.pop_front();
  }
  if (!parts.empty()) return;
  if (close) protocol_->send_close(*close, output());
  waiting_->uncompressed = 0;
  waiting_->in_pieces.reset();
}

// --- to the kernel -----------------------------------------------------------------------------

Wire::Flushed Wire::flush() noexcept {
  Flushed flushed;
  while (output().size() + unsent_by_transport_ != 0) {
    std::array<std::string_view, 16> pieces;
    const std::size_t count = output().pieces(pieces.data(), pieces.size());
    std::size_t offered = 0;
    for (std::size_t i = 0; i < count; ++i) offered += pieces[i].size();
    const IoResult result = transport_->write(std::span(pieces.data(), count));
    unsent_by_transport_ = transport_->unsent();
    if (result.status == IoStatus::would_block) return flushed;
    if (result.status != IoStatus::ok) return {flushed.moved, result.error};
    flushed.moved = true;
    add(loop_->counters().out, result.bytes);
    output().consume(result.bytes, &loop_->spare_payloads());
    if (result.bytes == offered && unsent_by_transport_ == 0) continue;
    count_as_heard();  // a slow peer that takes bytes is not a dead one
    return flushed;
  }
  return flushed;
}

std::size_t Wire::unsent_and_held_back() const noexcept {
  std::size_t bytes = unsent();
  if (waiting_)
    for (const Message& message : waiting_->held_back) bytes += message.size();
  return bytes;
}

std::size_t Wire::pinned_by_waiting() const noexcept {
  std::size_t bytes = waiting_->output.pinned() + waiting_->uncompressed;
  for (const Message& message : waiting_->held_back) bytes += message.size();
  return bytes;
}

Wire::Waiting& Wire::waiting() {
  if (!waiting_) {
    auto made = std::make_unique<Waiting>();
    std::swap(made->output, loop_->spare_output());
    waiting_ = std::move(made);
  }
  return *waiting_;
}

std::chrono::nanoseconds Wire::keep_waiting() {
  const bool is_over = waiting().output.empty() && waiting_->held_back.empty() && !waiting_->pong && !waiting_->in_pieces;
  if (!is_over) {
    if (waiting_->since == detail::TimePoint{}) waiting_->since = loop_->now();
    return {};
  }
  const auto time = waited();
  if (waiting_->since != detail::TimePoint{}) loop_->counters().waits.note(time);
  waiting_.reset();
  return time;
}

std::chrono::nanoseconds Wire::waited() const noexcept {
  if (!waiting_ || waiting_->since == detail::TimePoint{}) return {};
  return loop_->now() - waiting_->since;
}

std::size_t Wire::drop_unsent() noexcept {
  const std::size_t dropped = unsent();
  output().clear();
  if (waiting_) {
    waiting_->in_pieces.reset();
    waiting_->uncompressed = 0;
  }
  unsent_by_transport_ = 0;
  return dropped;
}

void Wire::end_output() noexcept {
  if (unsent() == 0 && !output_ended_) output_ended_ = transport_->shutdown_write();
}

// --- guests ------------------------------------------------------------------------------------

void Wire::append_shared(const protocol::SharedBytes& bytes, std::size_t begin, std::size_t end) {
  message_at_ = Ticks(loop_->now());
  if (waiting_ && waiting_->in_pieces)
    return put_behind({.shared = bytes, .begin = begin, .shared_end = end}, end - begin);
  output().append(bytes, begin, end);
  protocol_->shared_sent();
}

// In the order in which they were given to the session: before what the handler sends now.
bool Wire::let_guests_send(bool all) noexcept {
  if (in_fragments_ || (!all && unsent() != 0)) return false;
  const std::size_t before = unsent();
  guests_.refill(all);
  return unsent() != before;
}

// --- lending -----------------------------------------------------------------------------------

void Wire::lend(LentWire& to) noexcept {
  is_own_ = false;
  to.lend();
}

void Wire::take_back(LentWire& from) noexcept {
  is_own_ = true;
  from.take_back(output());  // empty: nothing was unsent when it was lent
}

// Touches nothing but what only the owner of the wire uses.
void Wire::write_lent(Message&& message, protocol::Output& output) {
  count_sent_by_threads(message.size(), 1);
  protocol_->send_message(std::move(message), true, output);
  std::array<std::string_view, 2> pieces;
  const std::size_t count = output.pieces(pieces.data(), pieces.size());
  const IoResult result = transport_->write(std::span(pieces.data(), count));
  if (result.status != IoStatus::ok) return;
  output.consume(result.bytes);
  add_shared(loop_->counters().out_by_threads, result.bytes);
}

}  // namespace cppwebsocket::runtime
