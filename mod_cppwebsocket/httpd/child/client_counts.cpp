#include "httpd/child/client_counts.hpp"

#include "httpd/child/shared_channels.hpp"
#include "httpd/child/shared_memory.hpp"
#include "httpd/log.hpp"
#include "httpd/module.hpp"
#include "httpd/pool.hpp"

#include <ap_expr.h>

#include <algorithm>
#include <array>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace cppwebsocket::httpd {

namespace {

using std::chrono::nanoseconds, std::chrono::seconds;

// Room for some 250,000 clients; the kernel gives pages as they are used.
constexpr std::size_t limit_memory_bytes = 4 << 20;
// It changes with the layout of the memory.
constexpr const char* limit_memory_key = "cppwebsocket-limit-memory-1";
constexpr seconds come_back{5};

void* limit_memory = nullptr;

nanoseconds time_of_limits() noexcept { return std::chrono::steady_clock::now().time_since_epoch(); }

// --- addresses -----------------------------------------------------------------------------------

// One name for each client: an IPv4 address, or the first half of an IPv6 one, for whoever has an address there has
// the other 2^64 of its network as well. Anything else, a UNIX socket's, as it is.
std::string address_of(std::string_view ip) {
  const std::string text(ip.substr(0, ip.find('%')));
  std::array<char, 16> bytes{};
  if (::inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) return {bytes.data(), 4};
  if (::inet_pton(AF_INET6, text.c_str(), bytes.data()) != 1) return text;
  constexpr char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '\xff', '\xff'};  // RFC 4291 §2.5.5.2
  if (std::memcmp(bytes.data(), mapped, 12) == 0) return {bytes.data() + 12, 4};
  return {bytes.data(), 8};
}

// Behind such an address is a proxy that mod_remoteip does not know, an office, or a test.
bool is_public(std::string_view address) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(address[i]); };
  if (address.size() == 4)  // RFC 1122 §3.2.1.3, 1918, 3927, 6598
    return byte(0) != 0 && byte(0) != 10 && byte(0) != 127 && !(byte(0) == 172 && byte(1) >> 4 == 1) &&
           !(byte(0) == 192 && byte(1) == 168) && !(byte(0) == 169 && byte(1) == 254) &&
           !(byte(0) == 100 && byte(1) >> 6 == 1);
  return address.size() == 8 && byte(0) >> 5 == 1;  // 2000::/3, RFC 4291 §2.4
}

// As capture() writes it: with a port.
std::string_view without_port(std::string_view address) noexcept {
  if (address.starts_with('[')) return address.substr(1, address.find(']') - 1);
  return address.substr(0, address.rfind(':'));
}

constexpr const char* kind_name(ClientLimit::Kind kind) noexcept {
  if (kind == ClientLimit::Kind::connections) return "connections";
  return kind == ClientLimit::Kind::blocking ? "blocking" : "handshakes";
}

// What a session's record says of this.
enum class Counted : std::uint8_t { nothing, by_default, by_default_blocking, listed };

std::vector<ClientLimit> limits_of(const request_rec* r) {
  const auto& config = directory_config_of(r).client_limits;
  std::vector<ClientLimit> all;
  if (config) all.assign(config->listed.begin(), config->listed.end());
  if (config && config->no_others) return all;
  for (const auto kind : {ClientLimit::Kind::connections, ClientLimit::Kind::blocking}) {
    if (std::any_of(all.begin(), all.end(), [kind](const ClientLimit& each) {
          return each.kind == kind && !each.expression;
        }))
      continue;
    ClientLimit limit;
    limit.kind = kind;
    limit.key = "address";
    limit.is_share = limit.only_public = true;
    limit.count = default_client_share;
    all.push_back(limit);
  }
  return all;
}

}  // namespace

void make_limit_memory(server_rec* main_server) {
  limit_memory = shared_memory(main_server, limit_memory_key, limit_memory_bytes);
}

ClientCounts::ClientCounts(server_rec* main_server, const channels::ChannelStore& store, std::size_t connections,
                           std::size_t blocking_threads)
    : main_server_(main_server), connections_(connections), blocking_threads_(blocking_threads) {
  channels::ChannelMemory& memory = store.memory();
  if (!limit_memory || &memory != channel_memory()) return;
  table_.emplace(std::span(static_cast<std::byte*>(limit_memory), limit_memory_bytes), memory.seats(), store.seat(),
                 [&memory](unsigned seat) { return memory.locks().is_held(seat); });
}

// --- what a handshake takes ----------------------------------------------------------------------

runtime::LimitKey ClientCounts::key_of(const request_rec* r, const ClientLimit& limit,
                                       std::string_view client) const {
  std::string rule = kind_name(limit.kind);
  rule.append(1, '\0').append(limit.key).append(1, '\0').append(limit.place).append(1, '\0');
  if (limit.is_of_host)
    rule.append(view(r->server->server_hostname)).append(":").append(std::to_string(r->server->port));
  return table_->key(rule, client);
}

runtime::LimitKey ClientCounts::default_key(Kind kind, std::string_view client) const {
  return table_->key(kind_name(kind), client);
}

const std::string& ClientCounts::name_of(request_rec* r, const ClientLimit& limit,
                                         std::vector<Client>& known) const {
  for (const Client& each : known)
    if (std::string_view(each.key) == limit.key) return each.name;
  Client& client = known.emplace_back(Client{limit.key, {}});
  if (!limit.expression) {
    client.name = address_of(view(r->useragent_ip));
  } else {
    const char* error = nullptr;
    const char* const value = ap_expr_str_exec(r, limit.expression, &error);
    if (error)
      log_request(r, APLOG_ERR, std::string("CWS0088: WebSocketLimit ") + limit.key + ": " + error);
    else
      client.name = view(value);
  }
  return client.name;
}

std::optional<ClientCounts::Refusal> ClientCounts::take(request_rec* r, bool blocking, Taken& taken) {
  if (!table_) return std::nullopt;
  std::vector<Client> known;
  taken.counts_ = this;
  const auto limits = limits_of(r);
  // Handshakes last: one that is refused for another reason is not counted.
  for (const bool rates : {false, true})
    for (const ClientLimit& limit : limits) {
      if (limit.count == 0 || (limit.kind == Kind::handshakes) != rates ||
          (limit.kind == Kind::blocking && !blocking))
        continue;
      const std::string& client = name_of(r, limit, known);
      if (client.empty() || (limit.only_public && !is_public(client))) continue;
      if (auto refusal = take(r, limit, client, taken)) {
        taken.give_back();
        return refusal;
      }
    }
  return std::nullopt;
}

std::optional<ClientCounts::Refusal> ClientCounts::take(request_rec* r, const ClientLimit& limit,
                                                        const std::string& client, Taken& taken) {
  const std::string written = std::string(" (WebSocketLimit ") + limit.key + " " + kind_name(limit.kind) + "=";
  if (limit.kind == Kind::handshakes) {
    const auto wait =
        table_->wait_for(key_of(r, limit, client), {limit.count, limit.time}, time_of_limits());
    if (!wait) return std::nullopt;
    return Refusal{"more handshakes in a time" + written + std::to_string(limit.count) + "/" +
                       std::to_string(limit.time.count()) + "ms)",
                   "This client opens connections too often.", std::chrono::ceil<seconds>(*wait)};
  }
  const bool is_blocking = limit.kind == Kind::blocking;
  const std::size_t all = is_blocking ? blocking_threads_ : connections_;
  const auto most =
      limit.is_share ? std::max<std::size_t>(all * limit.count / 100, 1) : std::size_t{limit.count};
  const runtime::LimitKey key =
      limit.only_public ? default_key(limit.kind, client) : key_of(r, limit, client);
  using runtime::LimitTable;
  taken.are_default_ = taken.are_default_ && limit.only_public;
  switch (table_->take(key, static_cast<std::uint32_t>(std::min<std::size_t>(most, UINT32_MAX)),
                       limit.is_share ? LimitTable::Scope::this_child : LimitTable::Scope::all_children, time_of_limits())) {
    case LimitTable::Taken::yes:
      taken.keys_.push_back(key);
      return std::nullopt;
    case LimitTable::Taken::no_room:
      taken.are_default_ = false;
      if (table_->is_first_without_room())
        log_server(main_server_, APLOG_WARNING,
                   "CWS0087: the table of clients with limits is full, " + std::to_string(table_->entries()) +
                       " places: further clients are let in and not counted (WebSocketLimit)");
      return std::nullopt;
    case LimitTable::Taken::over:
      break;
  }
  return Refusal{std::string("more ") + (is_blocking ? "connections of blocking handlers" : "connections") +
                     written + std::to_string(limit.count) +
                     (limit.is_share ? "% of what a child has: " + std::to_string(most) + ")" : ")") +
                     (limit.only_public ? ". If this is a proxy, mod_remoteip makes its clients known" : ""),
                 "This client has as many connections here as it may have.", come_back};
}

// --- and gives back ------------------------------------------------------------------------------

void ClientCounts::Taken::give_back() noexcept {
  for (const runtime::LimitKey key : keys_) counts_->table_->give_back(key);
  keys_.clear();
}

void ClientCounts::Taken::give_to(runtime::Session& session) {
  if (keys_.empty()) return;
  detail::RequestRecord& record = session.record();
  // Both, or the one that there is of a coroutine handler.
  const bool by_default = are_default_ && keys_.size() == (session.handler().is_blocking() ? 2u : 1u);
  const Counted counted = !by_default         ? Counted::listed
                          : keys_.size() == 2 ? Counted::by_default_blocking
                                              : Counted::by_default;
  if (counted == Counted::listed) {
    std::lock_guard lock(counts_->mutex_);
    counts_->listed_.emplace(record.id, std::move(keys_));
  }
  keys_.clear();
  record.counted = static_cast<std::uint8_t>(counted) & 3;
}

void ClientCounts::give_back(const detail::RequestRecord& record) noexcept {
  const auto counted = static_cast<Counted>(record.counted);
  if (counted == Counted::by_default || counted == Counted::by_default_blocking) {
    const std::string client = address_of(without_port(record.text(detail::Text::remote_address)));
    table_->give_back(default_key(Kind::connections, client));
    if (counted == Counted::by_default_blocking) table_->give_back(default_key(Kind::blocking, client));
  } else if (counted == Counted::listed) {
    std::unique_lock lock(mutex_);
    const auto node = listed_.extract(record.id);
    lock.unlock();
    if (!node.empty())
      for (const runtime::LimitKey key : node.mapped()) table_->give_back(key);
  }
}

}  // namespace cppwebsocket::httpd
