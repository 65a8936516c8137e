// What goes over the connection, and what of that is refused. Its life is in link.cpp.
#include <utility>

#include "channels/backplane/envelope.hpp"
#include "channels/backplane/nats/errors.hpp"
#include "channels/backplane/nats/link.hpp"

namespace cppwebsocket::channels {

// --- what comes in --------------------------------------------------------------------------------

void NatsLink::subscribe(std::string_view channel) {
  std::lock_guard lock(mutex_);
  const bool has_handle = wanted_.try_emplace(std::string(channel)).first->second;
  if (!connection_) return;
  if (has_handle)
    ask_for_echo(channel);
  else
    subscribe_now(channel);
}

// Under mutex_, as the next two. libnats subscribes again by itself when the link was broken.
void NatsLink::subscribe_now(std::string_view channel) {
  natsSubscription* const handle = subscribe_now(subject_of(subjects_, channel), channel, on_message);
  if (!handle) return;
  wanted_[std::string(channel)] = handle;
  ask_for_echo(channel);
}

// Null: there is no memory, or no connection any more.
natsSubscription* NatsLink::subscribe_now(const std::string& subject, std::string_view channel,
                                          natsMsgHandler handler) {
  auto closure = std::make_unique<Subscription>(shared_from_this(), std::string(channel));
  natsSubscription* made = nullptr;
  if (natsConnection_Subscribe(&made, connection_, subject.c_str(), handler, closure.get()) != NATS_OK)
    return nullptr;
  natsSubscription_SetOnCompleteCB(made, on_subscription_end, closure.release());
  return made;
}

// The server takes what one connection sends in order: once this comes back, it has the subscription.
void NatsLink::ask_for_echo(std::string_view channel) {
  if (echo_)
    natsConnection_Publish(connection_, echo_subject_.c_str(), channel.data(),
                           static_cast<int>(channel.size()));
}

void NatsLink::on_echo(natsConnection*, natsSubscription*, natsMsg* message, void* closure) {
  const std::string_view channel(natsMsg_GetData(message),
                                 static_cast<std::size_t>(natsMsg_GetDataLength(message)));
  static_cast<const Subscription*>(closure)->owner->tell(
      [&](Backplane::Listener& listener) { listener.subscribed(channel); });
  natsMsg_Destroy(message);
}

void NatsLink::unsubscribe(std::string_view channel) {
  std::lock_guard lock(mutex_);
  const auto found = wanted_.find(std::string(channel));
  if (found == wanted_.end()) return;
  if (found->second) {
    natsSubscription_Unsubscribe(found->second);
    natsSubscription_Destroy(found->second);
  }
  wanted_.erase(found);
}

void NatsLink::on_message(natsConnection*, natsSubscription*, natsMsg* message, void* closure) {
  const auto& subscription = *static_cast<const Subscription*>(closure);
  subscription.owner->received(subscription.channel,
                               {natsMsg_GetData(message),
                                static_cast<std::size_t>(natsMsg_GetDataLength(message))});
  natsMsg_Destroy(message);
}

void NatsLink::received(const std::string& channel, std::string_view bytes) {
  auto envelope = parse_envelope(bytes);
  const auto version = envelope ? std::nullopt : other_envelope_version(bytes);
  if (version && !said_version_.exchange(true))
    tell([&](Backplane::Listener&) {
      log(Severity::warning, say_other_version(url_.to_string(), *version));
    });
  if (!envelope || is_numbered(envelope->record.kind) ||
      envelope->instance == options_.instance)
    return;
  tell([&](Backplane::Listener& listener) {
    listener.received(channel, std::move(envelope->record));
  });
}

// --- what goes out --------------------------------------------------------------------------------

bool NatsLink::publish(std::string_view channel, const Record& record) {
  if (!up_) return false;
  const std::string bytes = to_envelope(record, options_.instance);
  std::lock_guard lock(mutex_);
  if (!connection_ || !refusals_.may_send(channel, record.kind)) return false;
  const natsStatus status =
      natsConnection_Publish(connection_, subject_of(subjects_, channel).c_str(), bytes.data(),
                             static_cast<int>(bytes.size()));
  if (status == NATS_MAX_PAYLOAD) report(status, nullptr);
  return status == NATS_OK;
}

void NatsLink::check() {
  {
    std::lock_guard lock(mutex_);
    refusals_.next_round();
  }
  tell([&](Backplane::Listener& listener) {
    if (up_) listener.works();
  });
}

// What libnats finds out later than in a call. The text that is about this error only this thread has.
void NatsLink::on_error(natsConnection*, natsSubscription*, natsStatus error, void* self) {
  auto& link = *static_cast<NatsLink*>(self);
  natsStatus last = NATS_OK;
  const char* const text = nats_GetLastError(&last);
  const std::string said = last == error && text ? text : "";
  if (error == NATS_NOT_PERMITTED) link.refused(said);
  link.tell([&](Backplane::Listener&) {
    std::lock_guard lock(link.mutex_);
    link.report(error, said.c_str());
  });
}

// `Permissions Violation for Publish to "cppws.chat"`
void NatsLink::refused(std::string_view text) {
  const std::size_t begin = text.find('"'), end = text.rfind('"');
  if (begin == end || text.find("Publish") > begin) return;
  const std::string_view subject = text.substr(begin + 1, end - begin - 1);
  const auto channel = channel_of(subjects_, subject);
  if (!channel || subject == echo_subject_) return;
  RecordKind kind;
  {
    std::lock_guard lock(mutex_);
    kind = refusals_.refused(*channel);
  }
  if (kind != RecordKind::control)
    tell([&](Backplane::Listener& listener) { listener.not_sent(*channel, kind); });
}

// Each kind once, whatever it is about. Under mutex_.
void NatsLink::report(natsStatus error, const char* text) {
  const std::string_view said = text ? text : "";
  if (!reported_.insert(std::to_string(error).append(said.substr(0, said.find('"')))).second) return;
  log(Severity::error,
      "CWS0042: the backplane " + url_.to_string() + " reports: " + with_cure(error, text));
}

}  // namespace cppwebsocket::channels
