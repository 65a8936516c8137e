#include "channels/hooks/hook.hpp"

#include <cstdio>
#include <exception>
#include <random>
#include <utility>

namespace cppwebsocket::channels {

namespace {

std::uint64_t random_name() {
  std::random_device random;
  return std::uint64_t{random()} << 32 | random();
}

}  // namespace

Applications::Applications(std::unique_ptr<HttpClient> client, std::size_t most_held, DeliveryOptions options)
    : client_(std::move(client)), most_held_(most_held), name_(random_name()), deliveries_(*client_, std::move(options)) {}

HookRequest Applications::request(const Hook& hook, std::string&& body, std::vector<std::string>&& fields) {
  char id[48];
  std::snprintf(id, sizeof id, "%016llx-%llu", static_cast<unsigned long long>(name_),
                static_cast<unsigned long long>(next_.fetch_add(1)));
  return {hook.url, hook.secret, hook.authorities, id, std::move(body), std::move(fields), hook.time};
}

HookAnswer Applications::ask(const Hook& hook, std::string body, std::vector<std::string> fields) {
  return answer_of(client_->post(request(hook, std::move(body), std::move(fields))));
}

HookAnswer Applications::ask_on_worker(const Hook& hook, std::string body, std::vector<std::string> fields) {
  struct Place {
    std::atomic<std::size_t>& count;
    const std::size_t before = count.fetch_add(1);
    ~Place() { --count; }
  };
  const Place place{held_};
  if (place.before < most_held_) return ask(hook, std::move(body), std::move(fields));
  HookAnswer none;
  none.word = HookAnswer::Word::none;
  none.reason = std::to_string(most_held_) + " requests of this child wait for an application already";
  return none;
}

void Applications::tell(const Hook& hook, std::string body) noexcept {
  try {
    deliveries_.add(request(hook, std::move(body), {}));
  } catch (const std::exception&) {  // no memory, not even to say so
  }
}

}  // namespace cppwebsocket::channels
