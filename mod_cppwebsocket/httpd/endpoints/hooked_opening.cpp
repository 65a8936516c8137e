#include "httpd/endpoints/hooked_opening.hpp"

#include "channels/conversation/conversation.hpp"
#include "channels/members/subscriber.hpp"
#include "httpd/child/child.hpp"
#include "httpd/child/hooks.hpp"
#include "httpd/endpoints/subscribe.hpp"
#include "httpd/module.hpp"
#include "httpd/pool.hpp"
#include "runtime/session/session.hpp"

#include <algorithm>
#include <any>
#include <utility>
#include <vector>

namespace cppwebsocket::httpd {

namespace {

using Clock = std::chrono::steady_clock;
using Word = channels::HookAnswer::Word;

channels::Conversation* conversation_in(std::any& user_data) noexcept { return std::any_cast<channels::Conversation>(&user_data); }

// The channels that the connection begins with; null: a handler's.
channels::Subscription* subscription_in(std::any& user_data) noexcept {
  channels::Conversation* const made = conversation_in(user_data);
  return made ? &made->own : std::any_cast<channels::Subscription>(&user_data);
}

class MessageHook final : public channels::Receiver {
 public:
  MessageHook(std::shared_ptr<const Application> application, SharedHook hook) noexcept
      : application_(std::move(application)), hook_(std::move(hook)) {}

  channels::HookAnswer receive(const Message& message) override {
    if (!application_) return {.word = Word::none};
    return application_->receive(*hook_, message);
  }

 private:
  const std::shared_ptr<const Application> application_;  // null: none can be asked
  const SharedHook hook_;
};

std::chrono::milliseconds longest_of(const SharedHook& a, const SharedHook& b) noexcept {
  constexpr std::chrono::milliseconds none{0};
  return std::max(a ? a->time : none, b ? b->time : none);
}

}  // namespace

HookedOpening::HookedOpening(request_rec* r, Child& child, std::span<Header> headers,
                             std::shared_ptr<Application> application, runtime::Session& session)
    : r_(r),
      child_(child),
      headers_(headers),
      application_(std::move(application)),
      session_(session),
      connect_(hook_of(r, HookEvent::connect)),
      subscribe_(hook_of(r, HookEvent::subscribe)),
      disconnect_(hook_of(r, HookEvent::disconnect)),
      latest_(Clock::now() + longest_of(connect_, subscribe_)) {}

std::optional<HookRefusal> HookedOpening::ask(std::optional<std::string_view> origin) {
  if (application_) application_->set_connection(session_.record().id);
  channels::Subscription* const begun = subscription_in(session_.record().user_data);
  if (SharedHook hook = hook_of(r_, HookEvent::message); hook && begun)
    begun->receiver = std::make_shared<MessageHook>(application_, std::move(hook));
  const std::vector<std::string> by_address = begun ? begun->channels : std::vector<std::string>();
  if (connect_)
    if (auto refused = ask_to_connect(origin)) return refused;
  if (disconnect_ && application_) remember_disconnect();
  if (subscribe_)
    if (auto refused = ask_to_subscribe(by_address)) return refused;
  if (begun && begun->channels.empty() && !conversation_in(session_.record().user_data))
    return HookRefusal{HTTP_NOT_FOUND, "This address names no channel.", true};
  return std::nullopt;
}

SharedHook HookedOpening::hurried(const SharedHook& hook) const {
  auto copy = std::make_shared<channels::Hook>(*hook);
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(latest_ - Clock::now());
  copy->time = std::max(std::min(copy->time, left), std::chrono::milliseconds(1));
  return copy;
}

std::optional<HookRefusal> HookedOpening::ask_to_connect(std::optional<std::string_view> origin) {
  if (!application_) return refusal_of(*connect_, {.word = Word::none});
  const channels::Subscription* const begun = subscription_in(session_.record().user_data);
  const auto answer =
      application_->connect(*connect_, begun ? std::span<const std::string>(begun->channels) : std::span<const std::string>(), origin);
  if (auto refused = refusal_of(*connect_, answer)) return refused;
  return answer.word == Word::yes ? follow(answer) : std::nullopt;
}

std::optional<HookRefusal> HookedOpening::ask_to_subscribe(std::span<const std::string> channels) {
  for (const std::string& each : channels) {
    if (!application_) return refusal_of(*subscribe_, {.word = Word::none});
    if (auto refused = refusal_of(*subscribe_, application_->read(*hurried(subscribe_), each, true))) return refused;
  }
  return std::nullopt;
}

std::optional<HookRefusal> HookedOpening::follow(const channels::HookAnswer& answer) {
  if (answer.user) {
    application_->set_user(*answer.user);
    r_->user = answer.user->empty() ? nullptr : c_string_in(r_->pool, *answer.user);  // for the access log, too
    session_.record().set_text(detail::Text::user, view(r_->user));
  }
  if (answer.expires_at) {
    const apr_time_t left = apr_time_from_sec(std::min<std::int64_t>(*answer.expires_at, 1LL << 36)) - apr_time_now();
    if (left <= 0) return HookRefusal{HTTP_FORBIDDEN, "The time for this connection is over.", true};
    end_ = Clock::now() + std::chrono::microseconds(left);
  }
  if (auto* const made = conversation_in(session_.record().user_data); made && answer.welcome) made->data = answer.welcome;
  add_channels(answer);
  return std::nullopt;
}

// Where a client wants to go on can be read only once all its channels are known.
void HookedOpening::add_channels(const channels::HookAnswer& answer) {
  channels::Subscription* const begun = subscription_in(session_.record().user_data);
  if (!begun) return;
  const std::size_t before = begun->channels.size();
  for (const std::string& each : answer.channels)
    if (std::ranges::find(begun->channels, each) == begun->channels.end()) begun->channels.push_back(each);
  if (begun->channels.size() == before) return;
  begun->resume.clear();
  begun->lost = false;
  read_resume(r_, headers_, *begun);
}

void HookedOpening::remember_disconnect() {
  child_.hooks()->when_ended(session_.record().id, [application = application_, hook = disconnect_,
                                                    is_known = connect_ != nullptr](runtime::Connection* connection) {
    if (connection || is_known) application->disconnected(*hook, connection);
  });
}

}  // namespace cppwebsocket::httpd
