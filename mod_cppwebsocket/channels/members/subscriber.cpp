#include "channels/members/subscriber.hpp"

#include <cppwebsocket/membership.hpp>
#include <cppwebsocket/msgutil.hpp>

#include <algorithm>
#include <any>
#include <memory>
#include <optional>
#include <utility>

#include "channels/members/json_envelope.hpp"
#include "protocol/frames/event_stream.hpp"

namespace cppwebsocket::channels {

namespace {

Channel channel_of(const Subscription& subscription, std::size_t index) {
  return Channel::named(subscription.channels[index], subscription.options);
}

JoinOptions join_options(const Subscription& subscription, std::size_t index) {
  JoinOptions options;
  if (!subscription.resume.empty()) options.resume = subscription.resume[index];
  options.history = subscription.history;
  options.json = subscription.json;
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

// --- WebSockets ---------------------------------------------------------------------------------

Task<> serve_websocket(Request& request, std::shared_ptr<Subscription> subscription) {
  subscription->json = request.ws_protocol().has_value();
  std::vector<Membership> memberships;
  for (std::size_t i = 0; i < subscription->channels.size(); ++i)
    memberships.push_back(
        channel_of(*subscription, i).join(request, join_options(*subscription, i)));
  co_await refuse_messages(request);
}

// --- event streams ------------------------------------------------------------------------------

// An event's id has to tell the client's place in all of its channels, because the client keeps
// the last one only. So with several channels each event is made for its client.
class EventIds {
 public:
  explicit EventIds(const Subscription& subscription)
      : positions_(subscription.resume), missing_(subscription.channels.size()) {
    positions_.resize(missing_);
  }

  void set(std::size_t channel, Position position) { positions_[channel] = position; }
  // Of a message, which may have none.
  void move(std::size_t channel, Position position) {
    if (position != Position()) set(channel, position);
  }
  std::string id() const { return protocol::to_token(positions_); }

  // True for the last channel that has begun.
  bool begun() noexcept { return --missing_ == 0; }

 private:
  protocol::Positions positions_;
  std::size_t missing_;
};

// Tells a client that has seen no message yet where it stands, so that it misses none when it comes
// back; and if there may be some that it has missed, that. A membership that sends JSON by itself
// has told all but the id.
Task<> begin_channel(Request& request, const Subscription& subscription, EventIds& ids,
                     std::size_t index, Membership& membership) {
  const bool came_back =
      subscription.lost || (!subscription.resume.empty() && subscription.resume[index].has_value());
  const Recovery recovery = co_await membership.recovery();
  const bool all_begun = ids.begun();
  const bool resumes = recovery.recovered && came_back;  // the ids of what it has missed follow
  if (!resumes) ids.set(index, recovery.position);
  std::string event;
  if (subscription.json && subscription.channels.size() > 1)
    event = protocol::encode_event(ids.id(), {}, json_of(subscription.channels[index], recovery));
  else if (came_back && !resumes && !subscription.json)
    event = protocol::encode_event(ids.id(), "gap", subscription.channels[index]);
  else if (all_begun && !resumes)
    event = "id: " + ids.id() + "\n\n";
  if (event.empty()) co_return;
  co_await msgutil::send_message(request, std::move(event));
}

std::string event_of(const Publication& publication, const std::string& id,
                     const std::string& channel, bool json) {
  if (json) return protocol::encode_event(id, {}, json_of(channel, publication));
  if (publication.kind == Publication::Kind::gap) return protocol::encode_event(id, "gap", channel);
  return protocol::encode_event(id, publication.message);
}

Task<> follow(Request& request, std::shared_ptr<Subscription> subscription,
              std::shared_ptr<EventIds> ids, std::size_t index) {
  JoinOptions options = join_options(*subscription, index);
  options.receive = true;
  options.slow = SlowPolicy::close;
  Membership membership = channel_of(*subscription, index).join(request, std::move(options));
  co_await begin_channel(request, *subscription, *ids, index, membership);
  while (auto publication = co_await membership.receive()) {
    ids->move(index, publication->position);
    std::string event =
        event_of(*publication, ids->id(), subscription->channels[index], subscription->json);
    co_await msgutil::send_message(request, std::move(event));
  }
}

Task<> serve_event_stream(Request& request, std::shared_ptr<Subscription> subscription) {
  auto ids = std::make_shared<EventIds>(*subscription);
  if (subscription->channels.size() > 1) {
    for (std::size_t i = 0; i < subscription->channels.size(); ++i)
      request.spawn(follow(request, subscription, ids, i));
    co_await refuse_messages(request);
    co_return;
  }
  JoinOptions options = join_options(*subscription, 0);
  options.slow = SlowPolicy::close;
  Membership membership = channel_of(*subscription, 0).join(request, std::move(options));
  co_await begin_channel(request, *subscription, *ids, 0, membership);
  co_await refuse_messages(request);
}

// --- the table ----------------------------------------------------------------------------------

void do_extra_handshake(Request& request) {
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
  static constexpr HandlerTable table{handler_abi,       sizeof(HandlerTable),
                                      handler_toolchain, do_extra_handshake,
                                      transfer_data,     nullptr,
                                      nullptr,           nullptr,
                                      nullptr,           nullptr,
                                      nullptr,           &detail::channel_service};
  return table;
}

}  // namespace cppwebsocket::channels
