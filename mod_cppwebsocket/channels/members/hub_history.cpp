// What a channel has had: of this machine from the store, and of all machines from the backplane's engine.
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <utility>

#include "channels/members/hub.hpp"
#include "channels/members/shared_batch.hpp"

namespace cppwebsocket::channels {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds answer_time{1};

History history_of(StoredHistory&& stored) {
  History history{{}, stored.newest, stored.complete};
  for (Record& record : stored.records)
    if (!has_expired(record)) history.publications.push_back(publication_of(std::move(record)));
  return history;
}

// Nothing: the link is down, or there was no answer in time. An answer that is not to come breaks its promise.
std::optional<StoredHistory> ask(Uplink& uplink, std::string_view channel,
                                 std::optional<Position> after, std::size_t most,
                                 Clock::time_point until) {
  auto answer = std::make_shared<std::promise<StoredHistory>>();
  auto found = answer->get_future();
  const bool asks = uplink.read(channel, after, most, [answer = std::move(answer)](StoredHistory&& history) {
    answer->set_value(std::move(history));
  });
  if (!asks || found.wait_until(until) != std::future_status::ready) return std::nullopt;
  try {
    return found.get();
  } catch (const std::future_error&) {
    return std::nullopt;
  }
}

// The engine gives a piece at a time. Nothing as above; epoch 0: it does not know the channel.
std::optional<StoredHistory> ask_for_all(Uplink& uplink, std::string_view channel,
                                         std::optional<Position> after, std::size_t most) {
  const auto until = Clock::now() + answer_time;
  auto all = ask(uplink, channel, after, most, until);
  if (!all) return std::nullopt;
  std::uint64_t last = all->looked_to;
  while (last != 0 && last < all->newest.offset && all->records.size() < most) {
    auto more = ask(uplink, channel, Position{all->newest.epoch, last}, most - all->records.size(), until);
    if (!more) return std::nullopt;
    all->complete &= more->complete;
    if (more->newest.epoch != all->newest.epoch || more->looked_to <= last) break;
    last = more->looked_to;
    for (Record& each : more->records) all->records.push_back(std::move(each));
  }
  const auto are_lost = [](const Record& each) { return each.kind == RecordKind::lost; };
  if (std::erase_if(all->records, are_lost) != 0) all->complete = false;
  return all;
}

// The newest before `before` are the first behind a place so many before it.
std::optional<StoredHistory> ask_before(Uplink& uplink, std::string_view channel,
                                        const Position& before, std::size_t most) {
  const std::uint64_t from = before.offset - 1 > most ? before.offset - 1 - most : 0;
  const std::size_t count = static_cast<std::size_t>(before.offset - 1 - from);
  auto page = ask_for_all(uplink, channel, Position{before.epoch, from}, count);
  if (!page) return std::nullopt;
  std::erase_if(page->records, [&](const Record& each) { return each.position.offset >= before.offset; });
  page->complete &= page->records.size() == count;
  return page;
}

}  // namespace

// Where the engine is not asked, only a channel whose messages all come here is known.
bool Hub::knows_all_here(std::string_view channel) {
  return !uplink_ || !uplink_->gives_numbers() || uplink_->knows_all(channel);
}

bool Hub::asks_engine(std::size_t most) const noexcept {
  return most != 0 && uplink_ && uplink_->gives_numbers() && may_wait_here();
}

History Hub::history(std::string_view channel, std::optional<Position> after, std::size_t most) {
  const bool asks = asks_engine(most);
  auto everywhere = asks ? ask_for_all(*uplink_, channel, after, most) : std::nullopt;
  if (everywhere && everywhere->newest.epoch != 0) return history_of(std::move(*everywhere));
  History here = history_of(after ? store_.page_after(channel, *after, most)
                                  : store_.history(channel, std::nullopt, most));
  here.complete &= everywhere || knows_all_here(channel);
  return here;
}

History Hub::history_before(std::string_view channel, const Position& before, std::size_t most) {
  const bool asks = before.offset > 1 && asks_engine(most);
  auto everywhere = asks ? ask_before(*uplink_, channel, before, most) : std::nullopt;
  if (everywhere && everywhere->newest.epoch != 0) return history_of(std::move(*everywhere));
  History here = history_of(store_.page_before(channel, before, most));
  here.complete &= everywhere || before.offset <= 1 || knows_all_here(channel);
  return here;
}

}  // namespace cppwebsocket::channels
