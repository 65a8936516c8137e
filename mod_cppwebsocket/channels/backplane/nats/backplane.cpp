// cppwebsocket_nats.so: channels over NATS. The reach only: core NATS keeps nothing, so there is no
// history over machines. libnats has threads of its own and keeps the link up by itself.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <unordered_map>

#include <nats/nats.h>
#include <signal.h>

#include "channels/backplane/backplane.hpp"
#include "channels/backplane/engine.hpp"
#include "channels/backplane/envelope.hpp"

namespace cppwebsocket::channels {

namespace {

constexpr std::string_view subject_prefix = "cppws.";
constexpr std::int64_t greeting_ms = 5'000;
constexpr std::int64_t check_ms = 5'000;  // between PINGs
constexpr int most_silent_checks = 1;
constexpr std::chrono::seconds refused_rest{5};
constexpr std::int64_t rest_ms = 500;  // between attempts, and as much again at random

// A channel's name as one token of a subject: dots, blanks and wildcards mean something there.
std::string subject_of(std::string_view channel) {
  std::string subject(subject_prefix);
  for (const unsigned char c : channel) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '-' || c == '_';
    if (is_plain) {
      subject += static_cast<char>(c);
    } else {
      subject += '=';
      subject += "0123456789abcdef"[c >> 4];
      subject += "0123456789abcdef"[c & 15];
    }
  }
  return subject;
}

class NatsBackplane final : public Backplane {
 public:
  NatsBackplane(const BackplaneUrl& url, const BackplaneOptions& options)
      : url_(url), options_(options) {}
  ~NatsBackplane() override;

  natsStatus prepare();

  bool keeps_history() const noexcept override { return false; }
  void start(Listener& listener) override;
  void subscribe(std::string_view channel) override;
  void unsubscribe(std::string_view channel) override;
  void publish(std::string_view channel, const Record& record) override;
  void append(std::string_view, const Record&) override {}
  void read(std::string_view, std::optional<Position>, std::size_t, ReadDone done) override {
    done({});
  }

 private:
  struct Subscription {
    NatsBackplane* owner;
    std::string channel;
    natsSubscription* handle = nullptr;
  };

  static void on_message(natsConnection*, natsSubscription*, natsMsg* message, void* closure);
  static void on_subscription_end(void* closure) { delete static_cast<Subscription*>(closure); }
  void open();
  void subscribe_now(std::string_view channel);
  void link_changed(bool up);
  void received(const std::string& channel, std::string_view bytes);
  void log(Severity severity, const std::string& text) const {
    if (options_.log) options_.log(severity, text);
  }

  const BackplaneUrl url_;
  const BackplaneOptions options_;
  natsOptions* nats_options_ = nullptr;
  Listener* listener_ = nullptr;
  std::atomic<bool> up_{false};

  std::mutex telling_;  // the listener is told by one thread at a time

  std::mutex mutex_;
  natsConnection* connection_ = nullptr;  // GUARDED_BY(mutex_), as the next
  std::unordered_map<std::string, natsSubscription*> wanted_;  // null: not yet subscribed
};

NatsBackplane::~NatsBackplane() {
  natsConnection_Close(connection_);
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
  also(natsOptions_UseGlobalMessageDelivery(nats_options_, true));  // one thread: one order
  return status;
}

// libnats looks the host up, and waits for the server, before it goes on by itself.
void NatsBackplane::start(Listener& listener) {
  listener_ = &listener;
  sigset_t all, before;  // httpd's signals are for httpd's threads
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread([this] { open(); }).detach();
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
                               natsStatus_GetText(status) + ". It is tried again");
    before = status;
    std::this_thread::sleep_for(refused_rest);
  }
  {
    std::lock_guard lock(mutex_);
    connection_ = connection;
    for (auto& [channel, handle] : wanted_)
      if (!handle) subscribe_now(channel);
  }
  if (status == NATS_OK) return link_changed(true);
  log(Severity::error, "CWS0040: cannot use the backplane " + url_.to_string() +
                           ": it does not answer. It is tried again");
}

void NatsBackplane::link_changed(bool up) {
  std::lock_guard lock(telling_);
  if (up_.exchange(up) == up) return;
  if (up) {
    log(Severity::notice, "CWS0038: connected to the backplane " + url_.to_string());
    listener_->link_up();
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

void NatsBackplane::publish(std::string_view channel, const Record& record) {
  if (!up_) return;
  const std::string bytes = to_envelope(record, options_.instance);
  std::lock_guard lock(mutex_);
  natsConnection_Publish(connection_, subject_of(channel).c_str(), bytes.data(),
                         static_cast<int>(bytes.size()));
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

}  // namespace

}  // namespace cppwebsocket::channels

extern "C" [[gnu::visibility("default")]] cppwebsocket::channels::Backplane*
cppwebsocket_make_backplane(const cppwebsocket::channels::BackplaneUrl& url,
                            const cppwebsocket::channels::BackplaneOptions& options,
                            std::string& problem) {
  auto made = std::make_unique<cppwebsocket::channels::NatsBackplane>(url, options);
  if (const natsStatus status = made->prepare(); status != NATS_OK) {
    problem = natsStatus_GetText(status);
    return nullptr;
  }
  return made.release();
}
