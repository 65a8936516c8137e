#include "channels/backplane/redis/link.hpp"

#include <array>
#include <cstdlib>
#include <new>
#include <utility>
#include <vector>

namespace cppwebsocket::channels {

namespace {

constexpr std::size_t read_at_once = 16 << 10;  // a TLS record has no more
constexpr std::size_t worth_moving = 1 << 20;   // bytes that were sent, before those that were not
constexpr char tls_alert = 0x15;                // the first byte that whoever expects TLS may answer with
constexpr char needs_tls[] = ", before it has said anything (it may speak TLS only: rediss://)";

struct FreeReply {
  void operator()(void* reply) const noexcept { ::freeReplyObject(reply); }
};

}  // namespace

std::string RedisLink::open(const RedisEndpoint& to, const RedisTls* tls) {
  close();
  reader_.reset(::redisReaderCreate());
  if (!reader_) return "no memory";
  if (std::string problem = stream_.open(to, tls); !problem.empty()) return problem;
  output_.clear();
  sent_ = 0;
  has_heard_ = false;
  wants_write_ = true;
  loop_.watch(stream_.descriptor(), *this, {.readable = true, .writable = true});
  return {};
}

void RedisLink::close() noexcept {
  if (!is_open()) return;
  loop_.unwatch(stream_.descriptor(), *this);
  stream_.close();
}

void RedisLink::send(std::span<const std::string_view> words) {
  if (!is_open()) return;
  std::vector<const char*> starts;
  std::vector<std::size_t> sizes;
  for (const std::string_view word : words) {
    starts.push_back(word.data() ? word.data() : "");
    sizes.push_back(word.size());
  }
  char* command = nullptr;
  const auto size = ::redisFormatCommandArgv(&command, static_cast<int>(words.size()), starts.data(), sizes.data());
  if (size < 0) throw std::bad_alloc();
  const std::unique_ptr<char, decltype(&std::free)> owned(command, &std::free);
  output_.append(command, static_cast<std::size_t>(size));
}

void RedisLink::flush() {
  if (!is_open() || wants_write_) return;
  wants_write_ = true;  // at the next round: so all that comes until then goes out in one write
  loop_.watch(stream_.descriptor(), *this, {.readable = true, .writable = true});
}

void RedisLink::on_ready(bool readable, bool, bool hung_up) {
  if (!stream_.is_connected()) return go_on_connecting();
  if (readable || hung_up) read_replies();
  if (is_open() && wants_write_) write_queued();
}

void RedisLink::go_on_connecting() {
  switch (stream_.connect()) {
    case RedisStream::Status::failed: return fail(stream_.problem());
    case RedisStream::Status::done: return write_queued();
    case RedisStream::Status::would_block: break;
  }
  loop_.watch(stream_.descriptor(), *this, {.readable = true, .writable = stream_.waits_to_write()});
}

void RedisLink::read_replies() {
  std::array<char, read_at_once> buffer;
  const RedisStream::Moved moved = stream_.read(buffer);
  if (moved.status == RedisStream::Status::failed)
    return fail(stream_.problem() + (has_heard_ || stream_.has_tls() ? "" : needs_tls));
  if (moved.bytes == 0) return;
  has_moved_ = true;
  if (!std::exchange(has_heard_, true) && buffer.front() == tls_alert)
    return fail("it speaks TLS at this port, and only that (rediss://)");
  if (::redisReaderFeed(reader_.get(), buffer.data(), moved.bytes) != REDIS_OK) return fail(reader_->errstr);
  while (is_open()) {
    void* reply = nullptr;
    if (::redisReaderGetReply(reader_.get(), &reply) != REDIS_OK) return fail(reader_->errstr);
    if (!reply) return;
    const std::unique_ptr<void, FreeReply> owned(reply);
    owner_.replied(*this, *static_cast<const redisReply*>(reply));
  }
}

void RedisLink::write_queued() {
  while (sent_ < output_.size()) {
    const RedisStream::Moved moved = stream_.write(std::string_view(output_).substr(sent_));
    if (moved.status == RedisStream::Status::failed) return fail_to_write(stream_.problem());
    if (moved.status == RedisStream::Status::would_block) {
      loop_.watch(stream_.descriptor(), *this, {.readable = true, .writable = stream_.waits_to_write()});
      break;
    }
    sent_ += moved.bytes;
    has_moved_ = true;
  }
  const bool is_done = sent_ == output_.size();
  if (is_done || sent_ >= worth_moving) output_.erase(0, std::exchange(sent_, 0));
  if (!is_done) return;
  wants_write_ = false;
  loop_.watch(stream_.descriptor(), *this, {.readable = true, .writable = false});
}

// A server that will not read on may have said why before.
void RedisLink::fail_to_write(std::string why) {
  read_replies();
  if (is_open()) fail(std::move(why));
}

void RedisLink::fail(std::string why) {
  close();
  owner_.broken(*this, why);
}

}  // namespace cppwebsocket::channels
