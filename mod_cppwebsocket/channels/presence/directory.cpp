#include "channels/presence/directory.hpp"

#include <algorithm>
#include <chrono>
#include <new>
#include <utility>

#include "channels/store/memory.hpp"

namespace cppwebsocket::channels {

namespace {

using namespace std::chrono_literals;
using Kind = PresenceNote::Kind;

constexpr auto look_interval = 1s;
constexpr auto announce_interval = 30s;
constexpr auto forget_after = 95s;  // three announcements
constexpr auto answer_time = 250ms;
constexpr std::size_t announced_at_once = 16 << 10;  // bytes, about
// Control records reach all children whatever their channel; this one is for none.
constexpr char no_channel[] = "*";

}  // namespace

PresenceDirectory::PresenceDirectory(Hub& hub, runtime::EventLoop& loop)
    : hub_(hub), loop_(loop), presence_(hub.store().memory().bytes()) {
  fire = [](TimerNode& node) { static_cast<PresenceDirectory&>(node).look_around(); };
}

void PresenceDirectory::ask() { send(no_channel, {Kind::all_who}, false); }

void PresenceDirectory::send(std::string_view channel, const PresenceNote& note, bool far) {
  hub_.send_control(channel, Message::binary(encode(note)), far);
}

void PresenceDirectory::came(std::string_view channel, const Member& member) {
  std::lock_guard lock(mutex_);
  const auto [own, is_first] = own_.try_emplace(std::string(channel));
  own->second.emplace(member.id, member.info);
  if (is_first && hub_.uplink()) to_ask_.emplace(channel);
  send(channel, {Kind::joined, {member}});
  watch();
}

void PresenceDirectory::went(std::string_view channel, std::string_view id) {
  std::lock_guard lock(mutex_);
  const auto own = own_.find(channel);
  if (own == own_.end()) return;
  own->second.erase(std::string(id));
  if (own->second.empty()) own_.erase(own);
  send(channel, {Kind::left, {{std::string(id), {}}}});
}

void PresenceDirectory::control(std::string_view channel, const Record& record, bool far) {
  auto note = decode_presence_note(record.message.payload());
  if (!note) return;
  std::lock_guard lock(mutex_);
  switch (note->kind) {
    case Kind::joined:
    case Kind::left:
    case Kind::here:
      tell(presence_.heard(channel, *note, record.origin, far, std::chrono::steady_clock::now()));
      if (!presence_.empty()) watch();
      break;
    case Kind::counted: {
      const auto question = questions_.find(note->question);
      if (far || note->asker != hub_.store().origin() || question == questions_.end()) return;
      if (question->second.answered.size() >= question->second.others) return;
      if (!question->second.answered.insert(record.origin).second) return;
      question->second.sum += note->count;
      answered_.notify_all();
      break;
    }
    case Kind::who:
    case Kind::all_who:
    case Kind::count:
      if (!far && record.origin == hub_.store().origin()) return;
      // Not from inside of a reader, or of the uplink.
      loop_.post([this, channel = std::string(channel), note = std::move(*note),
                  origin = record.origin] { answer(channel, note, origin); });
      break;
  }
}

void PresenceDirectory::answer(const std::string& channel, const PresenceNote& note,
                               std::uint64_t origin) {
  if (note.kind == Kind::count) {
    PresenceNote counted{Kind::counted, {}, origin, note.question};
    counted.count = hub_.local_members(channel);
    return send(channel, counted, false);
  }
  std::lock_guard lock(mutex_);
  for (const auto& own : own_)
    if (note.kind == Kind::all_who || own.first == channel) announce(own);
}

void PresenceDirectory::announce(const Own::value_type& channel) {
  const std::size_t most = std::min(announced_at_once, hub_.store().largest_payload() / 2);
  PresenceNote note{Kind::here};
  std::size_t size = 0;
  for (const auto& [id, info] : channel.second) {
    note.members.push_back({id, info});
    size += id.size() + info.size();
    if (size < most) continue;
    send(channel.first, note);
    note.members.clear();
    size = 0;
  }
  if (!note.members.empty()) send(channel.first, note);
}

void PresenceDirectory::tell(const Presence::Changes& changes) {
  for (const auto& change : changes) hub_.tell(change.channel, change.kind, change.member);
}

std::vector<Member> PresenceDirectory::present(std::string_view channel) {
  std::lock_guard lock(mutex_);
  return presence_.present(channel);
}

std::size_t PresenceDirectory::members(std::string_view channel, std::size_t here) {
  std::unique_lock lock(mutex_);
  const unsigned children = hub_.store().memory().taken_seats();
  if (children < 2) return here;
  const std::uint64_t number = ++last_question_;
  const auto asked = questions_.emplace(number, Question{here, children - 1, {}}).first;
  PresenceNote note{Kind::count};
  note.question = number;
  send(channel, note, false);
  answered_.wait_for(lock, answer_time, [&, &question = asked->second] {
    return question.answered.size() >= question.others;
  });
  const std::size_t sum = asked->second.sum;
  questions_.erase(asked);
  return sum;
}

// An idle child without anybody to look after has no timer.
void PresenceDirectory::watch() {
  if (std::exchange(watching_, true)) return;
  loop_.post(watch_);
}

// Without memory for it, some may not be told; the next look is a second later all the same.
void PresenceDirectory::look_around() noexcept {
  bool again = true;
  try {
    again = look_after_members();
  } catch (const std::bad_alloc&) {
  }
  if (again) look_later();
}

void PresenceDirectory::look_later() noexcept {
  loop_.arm(*this, loop_.now() + look_interval);
}

// False: there are none, and it is not watching any more.
bool PresenceDirectory::look_after_members() {
  const auto now = std::chrono::steady_clock::now();
  std::lock_guard lock(mutex_);
  tell(presence_.keep([&](std::uint64_t origin) { return hub_.store().is_alive(origin); }));
  tell(presence_.expire(now - forget_after));
  for (const auto& channel : std::exchange(to_ask_, {})) send(channel, {Kind::who});
  if (now - announced_ > announce_interval) {
    announced_ = now;
    for (const auto& own : own_) announce(own);
  }
  return watching_ = !own_.empty() || !presence_.empty();
}

}  // namespace cppwebsocket::channels
