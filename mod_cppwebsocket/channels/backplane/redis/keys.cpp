#include "channels/backplane/redis/keys.hpp"

#include <charconv>

namespace cppwebsocket::channels {

RedisKeys::RedisKeys(std::string_view site)
    : begin_("cppws:" + std::string(site) + (site.empty() ? "" : ":")) {}

std::string RedisKeys::key(std::string_view channel, std::string_view what) const {
  return (begin_ + "{").append(channel).append("}:").append(what);
}

std::string RedisKeys::meta(std::string_view channel) const { return key(channel, "meta"); }
std::string RedisKeys::log(std::string_view channel) const { return key(channel, "log"); }

std::string RedisKeys::origin(std::string_view channel, std::uint64_t origin) const {
  char digits[16];
  char* const end = std::to_chars(digits, digits + sizeof digits, origin, 16).ptr;
  return key(channel, "o:").append(digits, end);
}

std::string RedisKeys::topic(unsigned database, std::string_view channel) const {
  return (begin_ + std::to_string(database) + ":").append(channel);
}

// The log is deleted with the epoch: its entries' numbers would not let new ones begin at 1.
const char* const redis_append_script = R"lua(
local known = tonumber(redis.call('GET', KEYS[3]) or '0')
if known >= tonumber(ARGV[1]) then return '0-0' end
if known < tonumber(ARGV[2]) then return redis.error_reply('CWSORDER a record before is missing') end
local meta = redis.call('HMGET', KEYS[1], 'epoch', 'run', 'reign')
local epoch, run, reign = meta[1], meta[2], meta[3]
local whole = reign == ARGV[11] or (run == ARGV[9] and (ARGV[12] == '' or ARGV[12] == reign))
for i = 13, #ARGV do whole = whole or reign == ARGV[i] end
if not (epoch and reign and whole) then
  epoch, reign = ARGV[3], false
  redis.call('DEL', KEYS[1], KEYS[2])
end
if reign ~= ARGV[11] then
  redis.call('HSET', KEYS[1], 'epoch', epoch, 'run', ARGV[9], 'reign', ARGV[11])
end
local offset = redis.call('HINCRBY', KEYS[1], 'offset', 1)
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[5], offset .. '-0', 'm', ARGV[4])
redis.call('SET', KEYS[3], ARGV[1], 'EX', ARGV[8])
redis.call('EXPIRE', KEYS[1], ARGV[10])
redis.call('EXPIRE', KEYS[2], ARGV[6])
local at = epoch .. '-' .. offset
redis.call('PUBLISH', ARGV[7], '=' .. at .. '\n' .. ARGV[4])
return at
)lua";

const char* const redis_read_script = R"lua(
local meta = redis.call('HMGET', KEYS[1], 'epoch', 'offset')
if not meta[1] then return {} end
local newest, most, room = tonumber(meta[2] or '0'), tonumber(ARGV[2]), tonumber(ARGV[3])
local last = ARGV[1]
if last == '-' then last = string.format('%.0f', math.max(0, newest - most)) end
last = last .. '-0'
local entries, count = {}, 1
while count > 0 do
  local some = redis.call('XRANGE', KEYS[2], '(' .. last, '+', 'COUNT', count)
  if #some == 0 then break end
  local size = 0
  for _, entry in ipairs(some) do
    entries[#entries + 1] = entry
    size = size + #(entry[2][2] or '') + 32
  end
  last = some[#some][1]
  room = room - size
  if room <= 0 then break end
  count = math.min(most - #entries, math.max(1, math.floor(room * #some / size)), 4 * count)
end
return {meta[1], meta[2] or '0', entries}
)lua";

}  // namespace cppwebsocket::channels
