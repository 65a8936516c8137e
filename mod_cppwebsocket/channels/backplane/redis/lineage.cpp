#include "channels/backplane/redis/lineage.hpp"

namespace cppwebsocket::channels {

std::string info_field(std::string_view info, std::string_view name) {
  for (std::size_t at = info.find(name); at != info.npos; at = info.find(name, at + 1)) {
    if (at != 0 && info[at - 1] != '\n') continue;
    info.remove_prefix(at + name.size());
    return std::string(info.substr(0, info.find_first_of("\r\n")));
  }
  return {};
}

RedisReplication RedisReplication::parse(std::string_view info) {
  RedisReplication now;
  now.is_replica = info_field(info, "role:") == "slave";
  now.reign = info_field(info, "master_replid:");
  now.reign_before = info_field(info, "master_replid2:");
  if (now.reign_before.find_first_not_of('0') == std::string::npos) now.reign_before.clear();
  if (now.is_replica)
    now.master = info_field(info, "master_host:") + ":" + info_field(info, "master_port:");
  return now;
}

void RedisLineage::met(const std::string& run_id, const RedisReplication& now) {
  const bool goes_on = now.reign == reign_ || (!successor_.empty() && now.reign == successor_) ||
                       (run_id == run_id_ && now.reign_before == reign_);
  if (!goes_on) whole_.clear();
  if (goes_on && now.reign != reign_) whole_.push_back(reign_);
  if (whole_.size() > most_whole) whole_.erase(whole_.begin());
  run_id_ = run_id;
  reign_ = now.reign;
  before_ = now.reign_before;
  successor_.clear();
}

void RedisLineage::watched(const RedisReplication& now) {
  if (now.reign != reign_ && !now.reign_before.empty() && now.reign_before != reign_) whole_.clear();
  reign_ = now.reign;
  before_ = now.reign_before;
}

bool RedisLineage::demoted(const RedisReplication& now) {
  if (now.reign == reign_ || reign_.empty() || now.reign_before != reign_) return false;
  successor_ = now.reign;
  return true;
}

}  // namespace cppwebsocket::channels
