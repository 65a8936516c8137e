// The channels of a test's server: everything in one process, in memory. Part of testing.hpp.
#pragma once

#include <chrono>
#include <list>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <cppwebsocket/blocking_membership.hpp>
#include <cppwebsocket/membership.hpp>
#include <cppwebsocket/testing/blocking_connection.hpp>
#include <cppwebsocket/testing/coroutine_connection.hpp>
#include <cppwebsocket/testing/envelope.hpp>

namespace cppwebsocket::testing::detail {

class Channels final : public ChannelService {
 public:
  explicit Channels(Stage& stage) : stage_(stage) {
    stage_.on_given_up = [this](const Operation& operation) {
      for (One& each : all_)
        if (each.receiving == &operation) each.receiving = nullptr;
    };
  }

  // A connection that goes leaves its channels.
  void forget(const Connection& connection) {
    const auto held = stage_.lock();
    for (auto& [name, room] : channels_)
      std::erase_if(room.members, [&](const One* each) { return &each->connection == &connection; });
  }

  PublishResult publish(std::string_view name, const ChannelOptions& options,
                        Message&& message) override {
    return publish_by({}, name, options, std::move(message));
  }
  PublishResult publish_by(std::string_view user, std::string_view name, const ChannelOptions& options,
                           Message&& message) {
    const auto held = stage_.lock();
    Room& room = room_of(name);
    const Position position{epoch, ++room.newest};
    const auto time = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    const Publication publication{Publication::Kind::message, std::move(message), position, {}, time,
                                  std::string(options.tell_publisher ? user : std::string_view())};
    room.past.emplace_back(publication, stage_.now());
    const auto is_too_old = [&](TimePoint since) {
      return options.history_time.count() != 0 && since + options.history_time < stage_.now();
    };
    while (room.past.size() > options.history || (!room.past.empty() && is_too_old(room.past.front().second)))
      room.past.pop_front();
    tell_all(room, publication);
    return {PublishStatus::accepted, position};
  }
  std::size_t local_members(std::string_view name) override {
    const auto held = stage_.lock();
    return room_of(name).members.size();
  }
  std::size_t members(std::string_view name) override { return local_members(name); }
  std::vector<Member> presence(std::string_view name) override {
    const auto held = stage_.lock();
    std::vector<Member> all;
    for (const auto& each : room_of(name).members)
      if (each->options.presence) all.push_back(each->member());
    return all;
  }
  History history(std::string_view name, std::optional<Position> after, std::size_t most) override {
    const auto held = stage_.lock();
    const Room& room = room_of(name);
    History found{{}, {epoch, room.newest}, !after || can_resume(room, *after)};
    for (const auto& [each, since] : room.past)
      if (!after || each.position.offset > after->offset) found.publications.push_back(each);
    if (found.publications.size() > most)
      found.publications.erase(found.publications.begin(), found.publications.end() - static_cast<long>(most));
    return found;
  }
  bool try_lead(std::string_view name) override {
    const auto held = stage_.lock();
    return led_.insert(std::string(name)).second;
  }
  void stop_leading(std::string_view name) noexcept override {
    const auto held = stage_.lock();
    led_.erase(std::string(name));
  }

  // Nothing is published between a handshake and a join that the test does not publish itself: it is kept.
  void reserve(Request& request, std::string_view name) override { reserve_for(connection_of(request), name); }
  void reserve(BlockingRequest& request, std::string_view name) override {
    reserve_for(connection_of(request), name);
  }

  Joined& join(Request& request, std::string_view name, const ChannelOptions& with,
               JoinOptions&& options) override {
    const auto held = stage_.lock();
    return add(connection_of(request), name, with, std::move(options));
  }
  std::shared_ptr<BlockingJoined> join(BlockingRequest& request, std::string_view name,
                                       const ChannelOptions& with, JoinOptions&& options) override;

  void leave(Joined& joined) noexcept override {
    const auto held = stage_.lock();
    One& one = static_cast<One&>(joined);
    one.has_left = true;
    Room& room = *one.room;
    if (std::erase(room.members, &one) != 0 && one.options.presence)
      tell_all(room, {Publication::Kind::left, {}, {epoch, room.newest}, one.member()});
    if (one.receiving) complete(one);
    stage_.notify();
  }
  void forget(Joined& joined) noexcept override {
    const auto held = stage_.lock();
    leave(joined);
    all_.remove_if([&](const One& each) { return &each == &joined; });
  }
  PublishResult publish(Joined& joined, Message&& message) override {
    const One& one = in_use(joined);
    return publish_by(one.connection.record.text(Text::user), one.room->name, one.channel_options, std::move(message));
  }
  std::string channel_of(const Joined& joined) override { return in_use(joined).room->name; }
  std::string id_of(const Joined& joined) override { return static_cast<const One&>(joined).id(); }
  std::uint64_t dropped(const Joined&) noexcept override { return 0; }
  std::optional<Publication> try_receive(Joined& joined) override {
    const auto held = stage_.lock();
    return take(static_cast<One&>(joined));
  }
  bool begin(Joined& joined, PublicationOperation& operation) override {
    const auto held = stage_.lock();
    One& one = static_cast<One&>(joined);
    if (!one.options.receive) throw BadOperationException("the membership has no receive form");
    if (one.receiving && !one.coroutine->is_over()) throw BadOperationException("a receive is already waiting");
    if ((operation.publication = take(one)) || one.has_left || one.connection.peer_closed) return true;
    one.coroutine->wait(operation);
    one.receiving = &operation;
    return false;
  }
  bool begin(Joined& joined, RecoveryOperation& operation) override {
    operation.recovery = in_use(joined).recovery;
    return true;
  }

 private:
  struct One;
  struct Room {
    std::string name;
    std::uint64_t newest = 0;
    std::deque<std::pair<Publication, TimePoint>> past;
    std::vector<One*> members;
  };
  struct One : Joined {
    One(Connection& of, Room& in, const ChannelOptions& with, JoinOptions&& how, std::uint64_t which)
        : connection(of), room(&in), channel_options(with), options(std::move(how)), number(which) {}
    std::string id() const { return options.presence ? "member-" + std::to_string(number) : std::string(); }
    Member member() const { return {id(), options.presence.value_or("")}; }

    Connection& connection;
    CoroutineConnection* coroutine = dynamic_cast<CoroutineConnection*>(&connection);
    Room* room;
    const ChannelOptions channel_options;
    const JoinOptions options;
    std::uint64_t number;
    std::deque<Publication> queue;
    PublicationOperation* receiving = nullptr;
    Recovery recovery;
    bool has_left = false;
  };
  class Blocking;

  static constexpr std::uint64_t epoch = 0x7e57;

  template <typename Request>
  static Connection& connection_of(Request& request) {
    return dynamic_cast<Connection&>(request);
  }
  Room& room_of(std::string_view name) {
    Room& room = channels_[std::string(name)];
    room.name = name;
    return room;
  }
  One& in_use(const Joined& joined) const {
    One& one = const_cast<One&>(static_cast<const One&>(joined));
    if (one.has_left) throw BadOperationException("the channel was left");
    return one;
  }
  static bool can_resume(const Room& room, Position after) {
    return after.epoch == epoch && after.offset <= room.newest &&
           (after.offset == room.newest ||
            (!room.past.empty() && room.past.front().first.position.offset <= after.offset + 1));
  }

  void reserve_for(Connection& connection, std::string_view name) {
    const auto held = stage_.lock();
    if (!connection.record.handshake) throw BadOperationException("reserve works only during the handshake");
    reserved_[{&connection, std::string(name)}] = room_of(name).newest;
  }

  One& add(Connection& connection, std::string_view name, const ChannelOptions& with, JoinOptions&& options);
  void tell_past(One& one);
  void tell_all(Room& room, const Publication& publication) {
    for (One* each : std::vector<One*>(room.members)) {
      const bool is_message = publication.kind == Publication::Kind::message;
      if (is_message || each->options.events) tell(*each, publication);
    }
  }
  void tell(One& one, const Publication& publication) {
    if (one.options.receive) {
      one.queue.push_back(publication);
      if (one.receiving) complete(one);
      stage_.notify();
    } else if (!one.connection.is_over()) {
      if (one.options.json)
        one.connection.accept(Message(envelope_of(one.room->name, publication)));
      else if (publication.kind == Publication::Kind::message)
        one.connection.accept(publication.message);
    }
  }
  std::optional<Publication> take(One& one) {
    if (one.queue.empty()) return std::nullopt;
    Publication first = std::move(one.queue.front());
    one.queue.pop_front();
    return first;
  }
  void complete(One& one) {
    PublicationOperation& operation = *std::exchange(one.receiving, nullptr);
    operation.publication = take(one);
    one.coroutine->complete(operation);
  }

  Stage& stage_;
  std::map<std::string, Room, std::less<>> channels_;
  std::list<One> all_;
  std::set<std::string> led_;
  std::map<std::pair<const Connection*, std::string>, std::uint64_t> reserved_;
  std::uint64_t joins_ = 0;
};

inline Channels::One& Channels::add(Connection& connection, std::string_view name, const ChannelOptions& with,
                                    JoinOptions&& options) {
  connection.require_open();
  if (options.presence && options.presence->size() > max_presence)
    throw BadOperationException("presence has at most 1024 bytes");
  Room& room = room_of(name);
  One& one = all_.emplace_back(connection, room, with, std::move(options), ++joins_);
  tell_past(one);
  room.members.push_back(&one);
  if (one.options.presence)
    for (One* each : std::vector<One*>(room.members))
      if (each != &one && each->options.events)
        tell(*each, {Publication::Kind::joined, {}, {epoch, room.newest}, one.member()});
  return one;
}

// What it resumes, was promised to it in the handshake, or asks for.
inline void Channels::tell_past(One& one) {
  const Room& room = *one.room;
  const auto& resume = one.options.resume;
  const auto reserved = reserved_.extract({&one.connection, room.name});
  one.recovery = {resume && can_resume(room, *resume), {epoch, room.newest}};
  std::uint64_t from = room.newest;
  if (one.recovery.recovered)
    from = resume->offset;
  else if (one.options.history != 0)
    from = room.newest - std::min<std::uint64_t>(room.newest, one.options.history);
  if (reserved) from = std::min(from, reserved.mapped());
  if (one.options.json && !one.options.receive)
    one.connection.accept(Message(subscribed(room.name, resume ? std::optional(one.recovery) : std::nullopt,
                                             {epoch, from}, one.options.events ? presence(room.name)
                                                                               : std::vector<Member>())));
  for (const auto& [each, since] : room.past)
    if (each.position.offset > from) tell(one, each);
}

class Channels::Blocking final : public BlockingJoined {
 public:
  Blocking(Channels& channels, BlockingConnection& connection, One& one)
      : channels_(channels), connection_(connection), one_(one), first_thread_(connection.next_thread()) {}
  ~Blocking() { channels_.forget(one_); }

  PublishResult publish(Message&& message) override { return channels_.publish(one_, std::move(message)); }
  std::optional<Publication> receive(std::optional<TimePoint> deadline) override {
    auto held = channels_.stage_.lock();
    if (!one_.options.receive) throw BadOperationException("the membership has no receive form");
    const auto is_there = [this] {
      return !one_.queue.empty() || one_.has_left || connection_.peer_closed;
    };
    if (!connection_.wait(held, is_there, deadline ? channels_.stage_.in_own_time(*deadline) : TimePoint::max()))
      throw TimeoutException("nothing was published in time");
    return channels_.take(one_);
  }
  std::optional<Publication> try_receive() override { return channels_.try_receive(one_); }
  Recovery recovery() override { return channels_.in_use(one_).recovery; }
  std::uint64_t dropped() const noexcept override { return 0; }
  std::string channel() const override { return channels_.channel_of(one_); }
  std::string id() const override { return one_.id(); }
  void leave() noexcept override { channels_.leave(one_); }
  void end_threads() noexcept override { connection_.end_threads_since(first_thread_); }

 private:
  Channels& channels_;
  BlockingConnection& connection_;
  One& one_;
  const std::uint64_t first_thread_;
};

inline std::shared_ptr<BlockingJoined> Channels::join(BlockingRequest& request, std::string_view name,
                                                      const ChannelOptions& with, JoinOptions&& options) {
  const auto held = stage_.lock();
  auto& connection = dynamic_cast<BlockingConnection&>(request);
  return std::make_shared<Blocking>(*this, connection, add(connection, name, with, std::move(options)));
}

}  // namespace cppwebsocket::testing::detail
