#include "channels/conversation/conversation.hpp"

#include <cppwebsocket/membership.hpp>
#include <cppwebsocket/msgutil.hpp>

#include <algorithm>
#include <any>
#include <chrono>
#include <map>
#include <optional>
#include <utility>

#include "channels/conversation/answers.hpp"
#include "channels/conversation/command.hpp"
#include "channels/conversation/permissions.hpp"
#include "channels/members/hub.hpp"
#include "channels/members/own_table.hpp"
#include "channels/members/publisher.hpp"

namespace cppwebsocket::channels {

namespace {

using Word = Permission::Word;

constexpr std::size_t most_answered = 1 << 20;  // bytes of messages in one answer

class Talk {
 public:
  Talk(Request& request, Conversation&& conversation)
      : request_(request),
        hub_(*conversation.hub),
        gatekeeper_(std::move(conversation.gatekeeper)),
        own_(std::move(conversation.own)),
        most_channels_(conversation.most_channels),
        welcome_(welcome(conversation.most_channels, conversation.data)),
        permissions_(2 * conversation.most_channels) {}

  Task<> run() {
    co_await msgutil::send_message(request_, std::move(welcome_));
    join_own();
    if (own_.heartbeat.count() != 0) request_.spawn(beat(request_, own_.heartbeat));
    while (auto message = co_await msgutil::receive_message(request_)) {
      std::string reply = message->is_text() ? std::string() : error({}, "bad_command", "a command is a text");
      if (reply.empty()) reply = co_await answer_to(message->text());
      if (!reply.empty()) co_await msgutil::send_message(request_, std::move(reply));
    }
  }

 private:
  void join_own() {
    for (std::size_t i = 0; i < own_.channels.size(); ++i) {
      JoinOptions options = usual_join();
      if (!own_.resume.empty()) options.resume = own_.resume[i];
      if (own_.lost) options.resume.emplace();
      options.history = own_.history;
      join(own_.channels[i], own_.options, std::move(options));
    }
  }

  // Whoever is too slow can come back and resume.
  JoinOptions usual_join() const {
    JoinOptions options;
    options.json = true;
    options.tag = own_.tag;
    options.slow = SlowPolicy::close;
    return options;
  }

  void join(const std::string& name, const ChannelOptions& options, JoinOptions&& join) {
    const Channel channel = Channel::named(name, options);
    memberships_.insert_or_assign(name, channel.join(request_, std::move(join)));
  }

  Task<std::string> answer_to(std::string_view text) {
    auto parsed = parse_command(text);
    if (const auto* mistake = std::get_if<Mistake>(&parsed))
      co_return error(mistake->id, "bad_command", mistake->text);
    auto& command = std::get<Command>(parsed);
    if (command.kind == Command::Kind::message) co_return co_await pass_on(command);
    if (const char* why = detail::why_no_channel_name(command.channel))
      co_return error(command.id, "bad_channel", why);
    switch (command.kind) {
      case Command::Kind::subscribe:
        co_return co_await subscribe(command);
      case Command::Kind::unsubscribe:
        co_return unsubscribe(command);
      case Command::Kind::publish:
        co_return co_await publish(command);
      case Command::Kind::presence:
        co_return co_await presence(command);
      case Command::Kind::history:
        co_return co_await history(command);
      case Command::Kind::message:
        break;
    }
    co_return std::string();
  }

  // The answer if it is refused; empty: it is allowed, and what the gatekeeper has said is in `said`.
  Task<std::string> ask(Access access, const Command& command, Permission& said) {
    const auto now = std::chrono::steady_clock::now();
    if (const auto known = permissions_.known(access, command.channel, now)) {
      said = *known;
    } else {
      auto ask = [&] { said = gatekeeper_->ask(access, command.channel); };
      co_await request_.run_blocking(ask);
      permissions_.keep(access, command.channel, said, now);
    }
    co_return refusal(command.id, said);
  }

  static std::string refusal(std::uint64_t id, const Permission& said) {
    switch (said.word) {
      case Word::yes:
        return {};
      case Word::no:
        return error(id, "forbidden", said.reason.empty() ? "this is not allowed in this channel" : said.reason);
      case Word::no_channel:
        return error(id, "bad_channel", "no channel has an address of this name");
      case Word::unknown:
        return error(id, "unavailable", "whether this is allowed cannot be found out now");
    }
    return {};
  }

  Task<std::string> subscribe(Command& command) {
    if (memberships_.contains(command.channel))
      co_return error(command.id, "already", "this connection is subscribed to the channel");
    if (memberships_.size() >= most_channels_)
      co_return error(command.id, "too_many", "a connection may have no more channels");
    if (command.presence && command.presence->size() > max_presence)
      co_return error(command.id, "bad_command", "\"presence\" has at most 1024 bytes");
    Permission said;
    std::string refused = co_await ask(Access::read, command, said);
    if (!refused.empty()) co_return refused;
    co_await take_place(command.channel);
    std::string answered = answer(command.id);
    co_await msgutil::send_message(request_, std::move(answered));
    JoinOptions options = usual_join();
    options.resume = command.after;
    if (command.is_lost) options.resume.emplace();
    options.history = command.count;
    options.presence = said.presence ? std::move(said.presence) : std::move(command.presence);
    options.events = command.events;
    join(command.channel, said.options, std::move(options));
    co_return std::string();
  }

  // Where there is a backplane, it takes its time until other machines' messages come.
  Task<> take_place(const std::string& channel) {
    if (!hub_.uplink()) co_return;
    Reservation place;
    auto reserve = [&] { place = hub_.reserve(channel, has_waited_long_); };
    co_await request_.run_blocking(reserve);
    hub_.take_place(request_, std::move(place));
  }

  // To the application, which may have the connection join and leave channels.
  Task<std::string> pass_on(Command& command) {
    if (!own_.receiver) co_return error(command.id, "bad_command", "no application takes messages here");
    HookAnswer said;
    auto ask = [&] { said = own_.receiver->receive(command.message); };
    co_await request_.run_blocking(ask);
    if (said.word == HookAnswer::Word::none)
      co_return error(command.id, "unavailable", "the application does not answer");
    if (said.word == HookAnswer::Word::no)
      co_return error(command.id, "forbidden", said.reason.empty() ? "the application does not allow this" : said.reason);
    for (const std::string& each : said.unsubscribe) memberships_.erase(each);
    std::string answered = answer(command.id, said.send);
    co_await msgutil::send_message(request_, std::move(answered));
    for (const std::string& each : said.subscribe) {
      if (memberships_.contains(each) || memberships_.size() >= most_channels_) continue;
      co_await take_place(each);
      join(each, own_.options, usual_join());
    }
    if (said.message && !said.channel.empty())
      hub_.publish(said.channel, own_.options, *std::move(said.message), publisher_of(request_.remote_address()),
                   {.user = std::string(request_.user())});
    if (said.close) co_await msgutil::close_connection(request_, *said.close, "");
    co_return std::string();
  }

  std::string unsubscribe(const Command& command) {
    if (memberships_.erase(command.channel) == 0)
      return error(command.id, "not_subscribed", "this connection is not subscribed to the channel");
    return answer(command.id);
  }

  Task<std::string> publish(Command& command) {
    Permission said;
    std::string refused = co_await ask(Access::publish, command, said);
    if (!refused.empty()) co_return refused;
    if (command.message.size() > said.most_bytes)
      co_return error(command.id, "too_large", "the message is larger than this channel takes");
    if (said.each) {
      Permission of_message;
      auto ask = [&] { of_message = gatekeeper_->ask(said, command.channel, command.message); };
      co_await request_.run_blocking(ask);
      if (of_message.word != Word::yes) co_return refusal(command.id, of_message);
    }
    command.remarks.user = request_.user();
    const PublishResult result =
        hub_.publish(command.channel, said.options, std::move(command.message),
                     publisher_of(request_.remote_address()), std::move(command.remarks));
    if (result.status == PublishStatus::too_large)
      co_return error(command.id, "too_large", "the message is larger than channels can hold");
    if (!result) co_return error(command.id, "no_room", "there is no room for another channel");
    co_return answer(command.id, result);
  }

  Task<std::string> presence(const Command& command) {
    Permission said;
    std::string refused = co_await ask(Access::read, command, said);
    if (!refused.empty()) co_return refused;
    std::size_t members = 0;
    auto count = [&] { members = hub_.members(command.channel); };
    co_await request_.run_blocking(count);
    co_return answer(command.id, members, hub_.presence(command.channel));
  }

  Task<std::string> history(const Command& command) {
    Permission said;
    std::string refused = co_await ask(Access::read, command, said);
    if (!refused.empty()) co_return refused;
    std::string answered;
    auto look = [&] {
      const History found = hub_.history(command.channel, command.after, command.count);
      answered = answer(command.id, command.channel, found, most_answered);
    };
    co_await request_.run_blocking(look);
    co_return answered;
  }

  Request& request_;
  Hub& hub_;
  const std::shared_ptr<Gatekeeper> gatekeeper_;
  const Subscription own_;
  const std::size_t most_channels_;
  std::string welcome_;
  Permissions permissions_;
  std::map<std::string, Membership, std::less<>> memberships_;
  bool has_waited_long_ = false;  // for a backplane, in vain
};

// --- the table ----------------------------------------------------------------------------------

// The places are taken here, as in subscriber.cpp. Where another subprotocol is offered only, none is chosen, and
// the handshake is refused.
void do_extra_handshake(Request& request) {
  const auto& conversation = std::any_cast<const Conversation&>(request.user_data());
  const auto offered = request.ws_requested_protocols();
  if (std::ranges::find(offered, conversation_protocol) == offered.end())
    throw HandshakeException(400, "This address speaks the subprotocol channels.json.");
  request.set_ws_protocol(conversation_protocol);
  for (const std::string& channel : conversation.own.channels)
    Channel::named(channel, conversation.own.options).reserve(request);
}

Task<> transfer_data(Request& request) {
  Talk talk(request, std::any_cast<Conversation>(std::move(request.user_data())));
  request.user_data().reset();
  co_await talk.run();
}

}  // namespace

const HandlerTable& conversation_table() noexcept {
  static constexpr HandlerTable table = own_table(do_extra_handshake, transfer_data);
  return table;
}

}  // namespace cppwebsocket::channels
