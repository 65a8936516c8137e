// cppwebsocket_nats.so: channels over NATS. The reach only: core NATS keeps nothing, so there is no
// history over machines. libnats has threads of its own and keeps the link up by itself, until it
// decides that it will not any more.
// Thread: as Backplane says; libnats calls back from its own.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include <nats/nats.h>

#include "channels/backplane/backplane.hpp"
#include "channels/backplane/nats/subjects.hpp"
#include "channels/backplane/url.hpp"

namespace cppwebsocket::channels {

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
  bool publish(std::string_view channel, const Record& record) override;
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
  static void on_error(natsConnection*, natsSubscription* subscription, natsStatus error, void* self);
  void closed(natsConnection* connection, const std::string& why);
  void run(void (NatsBackplane::*what)());
  void open();
  void open_again();
  void subscribe_now(std::string_view channel);
  void ask_for_echo(std::string_view channel);
  static void on_echo(natsConnection*, natsSubscription*, natsMsg* message, void* self);
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
  std::atomic<bool> ending_{false};

  std::mutex telling_;  // the listener is told by one thread at a time

  std::mutex mutex_;
  natsConnection* connection_ = nullptr;  // GUARDED_BY(mutex_), as all below
  natsSubscription* echo_ = nullptr;
  const std::string echo_subject_ = echo_subject();
  std::unordered_map<std::string, natsSubscription*> wanted_;  // null: not yet subscribed
  std::string last_error_;                                     // logged, since the link was up
};

}  // namespace cppwebsocket::channels
