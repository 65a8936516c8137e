#include "channels/members/hub.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include "channels/members/local_member.hpp"
#include "channels/members/reactor_channels.hpp"
#include "protocol/frames/utf8.hpp"
#include "runtime/limits/table.hpp"
#include "runtime/session/event_loop.hpp"

namespace cppwebsocket::channels {

namespace {

constexpr std::string_view counted = "members";  // what the table of member counts has

HistoryBound bound_of(const ChannelOptions& options) noexcept {
  return {options.history, static_cast<std::uint32_t>(options.history_time.count())};
}

Record record_of(RecordKind kind, Message&& message, HistoryBound bound = {},
                 std::uint16_t publisher = 0) {
  Record record{};
  record.kind = kind;
  record.message = std::move(message);
  record.bound = bound;
  record.publisher = publisher;
  return record;
}

PublishStatus status_of(StoreResult result) noexcept {
  switch (result) {
    case StoreResult::too_large:
      return PublishStatus::too_large;
    case StoreResult::no_room:
      return PublishStatus::no_room;
    case StoreResult::stored:
    case StoreResult::already_there:
      break;
  }
  return PublishStatus::accepted;
}

}  // namespace

Hub::Hub(ChannelStore& store) : store_(store), counters_(store.child_counters()) {}
Hub::~Hub() = default;

void Hub::set_uplink(std::unique_ptr<Uplink> uplink) { uplink_ = std::move(uplink); }
void Hub::set_directory(std::unique_ptr<Directory> directory) { directory_ = std::move(directory); }
void Hub::set_member_counts(std::unique_ptr<runtime::LimitTable> counts) { member_counts_ = std::move(counts); }

std::shared_ptr<runtime::LoopSource> Hub::serve(runtime::EventLoop& loop) {
  const auto& made = reactors_.emplace_back(std::make_shared<ReactorChannels>(
      *this, loop, static_cast<unsigned>(reactors_.size())));
  if (directory_ && reactors_.size() == 1) directory_->lost_control();  // all that was before
  return made;
}

// A few: as many as the child has reactors.
ReactorChannels& Hub::channels_of(const runtime::EventLoop& loop) {
  for (auto& each : reactors_)
    if (&each->loop() == &loop) return *each;
  throw BadOperationException("there are no channels here");
}

// --- publishing ---------------------------------------------------------------------------------

PublishResult Hub::publish(std::string_view channel, const ChannelOptions& options,
                           Message&& message) {
  return publish(channel, options, std::move(message), 0);
}

PublishResult Hub::publish(std::string_view channel, const ChannelOptions& options,
                           Message&& message, std::uint16_t publisher, Remarks remarks) {
  if (!options.tell_publisher) remarks.user.clear();
  auto text = packed(remarks);
  if (!text) {
    remarks.user.clear();
    text = packed(remarks);
  }
  if (!text) throw BadOperationException("an event's name and a tag have at most 64 bytes each");
  if (message.is_text() && !detail::MessageAccess::is_validated(message)) {
    if (!protocol::is_utf8(message.text()))
      throw InvalidUTF8Exception("the text to publish is not UTF-8");
    detail::MessageAccess::set_validated(message);
  }
  counters_.published.fetch_add(1, std::memory_order_relaxed);
  const HistoryBound bound = bound_of(options);
  if (uplink_) return uplink_->publish(channel, bound, std::move(message), *text);
  Record record = record_of(RecordKind::message, std::move(message), bound, publisher);
  record.remarks = std::move(*text);
  const Stored stored = store_.publish(channel, record);
  return {status_of(stored.result), stored.position};
}

void Hub::send_control(std::string_view channel, Message message, bool far) {
  if (far && uplink_) uplink_->control(channel, message);
  store_.publish(channel, record_of(RecordKind::control, std::move(message)));
}

void Hub::tell(std::string_view channel, Publication::Kind kind, const Member& member) {
  for (auto& reactor : reactors_)
    reactor->loop().post([reactor, channel = std::string(channel), kind, member] {
      reactor->tell(channel, kind, member);
    });
}

// --- who is there -------------------------------------------------------------------------------

Hub::Shard& Hub::shard_of(std::string_view channel) noexcept {
  return shards_[std::hash<std::string_view>()(channel) % shards_.size()];
}

// The uplink and the directory hear of it under the lock, so that they hear it in order.
void Hub::joined(LocalMember& member, const std::string& channel,
                 const std::optional<std::string>& presence) {
  if (presence) {
    Member visible{{}, *presence};
    std::string& id = visible.id;
    for (int shift = 60; shift >= 0; shift -= 4)
      id.push_back("0123456789abcdef"[store_.origin() >> shift & 15]);
    id.append("-").append(std::to_string(++last_member_));
    member.set_id(id);
    if (directory_) directory_->came(channel, visible);
  }
  Shard& shard = shard_of(channel);
  std::lock_guard lock(shard.mutex);
  const std::size_t now = ++shard.members[channel];
  if (now == 1 && uplink_ && !shard.reserved.contains(channel)) uplink_->in_use(channel, true);
  count(channel, now);
  counters_.memberships.fetch_add(1, std::memory_order_relaxed);
}

void Hub::left(LocalMember& member, const std::string& channel) noexcept {
  if (const std::string id = member.id(); directory_ && !id.empty()) directory_->went(channel, id);
  Shard& shard = shard_of(channel);
  std::lock_guard lock(shard.mutex);
  const auto found = shard.members.find(channel);
  if (found == shard.members.end()) return;
  counters_.memberships.fetch_sub(1, std::memory_order_relaxed);
  count(channel, --found->second);
  if (found->second != 0) return;
  shard.members.erase(found);
  if (uplink_ && !shard.reserved.contains(channel)) uplink_->in_use(channel, false);
}

// Under the shard's lock, so that the last count is the newest. Nothing in the table is a rate: no time goes in.
void Hub::count(std::string_view channel, std::size_t members) noexcept {
  if (member_counts_)
    member_counts_->set(member_counts_->key(counted, channel), static_cast<std::uint32_t>(members), {});
}

std::size_t Hub::local_members(std::string_view channel) {
  Shard& shard = shard_of(channel);
  std::lock_guard lock(shard.mutex);
  const auto found = shard.members.find(std::string(channel));
  return found == shard.members.end() ? 0 : found->second;
}

// The answers come in on a reactor, which would wait for itself.
bool Hub::may_wait_here() const noexcept {
  return std::ranges::none_of(reactors_, [](const auto& each) { return each->loop().runs_here(); });
}

void Hub::must_not_wait_here(const char* what) const {
  if (!may_wait_here())
    throw BadOperationException(
        std::string(what) +
        " waits, which an event thread must not: co_await request.run_blocking([&] { … })");
}

std::size_t Hub::members(std::string_view channel) {
  must_not_wait_here("Channel::members");
  if (member_counts_ && !member_counts_->was_without_room())
    return member_counts_->sum(member_counts_->key(counted, channel));
  const std::size_t here = local_members(channel);
  return directory_ ? directory_->members(channel, here) : here;
}

std::vector<Member> Hub::presence(std::string_view channel) {
  return directory_ ? directory_->present(channel) : std::vector<Member>();
}

std::vector<std::pair<std::string, std::size_t>> Hub::channels_in_use() {
  std::vector<std::pair<std::string, std::size_t>> all;
  for (Shard& shard : shards_) {
    std::lock_guard lock(shard.mutex);
    all.insert(all.end(), shard.members.begin(), shard.members.end());
  }
  return all;
}

// --- leadership ---------------------------------------------------------------------------------

// The store knows which child leads; which of its Leadership objects, the hub.
bool Hub::try_lead(std::string_view channel) {
  std::lock_guard lock(leading_mutex_);
  if (std::find(leading_.begin(), leading_.end(), channel) != leading_.end()) return false;
  leading_.emplace_back(channel);
  if (store_.try_lead(channel)) return true;
  leading_.pop_back();
  return false;
}

void Hub::stop_leading(std::string_view channel) noexcept {
  std::lock_guard lock(leading_mutex_);
  std::erase(leading_, channel);
  store_.stop_leading(channel);
}

}  // namespace cppwebsocket::channels
