#include "channels/members/subscriber.hpp"

#include <cppwebsocket/membership.hpp>
#include <cppwebsocket/msgutil.hpp>

#include <algorithm>
#include <any>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include "channels/members/hub.hpp"
#include "channels/members/json_envelope.hpp"
#include "channels/members/own_table.hpp"
#include "channels/members/publisher.hpp"
#include "protocol/frames/event_stream.hpp"

namespace cppwebsocket::channels {

Task<> beat(Request& request, std::chrono::seconds interval) {
  std::string beat = R"({"type":"heartbeat"})";
  if (request.ws_version() == Version::event_stream) beat = protocol::encode_event({}, {}, beat);
  for (;;) {
    std::string next = beat;
    co_await msgutil::send_message(request, std::move(next));
    co_await request.sleep_for(interval);
  }
}

namespace {

Channel channel_of(const Subscription& subscription, std::size_t index) {
  return Channel::named(subscription.channels[index], subscription.options);
}

JoinOptions join_options(const Subscription& subscription, std::size_t index) {
  JoinOptions options;
  if (!subscription.resume.empty()) options.resume = subscription.resume[index];
  options.history = subscription.history;
  options.json = subscription.json;
  options.tag = subscription.tag;
  // Who can come back and resume loses nothing by it; the others would lose more.
  options.slow = subscription.json ? SlowPolicy::close : SlowPolicy::drop_oldest;
  return options;
}

// A client that takes its subscription for a conversation should hear of its mistake at once.
Task<> refuse_messages(Request& request) {
  const std::optional<Message> message = co_await msgutil::receive_message(request);
  if (!message) co_return;
  co_await msgutil::close_connection(request, close_code::policy_violation,
                                     "messages are published elsewhere, not here");
}

// What the application wants of the connection. False: that it ends.
Task<bool> follow(Request& request, const Subscription& subscription, HookAnswer&& said) {
  if (said.word == HookAnswer::Word::none) {
    co_await msgutil::close_connection(request, close_code::try_again_later, "the application does not answer");
    co_return false;
  }
  if (said.word == HookAnswer::Word::no) {
    co_await msgutil::close_connection(request, close_code::policy_violation, said.reason);
    co_return false;
  }
  for (std::string& each : said.send) {
    if (subscription.json) each = reply(each);
    co_await msgutil::send_message(request, std::move(each));
  }
  if (said.message && !said.channel.empty())
    static_cast<Hub&>(detail::channels())
        .publish(said.channel, subscription.options, *std::move(said.message), publisher_of(request.remote_address()),
                 {.user = std::string(request.user())});
  if (said.close) co_await msgutil::close_connection(request, *said.close, "");
  co_return !said.close;
}

// One after the other: the next is read once the application has answered.
Task<> take_messages(Request& request, std::shared_ptr<Subscription> subscription) {
  if (!subscription->receiver) co_return co_await refuse_messages(request);
  while (auto message = co_await msgutil::receive_message(request)) {
    HookAnswer said;
    auto ask = [&] { said = subscription->receiver->receive(*message); };
    co_await request.run_blocking(ask);
    const bool goes_on = co_await follow(request, *subscription, std::move(said));
    if (!goes_on) co_return;
  }
}

void begin_to_beat(Request& request, const Subscription& subscription) {
  if (subscription.json && subscription.heartbeat.count() != 0)
    request.spawn(beat(request, subscription.heartbeat));
}

// --- WebSockets ---------------------------------------------------------------------------------

Task<> serve_websocket(Request& request, std::shared_ptr<Subscription> subscription) {
  subscription->json = request.ws_protocol().has_value();
  std::vector<Membership> memberships;
  for (std::size_t i = 0; i < subscription->channels.size(); ++i)
    memberships.push_back(
        channel_of(*subscription, i).join(request, join_options(*subscription, i)));
  begin_to_beat(request, *subscription);
  co_await take_messages(request, subscription);
}

// --- event streams ------------------------------------------------------------------------------

// An event's id has to tell the client's place in all of its channels, because the client keeps
// the last one only. So with several channels each event is made for its client.
class EventIds {
 public:
  explicit EventIds(const Subscription& subscription) : positions_(subscription.resume) {
    positions_.resize(subscription.channels.size());
  }

  void set(std::size_t channel, Position position) { positions_[channel] = position; }
  // Of a message or a gap, which may have none.
  void move(std::size_t channel, Position position) {
    if (position.offset != 0) set(channel, position);
  }
  std::string id() const { return protocol::to_token(positions_); }

 private:
  protocol::Positions positions_;
};

// Whether a client that came back has missed something that is not to be had any more. In JSON its
// first event says so.
bool has_gap(const Subscription& subscription, std::size_t index, const Recovery& recovery) {
  const bool came_back =
      subscription.lost || (!subscription.resume.empty() && subscription.resume[index].has_value());
  return came_back && !recovery.recovered && !subscription.json;
}

// Tells a client that has seen no message yet where it stands, so that it misses none when it comes
// back. The ids of what it has missed follow.
std::string begin_of(const Subscription& subscription, EventIds& ids, std::size_t index,
                     const Recovery& recovery) {
  const std::string& channel = subscription.channels[index];
  if (!recovery.recovered) ids.set(index, recovery.position);
  std::string events = protocol::encode_event(
      ids.id(), subscription.json ? std::string_view() : beginning, json_of(channel, recovery));
  if (has_gap(subscription, index, recovery))
    events.append(protocol::encode_event(ids.id(), "gap", channel));
  return events;
}

std::string event_of(const Publication& publication, const std::string& id,
                     const std::string& channel, bool json) {
  if (json) return protocol::encode_event(id, {}, json_of(channel, publication));
  if (publication.kind == Publication::Kind::gap) return protocol::encode_event(id, "gap", channel);
  const std::string retry = publication.retry.count() != 0 ? protocol::encode_retry(publication.retry) : std::string();
  if (publication.message.is_text())
    return retry + protocol::encode_event(id, publication.event, publication.message.text());
  return retry + protocol::encode_event(id, publication.message);
}

Task<> follow(Request& request, std::shared_ptr<Subscription> subscription,
              std::shared_ptr<EventIds> ids, std::size_t index) {
  JoinOptions options = join_options(*subscription, index);
  options.receive = true;
  options.slow = SlowPolicy::close;
  Membership membership = channel_of(*subscription, index).join(request, std::move(options));
  const Recovery recovery = co_await membership.recovery();
  co_await msgutil::send_message(request, begin_of(*subscription, *ids, index, recovery));
  while (auto publication = co_await membership.receive()) {
    ids->move(index, publication->position);
    std::string event =
        event_of(*publication, ids->id(), subscription->channels[index], subscription->json);
    co_await msgutil::send_message(request, std::move(event));
  }
}

Task<> serve_event_stream(Request& request, std::shared_ptr<Subscription> subscription) {
  if (subscription->channels.size() > 1) {
    auto ids = std::make_shared<EventIds>(*subscription);
    for (std::size_t i = 0; i < subscription->channels.size(); ++i)
      request.spawn(follow(request, subscription, ids, i));
    begin_to_beat(request, *subscription);
    co_await refuse_messages(request);
    co_return;
  }
  JoinOptions options = join_options(*subscription, 0);
  options.slow = SlowPolicy::close;
  if (subscription->lost) options.resume.emplace();
  Membership membership = channel_of(*subscription, 0).join(request, std::move(options));
  begin_to_beat(request, *subscription);
  co_await refuse_messages(request);
}

// --- the table ----------------------------------------------------------------------------------

// The places are taken here: what is published once the client knows that it is connected, it gets.
void do_extra_handshake(Request& request) {
  const auto& subscription = std::any_cast<const Subscription&>(request.user_data());
  for (std::size_t i = 0; i < subscription.channels.size(); ++i)
    channel_of(subscription, i).reserve(request);
  const auto offered = request.ws_requested_protocols();
  // Any other is left without an answer, and the handshake is refused: a browser would drop a
  // connection whose subprotocols nobody wants.
  if (std::find(offered.begin(), offered.end(), json_protocol) != offered.end())
    request.set_ws_protocol(json_protocol);
}

Task<> transfer_data(Request& request) {
  auto subscription =
      std::make_shared<Subscription>(std::any_cast<Subscription>(std::move(request.user_data())));
  request.user_data().reset();
  if (request.ws_version() == Version::event_stream)
    return serve_event_stream(request, std::move(subscription));
  return serve_websocket(request, std::move(subscription));
}

}  // namespace

const HandlerTable& subscriber_table() noexcept {
  static constexpr HandlerTable table = own_table(do_extra_handshake, transfer_data);
  return table;
}

}  // namespace cppwebsocket::channels
