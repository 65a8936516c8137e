#include "channels/members/shared_batch.hpp"

#include "channels/members/json_envelope.hpp"
#include "protocol/frames/event_stream.hpp"

namespace cppwebsocket::channels {

namespace {

// The message that tells `publication` in this envelope; null if none does.
const Message* message_of(const Publication& publication, Form form,
                          std::string_view channel, Message& made) {
  const bool is_message = publication.kind == Publication::Kind::message;
  if (form == Form::plain) return is_message ? &publication.message : nullptr;
  const bool is_event = publication.kind == Publication::Kind::joined ||
                        publication.kind == Publication::Kind::left;
  if (is_event && form != Form::json_events) return nullptr;
  made = Message(json_of(channel, publication));
  return &made;
}

}  // namespace

bool tells_gaps(const protocol::Protocol& protocol) noexcept {
  return protocol.wire_format() == protocol::wire_format::event_stream;
}

std::string encode_gap(const Position& last) {
  return protocol::encode_event(last.offset != 0 ? last.to_string() : std::string(), "gap", "{}");
}

SharedBatch::SharedBatch(std::vector<Publication>&& publications)
    : publications_(std::move(publications)) {
  for (const Publication& each : publications_) {
    if (oldest_.offset == 0) oldest_ = each.position;
    has_gap_ |= each.kind == Publication::Kind::gap;
  }
}

std::size_t SharedBatch::first_after(const Position& start) const noexcept {
  if (start.epoch == oldest_.epoch && start.offset < oldest_.offset) return 0;  // as a rule
  std::size_t first = 0;
  for (std::size_t i = 0; i < publications_.size(); ++i) {
    const Position& position = publications_[i].position;
    const bool is_old = position.epoch == start.epoch && position.offset <= start.offset;
    if (is_old && position.offset != 0) first = i + 1;
  }
  return first;
}

const std::shared_ptr<const Encoded>& SharedBatch::encoded(Form form,
                                                           const protocol::Protocol& protocol,
                                                           std::string_view channel) {
  const unsigned key = static_cast<unsigned>(form) * protocol::Protocol::wire_formats +
                       protocol.wire_format();
  for (auto& [each, bytes] : encoded_)
    if (each == key) return bytes;
  return encoded_.emplace_back(key, encode(form, protocol, channel)).second;
}

std::shared_ptr<const Encoded> SharedBatch::encode(Form form,
                                                   const protocol::Protocol& protocol,
                                                   std::string_view channel) const {
  auto encoded = std::make_shared<Encoded>();
  auto bytes = std::make_shared<std::string>();
  encoded->ends.reserve(publications_.size());
  Message made;
  for (const Publication& each : publications_) {
    if (form == Form::plain && each.kind == Publication::Kind::gap && tells_gaps(protocol))
      bytes->append(encode_gap(each.position));
    if (const Message* message = message_of(each, form, channel, made))
      protocol.encode_shared(*message, each.position, *bytes);
    encoded->ends.push_back(static_cast<std::uint32_t>(bytes->size()));
  }
  encoded->bytes = std::move(bytes);
  return encoded;
}

}  // namespace cppwebsocket::channels
