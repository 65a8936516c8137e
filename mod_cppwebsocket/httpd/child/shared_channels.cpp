#include "httpd/child/shared_channels.hpp"

#include "httpd/child/place.hpp"
#include "httpd/child/shared_memory.hpp"
#include "httpd/configuration/config.hpp"
#include "httpd/log.hpp"
#include "httpd/module.hpp"

#include <ap_mpm.h>
#include <apr_pools.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>

namespace cppwebsocket::httpd {

namespace {

// It changes with the layout of the memory and of the object: a restart may load another version of
// this module, which then makes its own.
constexpr const char* memory_key = "cppwebsocket-channel-memory-5";

channels::ChannelMemory* the_memory = nullptr;
std::optional<runtime::Sheet> the_sheet;
constexpr const char* sheet_key = "counters-1";  // changes with what lies in it

// Half a million entries, one for each channel with members and child. The kernel gives pages as they are used.
constexpr std::size_t member_bytes = 8 << 20;
std::span<std::byte> member_memory;

// A hundred thousand keys.
constexpr std::size_t idempotency_bytes = 8 << 20;
std::span<std::byte> idempotency_memory;

// Seats and origins in it are those of the channels' memory.
std::span<std::byte> memory_beside_channels(server_rec* main_server, const char* what, std::size_t bytes) {
  const std::string key = std::string(memory_key) + what;
  return {static_cast<std::byte*>(shared_memory(main_server, key.c_str(), bytes)), bytes};
}

// For as many reactors as the children of this machine have; of one that has more, those count for themselves.
void make_sheet(server_rec* main_server, std::size_t seats) {
  const std::size_t cores = std::max(std::thread::hardware_concurrency(), 1u);
  const std::size_t reactors = config_of(main_server).child.threads.value_or(cores);
  void* const memory = shared_memory(main_server, sheet_key, runtime::Sheet::bytes(seats, reactors));
  the_sheet.emplace(memory, seats, reactors);
}

std::string kibibytes(std::size_t bytes) { return std::to_string(bytes / 1024) + "K"; }

// What an administrator cannot read off the directive.
void tell_sizes(server_rec* main_server, const channels::ChannelMemory& memory) {
  using channels::ChannelStore;
  log_server(main_server, APLOG_NOTICE,
             "CWS0053: channels have " + kibibytes(memory.bytes()) + " of memory: room for " +
                 std::to_string(memory.entry_count()) + " channels, and for each of " +
                 std::to_string(memory.seats()) + " children " +
                 kibibytes(memory.ring_words() * sizeof(channels::shared::Word)) +
                 " for histories and as much for all else; a message has at most " +
                 kibibytes(ChannelStore::largest_payload(memory)) + ", of a history the newest " +
                 kibibytes(ChannelStore::share(memory)) +
                 " outlast what is published elsewhere (WebSocketChannelMemory, ServerLimit)");
}

}  // namespace

// The object is never destroyed: restarts unload this module, and children have the memory mapped
// until they end.
void make_channel_memory(server_rec* main_server) {
  apr_pool_t* const process = main_server->process->pool;
  void* found = nullptr;
  apr_pool_userdata_get(&found, memory_key, process);
  const std::size_t wanted =
      config_of(main_server).child.channel_memory.value_or(default_channel_memory);
  int children = 0;
  ap_mpm_query(AP_MPMQ_HARD_LIMIT_DAEMONS, &children);
  children = std::max(children, 1);
  // While old children drain, MPMs start new ones beyond ServerLimit (ap_register_extra_mpm_process).
  const auto seats = static_cast<unsigned>(children + children / 4 + 1);
  if (!found) {
    const std::size_t least = channels::ChannelMemory::least_bytes(seats);
    if (wanted < least)
      throw std::runtime_error("WebSocketChannelMemory must be at least " +
                               std::to_string((least + 1023) / 1024) + "K for ServerLimit " +
                               std::to_string(children));
    found = channels::ChannelMemory::create(wanted, seats).release();
    // Not _setn: the key's text goes when a restart unloads this module.
    apr_pool_userdata_set(found, memory_key, nullptr, process);
    tell_sizes(main_server, *static_cast<channels::ChannelMemory*>(found));
  }
  the_memory = static_cast<channels::ChannelMemory*>(found);
  note_places(*the_memory);
  make_sheet(main_server, the_memory->seats());
  member_memory = memory_beside_channels(main_server, "-members-1", member_bytes);
  idempotency_memory = memory_beside_channels(main_server, "-idempotency-1", idempotency_bytes);
  const std::size_t page = 4096;
  if (the_memory->bytes() / page != (wanted + page - 1) / page)
    log_server(main_server, APLOG_WARNING,
               "CWS0034: WebSocketChannelMemory stays at " +
                   std::to_string(the_memory->bytes() / 1024) +
                   "K: its size changes when httpd is stopped and started");
}

std::unique_ptr<channels::ChannelStore> make_channel_store(server_rec* main_server) {
  using channels::ChannelMemory, channels::ChannelStore;
  if (!the_memory) throw std::runtime_error("httpd's parent has made no channel memory");
  const auto report = [main_server](channels::StoreNews news, const std::string& text) {
    const bool is_overtaken = news == channels::StoreNews::overtaken;
    log_server(main_server, APLOG_WARNING, (is_overtaken ? "CWS0035: " : "CWS0054: ") + text);
  };
  try {
    return std::make_unique<ChannelStore>(*the_memory, report);
  } catch (const channels::NoSeat& error) {
    log_server(main_server, APLOG_WARNING,
               std::string("CWS0036: the channels of this child reach no other child: ") +
                   error.what());
  }
  // As the shared one, it stays until the process ends.
  return std::make_unique<ChannelStore>(
      *ChannelMemory::create(the_memory->bytes(), 1).release(), report);
}

std::unique_ptr<runtime::LimitTable> make_member_counts(const channels::ChannelStore& store) {
  channels::ChannelMemory& memory = store.memory();
  if (&memory != the_memory || member_memory.empty()) return nullptr;
  return std::make_unique<runtime::LimitTable>(member_memory, memory.seats(), store.seat(), [&memory](unsigned seat) {
    return memory.locks().is_held(seat);
  });
}

std::unique_ptr<channels::IdempotencyTable> make_idempotency_table(const channels::ChannelStore& store) {
  if (&store.memory() != the_memory || idempotency_memory.empty()) return nullptr;
  return std::make_unique<channels::IdempotencyTable>(idempotency_memory, store.memory(), store.origin());
}

runtime::Sheet* counters() noexcept { return the_sheet ? &*the_sheet : nullptr; }

std::unique_ptr<runtime::Totals> totals_of_children(const channels::ChannelMemory& memory) {
  return std::make_unique<runtime::Totals>(*the_sheet, memory.used_seats(), [&memory](std::size_t seat) {
    return static_cast<std::uint32_t>(memory.seat(static_cast<unsigned>(seat)).owner) != 0;
  });
}

runtime::Page page_of(const channels::ChannelStore& store) noexcept {
  if (!the_sheet || &store.memory() != the_memory) return {};
  return the_sheet->take(store.seat());
}

channels::ChannelMemory* channel_memory() noexcept { return the_memory; }

}  // namespace cppwebsocket::httpd
