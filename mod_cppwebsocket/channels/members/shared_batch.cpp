#include "channels/members/shared_batch.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "channels/members/json_envelope.hpp"
#include "channels/store/ring.hpp"

namespace cppwebsocket::channels {

namespace {

// The message that tells `publication`, which is no gap, in this envelope; null if none does.
const Message* message_of(const Arrival& publication, Form form,
                          std::string_view channel, Message& made) {
  const bool is_message = publication.kind == Publication::Kind::message;
  if (form == Form::plain) return is_message ? &publication.message : nullptr;
  const bool is_event = publication.kind == Publication::Kind::joined ||
                        publication.kind == Publication::Kind::left;
  if (is_event && form != Form::json_events) return nullptr;
  made = Message(json_of(channel, publication,
                         {publication.origin, publication.sequence}));
  return &made;
}

// What an event stream says before the text, beside its position. Bytes are an event of a name of their own.
bool has_head(const Publication& publication) noexcept {
  return publication.kind == Publication::Kind::message && publication.message.is_text() &&
         (!publication.event.empty() || publication.retry.count() != 0);
}

// That what it had without a number has one.
void encode_position(Form form, const protocol::Protocol& protocol, std::string_view channel,
                     const Position& position, std::string& out) {
  if (form != Form::plain)
    protocol.encode_shared(Message(json_of(channel, position)), position, out);
  else if (protocol.has_names())
    protocol.encode_named("position", channel, position, {}, out);
}

}  // namespace

void encode_gap(Form form, const protocol::Protocol& protocol, std::string_view channel,
                const Position& last, std::string& out) {
  const Position known = last.offset != 0 ? last : Position();
  if (form == Form::plain) return protocol.encode_named("gap", channel, known, {}, out);
  protocol.encode_shared(Message(json_of(channel, gap_until(last))), known, out);
}

Arrival gap_until(const Position& last) {
  Arrival gap;
  gap.kind = Publication::Kind::gap;
  gap.position = last;
  return gap;
}

namespace {

void fill(Publication& publication, Record&& record, Remarks&& remarks) {
  publication.message = std::move(record.message);
  publication.position = record.position;
  publication.publisher = std::move(remarks.user);
  publication.event = std::move(remarks.event);
  publication.retry = std::chrono::milliseconds(remarks.retry_ms);
  publication.time = std::chrono::sys_time<std::chrono::milliseconds>(std::chrono::milliseconds(record.time_ms));
}

}  // namespace

Publication publication_of(Record&& record) {
  Publication publication;
  fill(publication, std::move(record), unpacked(record.remarks));
  return publication;
}

Arrival arrival_of(Record&& record) {
  Arrival publication;
  Remarks remarks = unpacked(record.remarks);
  publication.except = std::move(remarks.except);
  fill(publication, std::move(record), std::move(remarks));
  const bool comes_twice = record.kind == RecordKind::provisional ||
                           (is_numbered(record.kind) && (record.position.epoch & engine_epoch) != 0);
  if (comes_twice) {
    publication.origin = record.origin;
    publication.sequence = record.sequence;
  }
  return publication;
}

bool has_expired(const Record& record) {
  const std::int64_t ttl_ms = std::int64_t{unpacked(record.remarks).ttl_s} * 1000;
  return ttl_ms != 0 && record.time_ms + ttl_ms <= system_ms();
}

Arrival past_arrival_of(Record&& record) {
  const bool is_over = has_expired(record);
  Arrival arrival = arrival_of(std::move(record));
  arrival.given_early = is_over;
  return arrival;
}

SharedBatch::SharedBatch(std::vector<Arrival>&& publications)
    : publications_(std::move(publications)) {
  for (const Arrival& each : publications_) {
    if (oldest_.offset == 0) oldest_ = each.position;
    has_gap_ |= each.kind == Publication::Kind::gap && !each.given_early;
    has_given_early_ |= each.given_early;
    has_exceptions_ |= !each.except.empty();
    payload_bytes_ += each.message.size();
  }
}

namespace {

bool is_old(const Publication& publication, const Position& start) noexcept {
  const Position& position = publication.position;
  return position.offset != 0 && position.epoch == start.epoch && position.offset <= start.offset;
}

}  // namespace

std::size_t SharedBatch::first_after(const Position& start) const noexcept {
  if (start.epoch == oldest_.epoch && start.offset < oldest_.offset) return 0;  // as a rule
  std::size_t first = 0;
  for (std::size_t i = 0; i < publications_.size(); ++i)
    if (is_old(publications_[i], start)) first = i + 1;
  return first;
}

bool SharedBatch::has_unnumbered(std::size_t first) const noexcept {
  return std::any_of(publications_.begin(), publications_.begin() + static_cast<std::ptrdiff_t>(first),
                     [](const Publication& each) { return each.position.offset == 0; });
}

std::vector<Arrival> SharedBatch::after(const Position& start, std::size_t first) const {
  std::vector<Arrival> found;
  for (std::size_t i = first; i < publications_.size(); ++i)
    if (!is_old(publications_[i], start)) found.push_back(publications_[i]);
  return found;
}

const Encoded& SharedBatch::encoded(Form form, const protocol::Protocol& protocol,
                                    std::string_view channel) {
  for (protocol::TurnShare share; !encode(form, protocol, channel, share);) share.begin_turn();
  return encoding(form, protocol).result;
}

bool SharedBatch::encode(Form form, const protocol::Protocol& protocol, std::string_view channel,
                         protocol::TurnShare& share) {
  Encoding& made = encoding(form, protocol);
  while (made.result.ends.size() < publications_.size() && !share.used_up())
    go_on(made, form, protocol, channel, share);
  return made.result.ends.size() == publications_.size();
}

SharedBatch::Encoding& SharedBatch::encoding(Form form, const protocol::Protocol& protocol) {
  const unsigned key = static_cast<unsigned>(form) * protocol::Protocol::wire_formats +
                       protocol.wire_format();
  for (Encoding& each : encodings_)
    if (each.key == key) return each;
  Encoding& made = encodings_.emplace_back();
  made.key = key;
  made.bytes = std::make_shared<std::string>();
  made.result.ends.reserve(publications_.size());
  made.result.payloads.reserve(publications_.size());
  made.result.bytes = made.bytes;
  return made;
}

void SharedBatch::go_on(Encoding& encoding, Form form, const protocol::Protocol& protocol,
                        std::string_view channel, protocol::TurnShare& share) const {
  auto& [key, result, bytes, made, done] = encoding;
  const Arrival& publication = publications_[result.ends.size()];
  std::size_t payload = 0;
  if (publication.given_early) {
    encode_position(form, protocol, channel, publication.position, *bytes);
  } else if (form == Form::plain && protocol.has_names() && has_head(publication)) {
    protocol.encode_named(publication.event, publication.message.text(), publication.position, publication.retry, *bytes);
    share.count_copied(publication.message.size());
  } else if (publication.kind == Publication::Kind::gap) {
    if (form != Form::plain || protocol.has_names())
      encode_gap(form, protocol, channel, publication.position, *bytes);
  } else if (const Message* const message =
                 done != 0 && form != Form::plain
                     ? &made
                     : message_of(publication, form, channel, made)) {
    const std::size_t before = done;
    done = protocol.encode_shared_piece(*message, publication.position, done, share.piece_size(),
                                        *bytes);
    if (protocol.compresses_in_pieces())
      share.count_compressed(done - before);
    else
      share.count_copied(done - before);
    if (done < message->size()) return;
    payload = std::exchange(done, 0);
  }
  if (payload == 0) payload = bytes->size() - result.begin_of(result.ends.size());
  result.payloads.push_back(payload + (result.payloads.empty() ? 0 : result.payloads.back()));
  result.ends.push_back(bytes->size());
}

}  // namespace cppwebsocket::channels
