// What clients have, by WebSocketLimit: counted at an opening handshake, and given back when the connection is gone.
// The numbers are in a table that all children share (LimitTable); here is what they are of.
#pragma once

#include "channels/store/store.hpp"
#include "httpd/configuration/config.hpp"
#include "runtime/limits/table.hpp"
#include "runtime/session/session.hpp"

#include <httpd.h>

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace cppwebsocket::httpd {

// Makes the table's memory, unless this httpd has it already. Thread: startup.
void make_limit_memory(server_rec* main_server);

// Thread: any.
class ClientCounts {
 public:
  // Of this process, with what it has in all; `store` has its seat, and outlives it.
  ClientCounts(server_rec* main_server, const channels::ChannelStore& store, std::size_t connections,
               std::size_t blocking_threads);

  // What one handshake has taken: given back with this, or with the session.
  class Taken {
   public:
    Taken() = default;
    Taken(const Taken&) = delete;
    Taken& operator=(const Taken&) = delete;
    ~Taken() { give_back(); }
    // From now on it is the session's. Raises std::bad_alloc, and then it is not.
    void give_to(runtime::Session& session);

   private:
    friend class ClientCounts;
    void give_back() noexcept;

    ClientCounts* counts_ = nullptr;
    std::vector<runtime::LimitKey> keys_;
    bool are_default_ = true;  // all of the default's, and nothing else
  };

  struct Refusal {
    std::string why;        // for the log
    std::string_view text;  // for the client
    std::chrono::seconds again;
  };
  // Counts a handshake by all limits that apply, or by none.
  std::optional<Refusal> take(request_rec* r, bool blocking, Taken& taken);

  // A session of this record is gone.
  void give_back(const detail::RequestRecord& record) noexcept;

 private:
  using Kind = ClientLimit::Kind;

  struct Client {
    const char* key;
    std::string name;  // empty: nobody's, so not limited
  };
  const std::string& name_of(request_rec* r, const ClientLimit& limit, std::vector<Client>& known) const;
  std::optional<Refusal> take(request_rec* r, const ClientLimit& limit, const std::string& client, Taken& taken);
  runtime::LimitKey key_of(const request_rec* r, const ClientLimit& limit, std::string_view client) const;
  runtime::LimitKey default_key(Kind kind, std::string_view client) const;

  std::optional<runtime::LimitTable> table_;  // none: this child has no seat, and counts nothing
  server_rec* const main_server_;
  const std::size_t connections_;
  const std::size_t blocking_threads_;
  std::mutex mutex_;
  // What sessions have taken, by their numbers; but for the default limits: that is known from the address, and
  // takes no memory.
  std::unordered_map<std::uint64_t, std::vector<runtime::LimitKey>> listed_;  // GUARDED_BY(mutex_)
};

}  // namespace cppwebsocket::httpd
