#include "httpd/endpoints/idempotency.hpp"

#include "httpd/pool.hpp"
#include "httpd/request/answer.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace cppwebsocket::httpd {

namespace {

constexpr std::size_t longest_key = 255;  // bytes

// Several fields of that name are joined by httpd, with a space.
bool is_key(std::string_view text) noexcept {
  return !text.empty() && text.size() <= longest_key && std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

}  // namespace

std::variant<std::string, int> idempotency_name(request_rec* r, const protocol::HeaderFields& fields,
                                                std::string_view channel) {
  const auto key = fields.first("Idempotency-Key");
  if (!key) return std::string();
  if (fields.count("Idempotency-Key") != 1 || !is_key(*key))
    return refuse(r, HTTP_BAD_REQUEST,
                  "Idempotency-Key is one key, of 1 to 255 visible ASCII characters without spaces.");
  return std::string(view(r->user)).append(1, '\0').append(channel).append(1, '\0').append(*key);
}

channels::IdempotencyTable::Attempt begin_once(channels::IdempotencyTable& table, std::string_view name,
                                               const Message& message) {
  std::string request(message.is_text() ? "t" : "b");
  request.append(message.payload());
  return table.begin(name, request, std::chrono::steady_clock::now().time_since_epoch());
}

int refuse_attempt(request_rec* r, channels::IdempotencyTable::Outcome outcome) {
  using Outcome = channels::IdempotencyTable::Outcome;
  const std::pair<std::string, std::string> soon[] = {{"Retry-After", "1"}};
  if (outcome == Outcome::other_request)
    return refuse(r, HTTP_UNPROCESSABLE_ENTITY,
                  "This Idempotency-Key was given to another message: each message has a key of its own.");
  if (outcome == Outcome::in_progress)
    return refuse(r, HTTP_CONFLICT, "The message with this Idempotency-Key is being published: ask again.", soon);
  return refuse(r, HTTP_SERVICE_UNAVAILABLE, "There is no room for another Idempotency-Key now.", soon);
}

}  // namespace cppwebsocket::httpd
