#include "channels/backplane/redis/errors.hpp"

namespace cppwebsocket::channels {

namespace {

struct Known {
  std::string_view code;  // the error's first word, in a script or outside
  ErrorKind kind;
  std::string_view cure;
};

constexpr std::string_view no_cluster =
    "it is a node of a cluster, and this module speaks to one Redis only: WebSocketBackplane has to "
    "name one that is none (cluster-enabled no)";
constexpr std::string_view more_rights =
    "its ACL user needs ~cppws:* &cppws:* +@connection +@scripting +@pubsub +@read +@write +info";

constexpr Known known[] = {
    {"WRONGTYPE", ErrorKind::record, "something else has written to this key: DEL it"},
    {"CWSORDER", ErrorKind::again, {}},
    {"NOSCRIPT", ErrorKind::again, {}},
    {"OOM", ErrorKind::later, "its memory is full: raise its maxmemory"},
    {"READONLY", ErrorKind::replica,
     "it is a replica: let WebSocketBackplane name its master, or make it one (REPLICAOF NO ONE)"},
    {"MASTERDOWN", ErrorKind::replica,
     "it is a replica that has lost its master: let WebSocketBackplane name the master"},
    {"MISCONF", ErrorKind::later,
     "it cannot save to its disk: its log says why; or CONFIG SET stop-writes-on-bgsave-error no"},
    {"NOREPLICAS", ErrorKind::later,
     "it has fewer replicas than its min-replicas-to-write asks for"},
    {"BUSY", ErrorKind::later, "somebody's script does not end: SCRIPT KILL"},
    {"LOADING", ErrorKind::later, "it reads its data from the disk: wait"},
    {"TRYAGAIN", ErrorKind::later, "a slot of its cluster is being moved: wait"},
    {"NOPERM", ErrorKind::rights, more_rights},
    {"MOVED", ErrorKind::elsewhere, no_cluster},
    {"ASK", ErrorKind::elsewhere, no_cluster},
    {"CROSSSLOT", ErrorKind::elsewhere, no_cluster},
    {"CLUSTERDOWN", ErrorKind::elsewhere, no_cluster},
};

// The same errors in words, which may stand anywhere.
constexpr Known said[] = {
    // XADD where somebody else has written to the log.
    {"equal or smaller than the target stream top item", ErrorKind::record,
     "something else has written to this channel's log: DEL its keys"},
    {"value is not an integer", ErrorKind::record,
     "something else has written to this channel's keys: DEL them"},
    {"invalid bulk length", ErrorKind::record,
     "the message is larger than its proto-max-bulk-len"},
    {"lements are too large", ErrorKind::record, "the message is larger than a stream can hold"},
    {"exceeds maximum allowed size", ErrorKind::record,
     "the message is larger than its proto-max-bulk-len"},
    {"he user executing the script can't", ErrorKind::rights, more_rights},
    {"ACL failure in script", ErrorKind::rights, more_rights},
    {"Script attempted to access a non local key", ErrorKind::elsewhere, no_cluster},
    {"while the cluster is down", ErrorKind::elsewhere, no_cluster},
};

// "-CODE" in what Redis before 7 says of an error in a script.
bool has_code(std::string_view error, std::string_view code) noexcept {
  if (error.starts_with(code)) return error.size() == code.size() || error[code.size()] == ' ';
  for (std::size_t at = error.find(code); at != error.npos; at = error.find(code, at + 1))
    if (error[at - 1] == '-') return true;
  return false;
}

const Known* find(std::string_view error) noexcept {
  for (const Known& each : known)
    if (has_code(error, each.code)) return &each;
  for (const Known& each : said)
    if (error.find(each.code) != error.npos) return &each;
  return nullptr;
}

}  // namespace

ErrorKind kind_of(std::string_view error) noexcept {
  const Known* const found = find(error);
  return found ? found->kind : ErrorKind::link;
}

std::string_view cure_of(std::string_view error) noexcept {
  const Known* const found = find(error);
  return found ? found->cure : std::string_view();
}

}  // namespace cppwebsocket::channels
