#include "httpd/endpoints/hooked_request.hpp"

#include "httpd/child/application.hpp"
#include "httpd/module.hpp"
#include "httpd/request/answer.hpp"

#include <memory>
#include <utility>

namespace cppwebsocket::httpd {

namespace {

using Said = channels::HookAnswer;

std::optional<int> refuse_by(request_rec* r, const channels::Hook& hook, const Said& answer) {
  const auto refusal = refusal_of(hook, answer);
  if (!refusal) return std::nullopt;
  const std::pair<std::string, std::string> again[] = {{"Retry-After", "5"}};
  return refuse(r, refusal->status, refusal->text, refusal->is_final ? AddedHeaders() : AddedHeaders(again));
}

}  // namespace

std::optional<HookRefusal> refusal_of(const channels::Hook& hook, const channels::HookAnswer& answer) {
  if (answer.word == Said::Word::no)
    return HookRefusal{answer.status, answer.reason.empty() ? "The application does not allow this." : answer.reason,
                       answer.status != HTTP_TOO_MANY_REQUESTS};
  if (answer.word == Said::Word::yes || hook.open) return std::nullopt;
  return HookRefusal{HTTP_SERVICE_UNAVAILABLE, "Whether this is allowed cannot be found out now.", false};
}

std::optional<int> refuse_reader(request_rec* r, std::string_view path, std::string_view channel) {
  const SharedHook hook = hook_of(r, HookEvent::subscribe);
  if (!hook) return std::nullopt;
  const auto application = Application::of(r, path);
  return refuse_by(r, *hook, application ? application->read(*hook, channel, true) : Said{.word = Said::Word::none});
}

std::optional<int> refuse_message(request_rec* r, std::string_view path, std::string_view channel, Message& message) {
  const SharedHook hook = hook_of(r, HookEvent::publish);
  if (!hook) return std::nullopt;
  const auto application = Application::of(r, path);
  auto answer = application ? application->publish(*hook, channel, message, true) : Said{.word = Said::Word::none};
  if (const auto refused = refuse_by(r, *hook, answer)) return refused;
  if (answer.message) message = *std::move(answer.message);
  return std::nullopt;
}

}  // namespace cppwebsocket::httpd
