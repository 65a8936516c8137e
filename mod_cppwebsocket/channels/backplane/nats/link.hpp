// A child's connection to NATS. libnats has threads of its own and, once the link has been up, keeps it up by
// itself, until it decides that it will not any more; then it is begun anew.
// Thread: any, and libnats calls back from its own. So it lives for as long as they may: whoever has made
// it ends it, and the last of them destroys it.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

#include <nats/nats.h>

#include "channels/backplane/backplane.hpp"
#include "channels/backplane/nats/refusals.hpp"
#include "channels/backplane/nats/subjects.hpp"
#include "channels/backplane/url.hpp"

namespace cppwebsocket::channels {

class NatsLink final : public std::enable_shared_from_this<NatsLink> {
 public:
  NatsLink(const BackplaneUrl& url, const BackplaneOptions& options)
      : url_(url),
        options_(options),
        subjects_(subjects_of_site(options.prefix)),
        echo_subject_(echo_subject(subjects_)) {}
  ~NatsLink();

  natsStatus prepare();  // once, before all else

  // As Backplane says of them.
  void start(Backplane::Listener& listener);
  void subscribe(std::string_view channel);
  void unsubscribe(std::string_view channel);
  bool publish(std::string_view channel, const Record& record);

  // Once every some seconds: tries what was refused.
  void check();

  // Nobody is told of anything any more once this returns. Waits for callbacks that tell just now, and for
  // what has to be sent, at most half a second.
  void end() noexcept;

 private:
  // Lasts until libnats does not call any more for it.
  struct Subscription {
    std::shared_ptr<NatsLink> owner;
    std::string channel;
  };

  // link.cpp
  natsStatus prepare_tls();
  static void on_closed(natsConnection* connection, void* self);
  void run(void (NatsLink::*what)());
  void open();
  void open_again();
  void rest(std::chrono::milliseconds time);
  void cannot_use(natsStatus why, const char* text);
  void link_changed(bool up);

  // traffic.cpp
  static void on_message(natsConnection*, natsSubscription*, natsMsg* message, void* closure);
  static void on_echo(natsConnection*, natsSubscription*, natsMsg* message, void* closure);
  static void on_subscription_end(void* closure) { delete static_cast<Subscription*>(closure); }
  static void on_error(natsConnection*, natsSubscription*, natsStatus error, void* self);
  void subscribe_now(std::string_view channel);
  natsSubscription* subscribe_now(const std::string& subject, std::string_view channel,
                                  natsMsgHandler handler);
  void ask_for_echo(std::string_view channel);
  void refused(std::string_view text);
  void report(natsStatus error, const char* text);
  void received(const std::string& channel, std::string_view bytes);

  // Tells the listener, unless this has ended; so those who are told are there.
  template <typename What>
  void tell(What what) {
    std::lock_guard lock(telling_);
    if (listener_) what(*listener_);
  }
  void log(Severity severity, const std::string& text) const {
    if (options_.log) options_.log(severity, text);
  }

  const BackplaneUrl url_;
  const BackplaneOptions options_;
  natsOptions* nats_options_ = nullptr;
  std::atomic<bool> up_{false}, said_version_{false};

  std::mutex telling_;  // the listener is told by one thread at a time
  Backplane::Listener* listener_ = nullptr;  // GUARDED_BY(telling_), not before mutex_; null: this has ended

  std::mutex mutex_;
  std::condition_variable ends_;
  bool ended_ = false;                    // GUARDED_BY(mutex_), as all below
  std::shared_ptr<NatsLink> self_;        // while libnats may call back for the connection
  natsConnection* connection_ = nullptr;
  natsSubscription* echo_ = nullptr;
  const std::string subjects_;
  const std::string echo_subject_;
  std::unordered_map<std::string, natsSubscription*> wanted_;  // null: not yet subscribed
  NatsRefusals refusals_;
  std::set<std::string> reported_;        // kinds of errors, since the link was up last
};

}  // namespace cppwebsocket::channels
