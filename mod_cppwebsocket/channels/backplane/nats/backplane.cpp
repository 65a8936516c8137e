#include "channels/backplane/nats/backplane.hpp"

#include <chrono>
#include <memory>
#include <thread>
#include <utility>

#include <signal.h>

#include "channels/backplane/envelope.hpp"

namespace cppwebsocket::channels {

namespace {

constexpr std::int64_t greeting_ms = 5'000;
constexpr std::int64_t check_ms = 5'000;  // between PINGs
constexpr int most_silent_checks = 1;
constexpr std::chrono::seconds refused_rest{5};
constexpr std::int64_t rest_ms = 500;  // between attempts, and as much again at random

// Those that libnats reports. It ends a link for good that was refused twice for the same reason.
constexpr std::pair<natsStatus, const char*> cures[] = {
    {NATS_CONNECTION_AUTH_FAILED,
     "WebSocketBackplanePasswordFile, and the user in WebSocketBackplane, have to be what the server has"},
    {NATS_NOT_PERMITTED, "its user has to be allowed to publish and to subscribe cppws.>"},
    {NATS_SLOW_CONSUMER, "this machine takes messages more slowly than they come, and some are lost"},
    {NATS_MAX_PAYLOAD, "the server's max_payload is below WebSocketMaxMessageSize"},
};

std::string with_cure(natsStatus status, const char* text) {
  std::string said = text && *text ? text : natsStatus_GetText(status);
  for (const auto& [known, cure] : cures)
    if (known == status) said += std::string(" (") + cure + ")";
  return said;
}

}  // namespace

NatsBackplane::~NatsBackplane() {
  ending_ = true;
  natsConnection_Close(connection_);
  natsSubscription_Destroy(echo_);
  natsConnection_Destroy(connection_);
  natsOptions_Destroy(nats_options_);
}

natsStatus NatsBackplane::prepare() {
  const std::string server = BackplaneUrl{url_.scheme, "", url_.host, url_.port, 0}.to_string();
  const auto connected = [](natsConnection*, void* self) {
    static_cast<NatsBackplane*>(self)->link_changed(true);
  };
  const auto disconnected = [](natsConnection*, void* self) {
    static_cast<NatsBackplane*>(self)->link_changed(false);
  };
  const auto closed = [](natsConnection* connection, void* self) {
    const char* text = nullptr;
    const natsStatus why = natsConnection_GetLastError(connection, &text);
    static_cast<NatsBackplane*>(self)->closed(connection, with_cure(why, text));
  };
  natsStatus status = natsOptions_Create(&nats_options_);
  const auto also = [&](natsStatus next) { if (status == NATS_OK) status = next; };
  also(natsOptions_SetURL(nats_options_, server.c_str()));
  if (!url_.user.empty())
    also(natsOptions_SetUserInfo(nats_options_, url_.user.c_str(), options_.password.c_str()));
  else if (!options_.password.empty())
    also(natsOptions_SetToken(nats_options_, options_.password.c_str()));
  also(natsOptions_SetName(nats_options_, "mod_cppwebsocket"));
  also(natsOptions_SetTimeout(nats_options_, greeting_ms));
  also(natsOptions_SetPingInterval(nats_options_, check_ms));
  also(natsOptions_SetMaxPingsOut(nats_options_, most_silent_checks));
  also(natsOptions_SetMaxReconnect(nats_options_, -1));
  also(natsOptions_SetReconnectWait(nats_options_, rest_ms));
  also(natsOptions_SetReconnectJitter(nats_options_, rest_ms, rest_ms));
  also(natsOptions_SetRetryOnFailedConnect(nats_options_, true, connected, this));
  also(natsOptions_SetReconnectedCB(nats_options_, connected, this));
  also(natsOptions_SetDisconnectedCB(nats_options_, disconnected, this));
  also(natsOptions_SetClosedCB(nats_options_, closed, this));
  also(natsOptions_SetErrorHandler(nats_options_, on_error, this));
  also(natsOptions_UseGlobalMessageDelivery(nats_options_, true));  // one thread: one order
  return status;
}

// libnats looks the host up, and waits for the server, before it goes on by itself.
void NatsBackplane::start(Listener& listener) {
  listener_ = &listener;
  run(&NatsBackplane::open);
}

void NatsBackplane::run(void (NatsBackplane::*what)()) {
  sigset_t all, before;  // httpd's signals are for httpd's threads
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread([this, what] { (this->*what)(); }).detach();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void NatsBackplane::open() {
  natsConnection* connection = nullptr;
  natsStatus status, before = NATS_OK;
  // It goes on by itself where nobody answers, but not where it is refused, as for a password.
  while (status = natsConnection_Connect(&connection, nats_options_),
         status != NATS_OK && status != NATS_NOT_YET_CONNECTED) {
    if (status != before)
      log(Severity::error, "CWS0040: cannot use the backplane " + url_.to_string() + ": " +
                               with_cure(status, nullptr) + ". It is tried again");
    before = status;
    std::this_thread::sleep_for(refused_rest);
  }
  {
    std::lock_guard lock(mutex_);
    connection_ = connection;
    if (natsConnection_Subscribe(&echo_, connection_, echo_subject_.c_str(), on_echo, this) !=
        NATS_OK)
      echo_ = nullptr;
    for (auto& [channel, handle] : wanted_)
      if (!handle) subscribe_now(channel);
  }
  if (status == NATS_OK) return link_changed(true);
  log(Severity::error, "CWS0040: cannot use the backplane " + url_.to_string() +
                           ": it does not answer. It is tried again");
}

// libnats will not try any more: so it is begun anew.
void NatsBackplane::closed(natsConnection* connection, const std::string& why) {
  {
    std::lock_guard lock(mutex_);
    if (ending_ || connection != connection_) return;
  }
  link_changed(false);
  log(Severity::error, "CWS0040: cannot use the backplane " + url_.to_string() + ": " + why +
                           ". It is tried again");
  run(&NatsBackplane::open_again);
}

void NatsBackplane::open_again() {
  natsConnection* old;
  {
    std::lock_guard lock(mutex_);
    old = std::exchange(connection_, nullptr);
    natsSubscription_Destroy(std::exchange(echo_, nullptr));
    for (auto& [channel, handle] : wanted_) natsSubscription_Destroy(std::exchange(handle, nullptr));
  }
  natsConnection_Destroy(old);
  std::this_thread::sleep_for(refused_rest);
  open();
}

// What libnats finds out later than in a call. Each is said once.
void NatsBackplane::on_error(natsConnection* connection, natsSubscription*, natsStatus error,
                             void* self) {
  auto& backplane = *static_cast<NatsBackplane*>(self);
  const char* text = nullptr;
  if (connection) natsConnection_GetLastError(connection, &text);
  const std::string said = with_cure(error, text);
  {
    std::lock_guard lock(backplane.mutex_);
    if (std::exchange(backplane.last_error_, said) == said) return;
  }
  backplane.log(Severity::error,
                "CWS0042: the backplane " + backplane.url_.to_string() + " reports: " + said);
}

void NatsBackplane::link_changed(bool up) {
  std::lock_guard lock(telling_);
  if (up_.exchange(up) == up) return;
  if (up) {
    log(Severity::notice, "CWS0038: connected to the backplane " + url_.to_string() +
                              ", which keeps no history: WebSocketChannelHistory has no effect");
    listener_->link_up();
    std::lock_guard connection_lock(mutex_);
    for (const auto& [channel, handle] : wanted_)
      if (handle) ask_for_echo(channel);
  } else {
    log(Severity::warning, "CWS0039: the backplane " + url_.to_string() +
                               " is down: the connection is lost. Messages reach this machine "
                               "only");
    listener_->link_down();
  }
}

void NatsBackplane::subscribe(std::string_view channel) {
  std::lock_guard lock(mutex_);
  wanted_.try_emplace(std::string(channel));
  if (connection_) subscribe_now(channel);
}

// Under mutex_. libnats subscribes again by itself when the link was broken.
void NatsBackplane::subscribe_now(std::string_view channel) {
  auto* const subscription = new Subscription{this, std::string(channel)};
  natsSubscription* handle = nullptr;
  if (natsConnection_Subscribe(&handle, connection_, subject_of(channel).c_str(), on_message,
                               subscription) != NATS_OK) {
    delete subscription;
    return;
  }
  natsSubscription_SetOnCompleteCB(handle, on_subscription_end, subscription);
  wanted_[subscription->channel] = handle;
  ask_for_echo(channel);
}

// The server takes what one connection sends in order: once this comes back, it has the subscription.
// Under mutex_.
void NatsBackplane::ask_for_echo(std::string_view channel) {
  if (echo_)
    natsConnection_Publish(connection_, echo_subject_.c_str(), channel.data(),
                           static_cast<int>(channel.size()));
}

void NatsBackplane::on_echo(natsConnection*, natsSubscription*, natsMsg* message, void* self) {
  auto& backplane = *static_cast<NatsBackplane*>(self);
  {
    std::lock_guard lock(backplane.telling_);
    backplane.listener_->subscribed({natsMsg_GetData(message),
                                     static_cast<std::size_t>(natsMsg_GetDataLength(message))});
  }
  natsMsg_Destroy(message);
}

void NatsBackplane::unsubscribe(std::string_view channel) {
  std::lock_guard lock(mutex_);
  const auto found = wanted_.find(std::string(channel));
  if (found == wanted_.end()) return;
  if (found->second) {
    natsSubscription_Unsubscribe(found->second);
    natsSubscription_Destroy(found->second);
  }
  wanted_.erase(found);
}

bool NatsBackplane::publish(std::string_view channel, const Record& record) {
  if (!up_) return false;
  const std::string bytes = to_envelope(record, options_.instance);
  natsStatus status;
  {
    std::lock_guard lock(mutex_);
    if (!connection_) return false;
    status = natsConnection_Publish(connection_, subject_of(channel).c_str(), bytes.data(),
                                    static_cast<int>(bytes.size()));
  }
  if (status == NATS_MAX_PAYLOAD) on_error(nullptr, nullptr, status, this);
  return status == NATS_OK;
}

void NatsBackplane::on_message(natsConnection*, natsSubscription*, natsMsg* message,
                               void* closure) {
  const auto* const subscription = static_cast<const Subscription*>(closure);
  subscription->owner->received(subscription->channel,
                                {natsMsg_GetData(message),
                                 static_cast<std::size_t>(natsMsg_GetDataLength(message))});
  natsMsg_Destroy(message);
}

void NatsBackplane::received(const std::string& channel, std::string_view bytes) {
  auto envelope = parse_envelope(bytes);
  if (!envelope || is_numbered(envelope->record.kind) ||
      envelope->instance == options_.instance)
    return;
  std::lock_guard lock(telling_);
  listener_->received(channel, std::move(envelope->record));
}

}  // namespace cppwebsocket::channels
