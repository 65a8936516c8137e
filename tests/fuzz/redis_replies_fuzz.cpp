// What comes from Redis: whole replies through hiredis' reader into every reading function, and the
// envelopes inside. Whatever is taken for an envelope comes back the same when it is written anew.
#include <cstdlib>
#include <memory>

#include "channels/backplane/envelope.hpp"
#include "channels/backplane/redis/errors.hpp"
#include "channels/backplane/redis/replies.hpp"

namespace {

using namespace cppwebsocket;
using namespace cppwebsocket::channels;

struct Free {
  void operator()(void* reply) const { ::freeReplyObject(reply); }
  void operator()(redisReader* reader) const { ::redisReaderFree(reader); }
};

void require(bool condition) {
  if (!condition) std::abort();
}

void read_envelope(std::string_view bytes) {
  const auto envelope = parse_envelope(bytes);
  if (!envelope) return;
  const std::string again = to_envelope(envelope->record, envelope->instance);
  const auto second = parse_envelope(again);
  require(second && second->instance == envelope->instance);
  const Record& a = envelope->record;
  const Record& b = second->record;
  require(a.kind == b.kind && a.message == b.message && a.origin == b.origin &&
          a.sequence == b.sequence && a.time_ms == b.time_ms && a.bound == b.bound && a.remarks == b.remarks);
}

void read_history(const redisReply& reply, std::optional<Position> after) {
  const auto history = parse_history(reply, after, 1'000'000);
  if (!history) return;
  std::uint64_t last = after ? after->offset : 0;
  for (const Record& record : history->records) {
    require(record.position.epoch == history->newest.epoch && record.position.offset > last);
    if (history->complete && after) require(record.position.offset == last + 1);
    last = record.position.offset;
  }
}

// hiredis takes memory for as many elements as a reply announces.
bool announces_too_much(std::string_view input) {
  std::size_t digits = 0;
  for (std::size_t at = input.find('*'); at < input.size(); ++at)
    if ((digits = input[at] >= '0' && input[at] <= '9' ? digits + 1 : 0) > 5) return true;
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(bytes), size);
  read_envelope(input);
  if (announces_too_much(input)) return 0;
  const std::unique_ptr<redisReader, Free> reader(::redisReaderCreate());
  ::redisReaderFeed(reader.get(), input.data(), input.size());
  for (;;) {
    void* read = nullptr;
    if (::redisReaderGetReply(reader.get(), &read) != REDIS_OK || !read) return 0;
    const std::unique_ptr<redisReply, Free> reply(static_cast<redisReply*>(read));
    const std::string error = error_of(*reply);
    require(error.size() <= 200);
    kind_of(error);
    cure_of(error);
    read_envelope(text_of(*reply));
    if (const auto push = parse_push(*reply)) {
      read_envelope(push->payload);
      if (const auto master = parse_switch(push->payload, "main")) require(!master->host.empty());
    }
    if (const auto answer = SentinelAnswer::parse(*reply)) require(!answer->master.host.empty());
    read_history(*reply, std::nullopt);
    read_history(*reply, Position{0x5f, 2});
  }
}
