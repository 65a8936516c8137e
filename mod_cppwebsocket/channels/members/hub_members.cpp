// The hub's functions for one membership, all on its reactor; only a blocking handler's thread joins
// from elsewhere.
#include <exception>
#include <future>
#include <memory>
#include <utility>

#include "channels/members/blocking_member.hpp"
#include "channels/members/hub.hpp"
#include "channels/members/local_member.hpp"
#include "channels/members/publisher.hpp"
#include "channels/members/reactor_channels.hpp"
#include "runtime/session/blocking_session.hpp"
#include "runtime/session/session.hpp"

namespace cppwebsocket::channels {

namespace {

LocalMember& member_of(detail::Joined& joined) noexcept {
  return static_cast<LocalMember&>(joined);
}
const LocalMember& member_of(const detail::Joined& joined) noexcept {
  return static_cast<const LocalMember&>(joined);
}

const LocalChannel& channel_of_member(const LocalMember& member) {
  member.require_joined();
  return *member.channel();
}

// During the handshake it is another thread that runs.
void require_joinable(const RequestProperties& request, const JoinOptions& join) {
  if (request.ready_state() == ReadyState::connecting)
    throw BadOperationException("join works only once the connection is open");
  if (join.presence && join.presence->size() > max_presence)
    throw BadOperationException("JoinOptions::presence has at most " +
                                std::to_string(max_presence) + " bytes");
}

}  // namespace

detail::Joined& Hub::join(Request& request, std::string_view channel,
                          const ChannelOptions& options, JoinOptions&& join) {
  require_joinable(request, join);
  auto& session = static_cast<runtime::Session&>(request);
  return channels_of(session.loop()).join(session, channel, options, std::move(join));
}

// It waits, so that everything published after it reaches the new member.
std::shared_ptr<detail::BlockingJoined> Hub::join(BlockingRequest& request, std::string_view channel,
                                                  const ChannelOptions& options,
                                                  JoinOptions&& join) {
  require_joinable(request, join);
  must_not_wait_here("Channel::join(BlockingRequest&)");
  auto& blocking = static_cast<runtime::BlockingSession&>(request);
  runtime::Session& session = blocking.session();
  ReactorChannels& reactor = channels_of(session.loop());
  auto member = std::make_shared<BlockingMember>(*this, reactor, channel, options, join.receive,
                                                 blocking.now());
  const auto joined = std::make_shared<std::promise<void>>();
  auto future = joined->get_future();
  session.loop().post([&, joined] {
    session.turn([&] {
      try {
        member->set_member(reactor.join(session, channel, options, std::move(join), member));
        joined->set_value();
      } catch (...) {
        joined->set_exception(std::current_exception());
      }
    });
  });
  future.get();
  return member;
}

void Hub::leave(detail::Joined& joined) noexcept { member_of(joined).leave(); }

void Hub::forget(detail::Joined& joined) noexcept {
  LocalMember& member = member_of(joined);
  member.reactor().forget(member);
}

PublishResult Hub::publish(detail::Joined& joined, Message&& message) {
  const LocalMember& member = member_of(joined);
  const LocalChannel& channel = channel_of_member(member);
  const ChannelOptions options = member.options();
  const std::uint16_t publisher =
      options.history == 0 ? 0 : publisher_of(member.session()->remote_address());
  return publish(channel.name, options, std::move(message), publisher, {.user = std::string(member.session()->user())});
}

std::string Hub::channel_of(const detail::Joined& joined) {
  return channel_of_member(member_of(joined)).name;
}

std::string Hub::id_of(const detail::Joined& joined) { return member_of(joined).id(); }

std::uint64_t Hub::dropped(const detail::Joined& joined) noexcept {
  return member_of(joined).dropped();
}

std::optional<Publication> Hub::try_receive(detail::Joined& joined) {
  ReceiveQueue* const queue = member_of(joined).queue();
  if (!queue) throw BadOperationException("try_receive() needs JoinOptions::receive");
  return queue->take();
}

bool Hub::begin(detail::Joined& joined, detail::PublicationOperation& operation) {
  return member_of(joined).begin(operation);
}

bool Hub::begin(detail::Joined& joined, detail::RecoveryOperation& operation) {
  return member_of(joined).begin(operation);
}

}  // namespace cppwebsocket::channels
