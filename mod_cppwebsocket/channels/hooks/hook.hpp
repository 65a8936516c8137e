// One event's way to an application, and who is asked by it. Thread: any.
#pragma once

#include "channels/hooks/answer.hpp"
#include "channels/hooks/deliveries.hpp"
#include "channels/hooks/http_client.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace cppwebsocket::channels {

// From WebSocketHook and its like.
struct Hook {
  std::string url, secret, authorities;
  std::chrono::milliseconds time{};
  bool open = false;  // what cannot be asked about is allowed
};

class Applications {
 public:
  // `most_held`: see ask_on_worker().
  Applications(std::unique_ptr<HttpClient> client, std::size_t most_held, DeliveryOptions options);

  // Waits for the answer, for as long as the hook says. Raises std::bad_alloc.
  HookAnswer ask(const Hook& hook, std::string body, std::vector<std::string> fields);
  // The same on a thread that others need as well: where so many wait already, none is the answer at once.
  HookAnswer ask_on_worker(const Hook& hook, std::string body, std::vector<std::string> fields);

  // Has it told, some time.
  void tell(const Hook& hook, std::string body) noexcept;
  // See Deliveries.
  void finish() noexcept { deliveries_.finish(); }

 private:
  HookRequest request(const Hook& hook, std::string&& body, std::vector<std::string>&& fields);

  const std::unique_ptr<HttpClient> client_;
  const std::size_t most_held_;
  const std::uint64_t name_;  // of this process, for ids
  std::atomic<std::uint64_t> next_{1};
  std::atomic<std::size_t> held_{0};
  Deliveries deliveries_;
};

}  // namespace cppwebsocket::channels
