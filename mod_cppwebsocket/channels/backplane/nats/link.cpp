// The life of the connection. What goes over it is in traffic.cpp.
#include "channels/backplane/nats/link.hpp"

#include <chrono>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <signal.h>

#include "channels/backplane/nats/errors.hpp"

namespace cppwebsocket::channels {

namespace {

constexpr std::int64_t greeting_ms = 5'000;
constexpr std::int64_t check_ms = 5'000;  // between PINGs
constexpr int most_silent_checks = 1;
constexpr std::chrono::seconds refused_rest{5};
constexpr std::int64_t rest_ms = 500;  // between attempts, and as much again at random

std::chrono::milliseconds some_rest() {
  std::random_device random;
  return std::chrono::milliseconds(rest_ms + random() % rest_ms);
}

}  // namespace

NatsLink::~NatsLink() {
  natsSubscription_Destroy(echo_);
  for (auto& [channel, handle] : wanted_) natsSubscription_Destroy(handle);
  natsConnection_Destroy(connection_);
  natsOptions_Destroy(nats_options_);
}

natsStatus NatsLink::prepare() {
  std::vector<std::string> servers;
  for (const BackplaneUrl::Server& each : url_.servers)
    servers.push_back((url_.has_tls() ? "tls://" : "nats://") + each.to_string());
  std::vector<const char*> texts;
  for (const std::string& each : servers) texts.push_back(each.c_str());
  const auto connected = [](natsConnection*, void* self) {
    static_cast<NatsLink*>(self)->link_changed(true);
  };
  const auto disconnected = [](natsConnection*, void* self) {
    static_cast<NatsLink*>(self)->link_changed(false);
  };
  natsStatus status = natsOptions_Create(&nats_options_);
  const auto also = [&](natsStatus next) { if (status == NATS_OK) status = next; };
  also(natsOptions_SetServers(nats_options_, texts.data(), static_cast<int>(texts.size())));
  also(natsOptions_SetNoRandomize(nats_options_, true));
  if (url_.has_tls()) also(prepare_tls());
  if (!options_.user.empty())
    also(natsOptions_SetUserInfo(nats_options_, options_.user.c_str(), options_.password.c_str()));
  else if (!options_.password.empty())
    also(natsOptions_SetToken(nats_options_, options_.password.c_str()));
  also(natsOptions_SetName(nats_options_, "mod_cppwebsocket"));
  also(natsOptions_SetTimeout(nats_options_, greeting_ms));
  also(natsOptions_SetPingInterval(nats_options_, check_ms));
  also(natsOptions_SetMaxPingsOut(nats_options_, most_silent_checks));
  also(natsOptions_SetMaxReconnect(nats_options_, -1));
  also(natsOptions_SetReconnectWait(nats_options_, rest_ms));
  also(natsOptions_SetReconnectJitter(nats_options_, rest_ms, rest_ms));
  also(natsOptions_SetReconnectedCB(nats_options_, connected, this));
  also(natsOptions_SetDisconnectedCB(nats_options_, disconnected, this));
  also(natsOptions_SetClosedCB(nats_options_, on_closed, this));
  also(natsOptions_SetErrorHandler(nats_options_, on_error, this));
  also(natsOptions_UseGlobalMessageDelivery(nats_options_, true));  // one thread: one order
  return status;
}

natsStatus NatsLink::prepare_tls() {
  const auto& [authorities, certificate, verify] = options_.tls;
  natsStatus status = natsOptions_SetSecure(nats_options_, true);
  const auto also = [&](natsStatus next) { if (status == NATS_OK) status = next; };
  if (!verify) also(natsOptions_SkipServerVerification(nats_options_, true));
  if (!authorities.empty()) also(natsOptions_SetCATrustedCertificates(nats_options_, authorities.c_str()));
  if (!certificate.empty())
    also(natsOptions_SetCertificatesChain(nats_options_, certificate.c_str(), certificate.c_str()));
  return status;
}

// --- the life of the connection -------------------------------------------------------------------

// libnats looks the host up, and waits for the server, before it goes on by itself.
void NatsLink::start(Backplane::Listener& listener) {
  listener_ = &listener;
  run(&NatsLink::open);
}

void NatsLink::run(void (NatsLink::*what)()) {
  sigset_t all, before;  // httpd's signals are for httpd's threads
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread([link = shared_from_this(), what] { ((*link).*what)(); }).detach();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void NatsLink::rest(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  ends_.wait_for(lock, time, [this] { return ended_; });
}

// Each reason once, until the link is up.
void NatsLink::cannot_use(natsStatus why, const char* text) {
  std::string said = why == NATS_NO_SERVER ? "it does not answer" : with_cure(why, text);
  // TLS 1.3 lets a client speak before its certificate is asked for.
  if (why == NATS_PROTOCOL_ERROR && url_.has_tls() && options_.tls.certificate.empty())
    said += " (it may want a certificate of this httpd: WebSocketBackplaneCertificateFile)";
  tell([&](Backplane::Listener&) {
    {
      std::lock_guard lock(mutex_);
      if (!reported_.insert(said).second) return;
    }
    log(Severity::error, "CWS0040: cannot use the backplane " + url_.to_string() + ": " + said + ". It is tried again");
  });
}

// Tries again until the link is up, for libnats, which would do so by itself, does not tell why it is not.
void NatsLink::open() {
  natsConnection* connection = nullptr;
  {
    std::lock_guard lock(mutex_);
    if (ended_) return;
    self_ = shared_from_this();
  }
  for (natsStatus status; (status = natsConnection_Connect(&connection, nats_options_)) != NATS_OK;) {
    natsStatus last = NATS_OK;
    const char* const text = nats_GetLastError(&last);
    cannot_use(status, last == status ? text : nullptr);
    rest(status == NATS_NO_SERVER ? some_rest() : refused_rest);
    std::lock_guard lock(mutex_);
    if (!ended_) continue;
    self_.reset();
    return;
  }
  bool has_ended;
  {
    std::lock_guard lock(mutex_);
    connection_ = connection;
    has_ended = ended_;
    if (!has_ended) {
      echo_ = subscribe_now(echo_subject_, "", on_echo);
      for (auto& [channel, handle] : wanted_)
        if (!handle) subscribe_now(channel);
    }
  }
  if (has_ended) return natsConnection_Close(connection);
  link_changed(true);
}

// The last that is called for a connection: it was closed, or libnats will not try any more.
void NatsLink::on_closed(natsConnection* connection, void* self) {
  auto& link = *static_cast<NatsLink*>(self);
  std::shared_ptr<NatsLink> keeps_it;
  {
    std::lock_guard lock(link.mutex_);
    keeps_it.swap(link.self_);
    if (link.ended_ || connection != link.connection_) return;
  }
  const char* text = nullptr;
  const natsStatus why = natsConnection_GetLastError(connection, &text);
  link.link_changed(false);
  if (why != NATS_NO_SERVER) link.cannot_use(why, text);  // else whoever tries again finds out more
  link.run(&NatsLink::open_again);
}

void NatsLink::open_again() {
  natsConnection* old;
  {
    std::lock_guard lock(mutex_);
    old = std::exchange(connection_, nullptr);
    natsSubscription_Destroy(std::exchange(echo_, nullptr));
    for (auto& [channel, handle] : wanted_) natsSubscription_Destroy(std::exchange(handle, nullptr));
  }
  natsConnection_Destroy(old);
  rest(refused_rest);
  open();
}

void NatsLink::end() noexcept {
  {
    std::lock_guard lock(telling_);
    listener_ = nullptr;
  }
  natsConnection* connection;
  {
    std::lock_guard lock(mutex_);
    ended_ = true;
    connection = connection_;
  }
  ends_.notify_all();
  natsConnection_Close(connection);
}

void NatsLink::link_changed(bool up) {
  tell([&](Backplane::Listener& listener) {
    if (up_.exchange(up) == up) return;
    if (!up) {
      log(Severity::warning, "CWS0039: the backplane " + url_.to_string() +
                                 " is down: the connection is lost. Messages reach this machine "
                                 "only");
      return listener.link_down();
    }
    {
      std::lock_guard lock(mutex_);
      refusals_.clear();
      reported_.clear();
    }
    log(Severity::notice, "CWS0038: connected to the backplane " + url_.to_string() +
                              ", which keeps no history: WebSocketChannelHistory has no effect" +
                              (url_.has_tls() && !options_.tls.verify ? ". " + std::string(not_verified) : ""));
    listener.link_up();
    std::lock_guard lock(mutex_);
    for (const auto& [channel, handle] : wanted_)
      if (handle) ask_for_echo(channel);
  });
}

}  // namespace cppwebsocket::channels
