#include "runtime/administration/rounds.hpp"

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <new>
#include <utility>

namespace cppwebsocket::runtime {

namespace {

using std::chrono::milliseconds;

// What one round has found so far. It may outlast whoever waits for it.
template <typename Found>
struct Round {
  std::mutex mutex;
  std::condition_variable changed;
  Found found;             // GUARDED_BY(mutex), as the next
  std::size_t silent = 0;  // reactors that have not come to it, or to its end
  bool is_over = false;    // nobody waits
};

// `begin` has a reactor begin, and calls the function that it is given when that is done.
template <typename Found, typename Begin>
void go_round(Runtime& runtime, const std::shared_ptr<Round<Found>>& round, Begin begin, milliseconds time) {
  const std::function<void()> done = [round] {
    std::lock_guard lock(round->mutex);
    --round->silent;
    round->changed.notify_one();
  };
  runtime.for_each_reactor([&](Reactor& reactor) {
    {
      std::lock_guard lock(round->mutex);
      ++round->silent;
    }
    begin(reactor, done);
  });
  std::unique_lock lock(round->mutex);
  round->changed.wait_for(lock, time, [&] { return round->silent == 0; });
  round->is_over = true;
}

// A reactor must not end for want of memory: what it could not tell is left out.
template <typename Look>
void look_at(Session& session, Look look) noexcept {
  try {
    look(session);
  } catch (const std::bad_alloc&) {
  }
}

template <typename Found, typename Look>
void visit_all(Runtime& runtime, const std::shared_ptr<Round<Found>>& round, Look look, milliseconds time) {
  go_round(
      runtime, round,
      [&](Reactor& reactor, const std::function<void()>& done) {
        reactor.for_each_session([look](Session& session) { look_at(session, look); }, done);
      },
      time);
}

// The first `most` by their ids, as a heap whose front is the last of them.
struct First {
  std::uint64_t after;
  std::size_t most;
  std::vector<Sight> sights;
  std::uint64_t count = 0;

  static bool is_before(const Sight& a, const Sight& b) noexcept { return a.id < b.id; }
  bool wants(std::uint64_t id) const noexcept {
    return id > after && most != 0 && (sights.size() < most || id < sights.front().id);
  }
  void take(Sight&& sight) {
    if (!wants(sight.id)) return;
    sights.push_back(std::move(sight));
    std::push_heap(sights.begin(), sights.end(), is_before);
    if (sights.size() <= most) return;
    std::pop_heap(sights.begin(), sights.end(), is_before);
    sights.pop_back();
  }
};

// What a handler's thread counts is to be read when it is not writing.
Sight see(Session& session) {
  if (session.wire().is_own()) return sight_of(session);
  Sight sight;
  session.turn([&] { sight = sight_of(session); });
  return sight;
}

}  // namespace

Listed list_connections(Runtime& runtime, const Selection& selection, std::uint64_t after, std::size_t most,
                        milliseconds time) {
  const auto round = std::make_shared<Round<First>>();
  round->found.after = after;
  round->found.most = most;
  const auto look = [round, selection](Session& session) {
    if (!selection.has(session)) return;
    {
      std::lock_guard lock(round->mutex);
      if (round->is_over) return;
      ++round->found.count;
      if (!round->found.wants(session.record().id)) return;
    }
    Sight sight = see(session);
    std::lock_guard lock(round->mutex);
    if (!round->is_over) round->found.take(std::move(sight));
  };
  visit_all(runtime, round, look, time);
  std::lock_guard lock(round->mutex);
  Listed listed{std::move(round->found.sights), round->found.count, round->silent};
  std::sort(listed.connections.begin(), listed.connections.end(), First::is_before);
  return listed;
}

Closed close_connections(Runtime& runtime, const Selection& selection, const Close& close, milliseconds time) {
  const auto round = std::make_shared<Round<std::uint64_t>>();
  const auto look = [round, selection, close](Session& session) {
    if (!session.ending().is_open() || !selection.has(session)) return;
    {
      std::lock_guard lock(round->mutex);
      if (round->is_over) return;
      ++round->found;
    }
    session.turn([&] { session.ending().close_now(close, Ending::By::server); });
  };
  visit_all(runtime, round, look, time);
  std::lock_guard lock(round->mutex);
  return {round->found, round->silent};
}

std::vector<std::optional<std::chrono::microseconds>> call_reactors(Runtime& runtime, milliseconds time) {
  using Lags = std::vector<std::optional<std::chrono::microseconds>>;
  const auto round = std::make_shared<Round<Lags>>();
  runtime.for_each_reactor([&](Reactor&) { round->found.emplace_back(); });
  std::size_t number = 0;
  go_round(
      runtime, round,
      [&](Reactor& reactor, const std::function<void()>& done) {
        const auto asked = std::chrono::steady_clock::now();
        reactor.post([round, done, asked, place = number++] {
          const auto lag = std::chrono::steady_clock::now() - asked;
          {
            std::lock_guard lock(round->mutex);
            if (!round->is_over) round->found[place] = std::chrono::duration_cast<std::chrono::microseconds>(lag);
          }
          done();
        });
      },
      time);
  std::lock_guard lock(round->mutex);
  return std::move(round->found);
}

}  // namespace cppwebsocket::runtime
