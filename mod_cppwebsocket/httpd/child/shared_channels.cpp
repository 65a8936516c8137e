#include "httpd/child/shared_channels.hpp"

#include "httpd/configuration/config.hpp"
#include "httpd/log.hpp"
#include "httpd/module.hpp"

#include <ap_mpm.h>
#include <apr_pools.h>

#include <algorithm>
#include <stdexcept>
#include <string>

namespace cppwebsocket::httpd {

namespace {

// It changes with the layout of the memory and of the object: a restart may load another version of
// this module, which then makes its own.
constexpr const char* memory_key = "cppwebsocket-channel-memory-2";

channels::ChannelMemory* the_memory = nullptr;

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
  }
  the_memory = static_cast<channels::ChannelMemory*>(found);
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
  const auto report = [main_server](const std::string& text) {
    log_server(main_server, APLOG_WARNING, "CWS0035: " + text);
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

const channels::ChannelMemory* channel_memory() noexcept { return the_memory; }

void child_status(server_rec*, pid_t pid, ap_generation_t, int, mpm_child_status status) noexcept {
  if (status == MPM_CHILD_EXITED && the_memory) the_memory->child_exited(pid);
}

}  // namespace cppwebsocket::httpd
