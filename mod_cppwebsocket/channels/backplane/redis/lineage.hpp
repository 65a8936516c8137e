// Whose histories a Redis has whole, so that their numbers may go on.
//
// A server's master_replid changes whenever it may have become another's data: it names a reign, the time
// in which one process was the master of these data. Of a reign that is over, another server may lack the
// newest records, and nothing in it tells; if it gave their numbers again, members would take new messages for
// known ones. Proofs that it lacks none:
//
//   the same reign
//   the same process, and its replid was taken anew only (a first replica came, the last one has been gone
//                     for repl-backlog-ttl) or goes on from its own earlier one (master_replid2)
//   the successor     the old master itself, demoted, goes on from its own last byte in the other's reign:
//                     where that lacked a byte, the two would have synchronised in full, and master_replid2
//                     be gone
//
// master_replid2 of a promoted server alone is none: it goes up to second_repl_offset, and how far the old
// master had come only that knows. Nor is a restart with an AOF: a server begins a new reign then, and what was
// restarted cannot be told from an older copy of it.
// Thread: one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cppwebsocket::channels {

// "run_id:5f3a..." in the answer to INFO; empty if it has no such line.
std::string info_field(std::string_view info, std::string_view name);

// The answer to INFO replication.
struct RedisReplication {
  bool is_replica = false;
  std::string reign, reign_before;  // master_replid, master_replid2; the latter empty if there is none
  std::string master;               // HOST:PORT, of a replica

  static RedisReplication parse(std::string_view info);
};

class RedisLineage {
 public:
  // A master, at the beginning of a connection, and later on the same.
  void met(const std::string& run_id, const RedisReplication& now);
  void watched(const RedisReplication& now);
  // The server has become a replica. True once it is known whose reign goes on from its own.
  bool demoted(const RedisReplication& now);

  const std::string& run_id() const noexcept { return run_id_; }
  const std::string& reign() const noexcept { return reign_; }
  const std::string& reign_before() const noexcept { return before_; }
  // Earlier reigns whose histories are whole, too: the newest few.
  const std::vector<std::string>& whole() const noexcept { return whole_; }

 private:
  static constexpr std::size_t most_whole = 8;

  std::string run_id_, reign_, before_;
  std::vector<std::string> whole_;
  std::string successor_;  // its reign goes on from ours; empty: none is known
};

}  // namespace cppwebsocket::channels
