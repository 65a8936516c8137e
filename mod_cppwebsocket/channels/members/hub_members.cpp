// The hub's functions for one membership: on its reactor for coroutine handlers; a blocking
// handler's thread posts there, and waits where it needs the answer.
#include <exception>
#include <future>
#include <memory>
#include <utility>

#include "channels/members/hub.hpp"
#include "channels/members/local_member.hpp"
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

LocalChannel& channel_of_member(const LocalMember& member) {
  if (!member.channel()) throw ConnectionTerminatedException("the connection has ended");
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
  return channels_of(session.loop()).join(session, channel, options, std::move(join), false);
}

// It waits, so that everything published after it reaches the new member.
detail::Joined& Hub::join(BlockingRequest& request, std::string_view channel,
                          const ChannelOptions& options, JoinOptions&& join) {
  require_joinable(request, join);
  runtime::Session& session = static_cast<runtime::BlockingSession&>(request).session();
  ReactorChannels& reactor = channels_of(session.loop());
  const auto joined = std::make_shared<std::promise<detail::Joined*>>();
  auto future = joined->get_future();
  session.loop().post([&, joined] {
    session.turn([&] {
      try {
        joined->set_value(&reactor.join(session, channel, options, std::move(join), true));
      } catch (...) {
        joined->set_exception(std::current_exception());
      }
    });
  });
  return *future.get();
}

void Hub::leave(detail::Joined& joined) noexcept {
  LocalMember& member = member_of(joined);
  ReactorChannels& reactor = member.reactor();
  if (!member.is_blocking()) return reactor.leave(member);
  reactor.loop().post([&reactor, &member] { reactor.leave(member); });
}

PublishResult Hub::publish(detail::Joined& joined, Message&& message) {
  const LocalMember& member = member_of(joined);
  const LocalChannel& channel = channel_of_member(member);
  return publish(channel.name, member.options(), std::move(message));
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

std::optional<Publication> Hub::receive(detail::Joined& joined,
                                        std::optional<detail::TimePoint> deadline) {
  ReceiveQueue* const queue = member_of(joined).queue();
  if (!queue) throw BadOperationException("receive() needs JoinOptions::receive");
  return queue->wait(deadline);
}

Recovery Hub::recovery(detail::Joined& joined) {
  LocalMember& member = member_of(joined);
  const auto recovered = std::make_shared<std::promise<Recovery>>();
  auto future = recovered->get_future();
  member.reactor().loop().post([&member, recovered] {
    member.when_recovered([&member, recovered] { recovered->set_value(member.recovery()); });
  });
  return future.get();
}

}  // namespace cppwebsocket::channels
