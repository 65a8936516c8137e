#include "protocol/frames/rfc6455.hpp"

#include <algorithm>
#include <cassert>

namespace cppwebsocket::protocol {

void Rfc6455::send_control(Opcode opcode, std::string_view body, Output& out) {
  assert(body.size() <= max_control_payload);
  out.append(ServerHeader(opcode, true, false, body.size()));
  out.append(body);
}

void Rfc6455::send_message(Message&& message, bool end, Output& out) {
  Opcode opcode = Opcode::continuation;
  if (!sending_fragments_) {
    opcode = message.is_text() ? Opcode::text : Opcode::binary;
    // RFC 7692 §6.1: for the whole message, and said in its first frame.
    sending_compressed_ = deflate_ && deflate_->wants(message.size());
  }
  const bool rsv1 = sending_compressed_ && !sending_fragments_;
  sending_fragments_ = !end;
  const auto send = [&](std::string&& payload) {
    out.append(ServerHeader(opcode, end, rsv1, payload.size()), std::move(payload));
  };
  if (!sending_compressed_) return send(std::move(message).payload());
  std::string compressed;
  deflate_->compress(message.payload(), end, compressed);
  send(std::move(compressed));
}

bool Rfc6455::encode_shared(const Message& message, const Position& position,
                            std::string& out) const {
  encode_shared_piece(message, position, 0, message.size(), out);
  return true;
}

// Each fragment is compressed alone, so that whatever the compressor does meanwhile is no matter.
std::size_t Rfc6455::encode_shared_piece(const Message& message, const Position&, std::size_t done,
                                         std::size_t most, std::string& out) const {
  const std::size_t size = message.size();
  const bool compresses = deflate_ && deflate_->wants(size);
  const std::size_t count = compresses ? std::min(size - done, most) : size;
  const bool end = done + count == size;
  Opcode opcode = Opcode::continuation;
  if (done == 0) opcode = message.is_text() ? Opcode::text : Opcode::binary;
  std::string_view payload = std::string_view(message.payload()).substr(done, count);
  std::string compressed;
  if (compresses) {
    deflate_->compress_alone(payload, end, compressed);
    payload = compressed;
  }
  out.append(ServerHeader(opcode, end, compresses && done == 0, payload.size())).append(payload);
  return done + count;
}

void Rfc6455::send_close(const Close& close, Output& out) {
  if (!close.code()) return send_control(Opcode::close, {}, out);
  assert(close.reason().size() <= max_close_reason);
  const unsigned code = *close.code();
  std::string body{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
  body.append(close.reason());
  send_control(Opcode::close, body, out);
}

std::unique_ptr<Protocol> make_rfc6455(std::size_t max_message_size,
                                       std::unique_ptr<PerMessageDeflate> deflate,
                                       SparePayloads* spare) {
  return std::make_unique<Rfc6455>(max_message_size, std::move(deflate), spare);
}

}  // namespace cppwebsocket::protocol
