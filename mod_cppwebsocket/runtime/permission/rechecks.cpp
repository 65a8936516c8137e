#include "runtime/permission/rechecks.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "runtime/session/connection.hpp"

#include <poll.h>

namespace cppwebsocket::runtime {

namespace {

// Of its interval, at least so much goes by until a matter is asked again, and before the first time.
constexpr double least_share = 0.8;
constexpr double least_first_share = 0.5;
constexpr char no_longer_allowed[] = "no longer allowed";

// Who may not be there gets nothing more, and is not listened to.
void close(Connection& connection, CloseCode code) {
  Ending& ending = connection.ending();
  if (!ending.is_open()) return;
  ending.start_closing(Close(code, no_longer_allowed), no_longer_allowed);
  ending.record_close(code, {});
  ending.end(no_longer_allowed);
}

}  // namespace

// Posted to be armed, when it is answered, and when nobody needs it any more; armed until it is to be asked.
struct Rechecks::Topic final : Posted, detail::TimerNode {
  Topic(Rechecks& of, const std::string& its_key, const RecheckRule& its_rule, std::shared_ptr<Matter> its_matter)
      : all(of), key(its_key), rule(its_rule), matter(std::move(its_matter)) {
    fire = [](TimerNode& node) {
      auto& topic = static_cast<Topic&>(node);
      topic.all.ask(topic);
    };
  }
  void run() noexcept override { all.go_on(*this); }
  void drop() noexcept override { self.reset(); }

  Rechecks& all;
  const std::string key;
  const RecheckRule rule;
  const std::shared_ptr<Matter> matter;
  std::optional<detail::TimePoint> unknown_since;  // the loop's

  // Guarded by the mutex.
  std::shared_ptr<Topic> self;    // while the loop or a thread of the pool has it
  std::vector<Member*> members;   // whose connections are open
  std::size_t users = 0;          // those, and others
  Allowed answer = Allowed::unknown;
  bool posted = false, asking = false, is_answered = false;
  bool was_asked = false;
  bool is_over = false;  // the answer was no, and who comes now is another matter
};

// Posted once at most, to be closed.
struct Rechecks::Member final : Posted, std::enable_shared_from_this<Member> {
  explicit Member(std::shared_ptr<Topic> its_topic) noexcept : topic(std::move(its_topic)) {}
  void close_soon() noexcept {
    if (self) return;
    self = shared_from_this();
    loop->post(*this);
  }
  void run() noexcept override {
    const std::shared_ptr<Member> kept = std::move(self);
    if (connection) connection->turn([this] { close(*connection, topic->rule.code); });
  }
  void drop() noexcept override { self.reset(); }

  const std::shared_ptr<Topic> topic;
  Connection* connection = nullptr;  // Thread: its own
  std::shared_ptr<Member> self;      // while it is posted
  // Guarded by the mutex.
  EventLoop* loop = nullptr;  // null: it has not begun
  std::size_t place = 0;      // among the members
  bool is_held = false;
};

Rechecks::Rechecks(BlockingPool& questions) : questions_(questions), random_(std::random_device()()) {}

void Rechecks::start(EventLoop& loop, std::function<bool()> hold, std::function<void()> release) {
  loop_ = &loop;
  hold_ = std::move(hold);
  release_ = std::move(release);
}

bool Rechecks::stop(std::chrono::milliseconds most) noexcept {
  stopped_ = true;
  const auto end = std::chrono::steady_clock::now() + most;
  while (asking_ != 0 && std::chrono::steady_clock::now() < end) ::poll(nullptr, 0, 1);
  return asking_ == 0;
}

std::size_t Rechecks::matters() const {
  const std::lock_guard lock(mutex_);
  return topics_.size();
}

// --- connections come and go -----------------------------------------------------------------------

std::unique_ptr<Recheck> Rechecks::add(std::string key, const RecheckRule& rule,
                                       const std::function<std::shared_ptr<Matter>()>& make) {
  const Lock lock(mutex_);
  const auto found = topics_.find(key);
  const bool is_new = found == topics_.end();
  const auto topic = is_new ? std::make_shared<Topic>(*this, key, rule, make()) : found->second;
  if (topic->members.capacity() <= topic->users) topic->members.reserve(2 * topic->users + 1);
  if (is_new) topics_.emplace(std::move(key), topic);
  try {
    auto made = std::make_unique<Recheck>(*this, std::make_shared<Member>(topic));
    ++topic->users;
    return made;
  } catch (...) {
    if (is_new) topics_.erase(topic->key);
    throw;
  }
}

void Rechecks::begin(Member& member, Connection& connection) {
  const bool is_held = hold_();
  const Lock lock(mutex_);
  Topic& topic = *member.topic;
  member.connection = &connection;
  member.loop = &connection.loop();
  member.is_held = is_held;
  member.place = topic.members.size();
  topic.members.push_back(&member);
  if (topic.is_over) return member.close_soon();
  if (topic.self || !is_held) return;
  topic.self = member.topic;
  post(topic);
}

void Rechecks::end(Member& member) noexcept {
  {
    const Lock lock(mutex_);
    member.connection = nullptr;
    Topic& topic = *member.topic;
    if (member.loop) {
      topic.members.back()->place = member.place;
      topic.members[member.place] = topic.members.back();
      topic.members.pop_back();
    }
    if (--topic.users == 0) {
      if (!std::exchange(topic.is_over, true)) topics_.erase(topic.key);
      if (topic.self) post(topic);
    }
  }
  if (member.is_held) release_();
}

// --- a matter's round --------------------------------------------------------------------------------

// With the lock.
void Rechecks::post(Topic& topic) noexcept {
  if (!std::exchange(topic.posted, true)) loop_->post(topic);
}

// With the lock, on the loop's thread.
void Rechecks::arm(Topic& topic) {
  const double least = std::exchange(topic.was_asked, true) ? least_share : least_first_share;
  const double share = std::uniform_real_distribution<double>(least, 1)(random_);
  loop_->arm(topic, loop_->now() + std::chrono::duration_cast<std::chrono::nanoseconds>(topic.rule.interval * share));
}

// On the loop's thread.
void Rechecks::go_on(Topic& topic) noexcept {
  std::shared_ptr<Topic> kept;
  Verdict verdict{Allowed::yes, 0, 0};
  {
    const Lock lock(mutex_);
    topic.posted = false;
    kept = topic.self;
    if (std::exchange(topic.is_answered, false) && !topic.is_over) verdict = judge(topic);
    if (verdict.closed_with != 0) {
      topics_.erase(topic.key);
      topic.is_over = true;
      for (Member* const member : topic.members) member->close_soon();
    }
    if (topic.is_over) {
      if (topic.armed()) loop_->disarm(topic);
      if (!topic.asking) topic.self.reset();
    } else if (!topic.asking && !topic.armed()) {
      arm(topic);
    }
  }
  if (verdict.answer != Allowed::yes) topic.matter->tell(verdict);
}

// With the lock, on the loop's thread.
Verdict Rechecks::judge(Topic& topic) {
  Verdict verdict{topic.answer, topic.members.size(), 0};
  if (topic.answer == Allowed::yes) topic.unknown_since.reset();
  if (topic.answer == Allowed::no) verdict.closed_with = topic.rule.code;
  if (topic.answer != Allowed::unknown) return verdict;
  const detail::TimePoint now = loop_->now();
  if (!topic.unknown_since) topic.unknown_since = now;
  const auto longest = topic.rule.longest_unknown;
  if (longest.count() != 0 && now - *topic.unknown_since >= longest) verdict.closed_with = topic.rule.code;
  return verdict;
}

// On the loop's thread.
void Rechecks::ask(Topic& topic) noexcept {
  std::shared_ptr<Topic> kept;
  {
    const Lock lock(mutex_);
    if (topic.is_over) return;
    kept = topic.self;
    topic.asking = true;
  }
  ++asking_;
  try {
    questions_.run([this, kept] { answer(*kept); });
  } catch (const std::exception&) {  // no memory, or no thread
    answered(topic, std::nullopt);
  }
}

// On a thread of the pool.
void Rechecks::answer(Topic& topic) noexcept {
  bool is_needed = false;
  {
    const Lock lock(mutex_);
    is_needed = !stopped_ && !topic.is_over;
  }
  std::optional<Allowed> said;
  try {
    if (is_needed) said = topic.matter->ask();
  } catch (...) {
  }
  answered(topic, said);
}

// Where nothing is said it is unknown.
void Rechecks::answered(Topic& topic, std::optional<Allowed> said) noexcept {
  {
    const Lock lock(mutex_);
    topic.answer = said.value_or(Allowed::unknown);
    topic.asking = false;
    topic.is_answered = !stopped_;
    post(topic);
  }
  --asking_;
}

Recheck::~Recheck() { all_.end(*member_); }

void Recheck::begin(Connection& connection) { all_.begin(*member_, connection); }

}  // namespace cppwebsocket::runtime
