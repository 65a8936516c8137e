#include "channels/backplane/redis/link.hpp"

#include <cstdio>
#include <utility>
#include <vector>

#include <sds.h>

namespace cppwebsocket::channels {

namespace {

struct FreeReply {
  void operator()(void* reply) const noexcept { ::freeReplyObject(reply); }
};

}  // namespace

std::string RedisLink::open(const std::string& address, std::uint16_t port) {
  std::unique_ptr<redisContext, Free> made(::redisConnectNonBlock(address.c_str(), port));
  if (!made) return "no memory";
  if (made->err) return made->errstr;
  loop_.watch(made->fd, *this, {.readable = true, .writable = true});
  wants_write_ = true;
  connection_ = std::move(made);
  return {};
}

void RedisLink::close() noexcept {
  if (!connection_) return;
  loop_.unwatch(connection_->fd, *this);
  connection_.reset();
}

void RedisLink::send(std::span<const std::string_view> words) {
  if (!connection_) return;
  std::vector<const char*> starts;
  std::vector<std::size_t> sizes;
  for (const std::string_view word : words) {
    starts.push_back(word.data() ? word.data() : "");
    sizes.push_back(word.size());
  }
  // Fails only without memory; then the connection has an error, which flush() finds.
  ::redisAppendCommandArgv(connection_.get(), static_cast<int>(words.size()), starts.data(),
                           sizes.data());
}

void RedisLink::flush() {
  if (!connection_ || wants_write_) return;
  wants_write_ = true;  // at the next round: so all that comes until then goes out in one write
  loop_.watch(connection_->fd, *this, {.readable = true, .writable = true});
}

void RedisLink::on_ready(bool readable, bool writable, bool hung_up) {
  if (readable || hung_up) read_replies();
  if (connection_ && writable) write_queued();
}

void RedisLink::read_replies() {
  if (::redisBufferRead(connection_.get()) != REDIS_OK) return fail();
  has_moved_ = true;
  while (connection_) {
    void* reply = nullptr;
    if (::redisGetReplyFromReader(connection_.get(), &reply) != REDIS_OK) return fail();
    if (!reply) return;
    const std::unique_ptr<void, FreeReply> owned(reply);
    owner_.replied(*this, *static_cast<const redisReply*>(reply));
  }
}

void RedisLink::write_queued() {
  int done = 0;
  const std::size_t before = ::sdslen(connection_->obuf);
  if (::redisBufferWrite(connection_.get(), &done) != REDIS_OK) return fail_to_write();
  has_moved_ |= ::sdslen(connection_->obuf) != before;
  if (done == 0) return;
  wants_write_ = false;
  loop_.watch(connection_->fd, *this, {.readable = true, .writable = false});
}

// A server that will not read on may have said why before.
void RedisLink::fail_to_write() {
  connection_->err = 0;
  read_replies();
  if (!connection_) return;
  connection_->err = REDIS_ERR_IO;
  std::snprintf(connection_->errstr, sizeof connection_->errstr, "it does not read on");
  fail();
}

void RedisLink::fail() {
  const std::string why = connection_->errstr;
  close();
  owner_.broken(*this, why);
}

}  // namespace cppwebsocket::channels
