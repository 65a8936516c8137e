// What goes where when there are other machines:
//
//   without history  published into this httpd's shared memory, and to the others by the backplane
//   with history     given to the backplane, which numbers it for all; everybody, the publisher's
//                    own child included, takes it from there, so all see one order
//   the link is down published here as provisional and kept in a queue; once the link is up the
//                    queue goes first, gets its numbers, and is not delivered here again; where
//                    it was full, a `lost` record goes in place of what it had no room for
//
// A backplane without history gives the reach only: nobody can resume over machines, and nobody is
// told that he could.
// Thread: any, several at once; Backplane::Listener as there.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "channels/backplane/backplane.hpp"
#include "channels/members/hub.hpp"

namespace cppwebsocket::channels {

struct UplinkLimits {
  std::size_t queued_bytes = 16 << 20;  // that wait for the link, or for its answer
  std::size_t answered_bytes = 1 << 20; // of records that have a number and have not come yet
  std::size_t in_flight = 512;          // records without an answer
  std::size_t read_at_once = 1'000;     // records, that go into the store
  std::size_t recovered_at_once = 32;   // records, that a member holds
  std::size_t held = 4'096;             // records of one channel that wait for earlier ones
  std::size_t owed = 16'384;            // channels whose others are to be told that they missed something
};

class BackplaneUplink final : public Uplink, private Backplane::Listener {
 public:
  // Told of control records from other machines. Thread: the engine's.
  using Control = std::function<void(std::string_view channel, const Record& record)>;

  // Starts the backplane. The store outlives the uplink.
  BackplaneUplink(ChannelStore& store, std::unique_ptr<Backplane> backplane, Control control,
                  std::function<void(Severity, const std::string&)> log, UplinkLimits limits = {});
  ~BackplaneUplink();

  const UplinkCounters& counters() const noexcept { return counters_; }

  bool gives_numbers() const noexcept override { return backplane_->keeps_history(); }
  PublishResult publish(std::string_view channel, HistoryBound bound, Message&& message,
                        std::string_view remarks) override;
  void in_use(std::string_view channel, bool used) override;
  bool recover(std::string_view channel, std::optional<Position> after,
               std::function<void(StoredHistory&&)> done) override;
  bool when_current(std::string_view channel, std::function<void()> done) override;
  bool read(std::string_view channel, std::optional<Position> after, std::size_t most,
            std::function<void(StoredHistory&&)> done) override;
  bool knows_all(std::string_view channel) override;
  void control(std::string_view channel, const Message& message) override;

 private:
  struct Queued {
    std::string channel;
    Record record;
    bool provisional;  // it was delivered here
    unsigned breaks = 0;  // of the link, when it was the first that was not answered
    std::int64_t since_ms = 0;  // when it was answered

    std::size_t size() const noexcept {
      return record.message.size() + channel.size() + sizeof(Queued);
    }
  };

  static std::int64_t steady_ms() noexcept;  // for what is measured here only

  using Done = std::function<void(StoredHistory&&)>;

  // A channel that is in use here. Until it is current, what comes is held back: earlier records
  // are on their way.
  struct Channel {
    bool current = false;
    std::deque<Record> held;
    bool held_too_many = false;
    bool cut_off = false;       // may have missed what has no number
    bool unread = false;        // what came before it is current may not be read
    std::int64_t whole_ms = 0;  // since when it gets all
    std::vector<std::function<void()>> waiting;  // for it to be current
  };

  // uplink.cpp: what goes out
  PublishResult publish_here(std::string_view channel, Record&& record);
  void enqueue(std::string_view channel, Record&& record, bool provisional);
  void lose(Queued&& queued);
  void push(Queued&& queued);
  void pump();
  void owe(std::string_view channel);
  void send_owed();
  void not_sent(std::string_view channel, RecordKind kind) override;
  void works() override;

  // answers.cpp: what becomes of it
  void link_up() override;
  void link_down() override;
  void appended(std::optional<Position> at) override;
  void hold_appends() override;
  void take_appends() override;
  void refuse_first();
  void make_lost(Queued& queued);
  void give_up_what_breaks_links();
  void deliver_early(Queued& queued);
  void deliver_answered();
  void deliver_queued();
  bool has_come(const Queued& answered) const;
  void forget_seen();

  // catch_up.cpp: what comes in
  void subscribed(std::string_view channel) override;
  void received(std::string_view channel, Record&& record) override;
  bool fits(std::string_view channel, const Record& record) const;
  void tell_missed(const std::string& channel);
  void read_missing(const std::string& channel, std::optional<Position> after);
  void found_missing(const std::string& channel, std::optional<Position> after,
                     std::uint64_t link, StoredHistory&& found);
  bool take_held(Channel& here, const std::string& channel, std::uint64_t epoch);
  void recover_current(const std::string& channel, std::optional<Position> after,
                       const Done& done);

  ChannelStore& store_;
  const Control control_;
  const std::function<void(Severity, const std::string&)> log_;
  const UplinkLimits limits_;
  UplinkCounters& counters_;  // in the store's memory

  std::mutex mutex_;
  bool up_ = false;                     // GUARDED_BY(mutex_), as all to overflow_logged_
  bool takes_ = false;                  // appends
  std::size_t window_;                  // records in flight now: one, where the last was refused
  std::uint64_t sequence_ = 0;
  std::deque<Queued> queue_;            // the first in_flight_ are with the backplane
  std::size_t in_flight_ = 0;
  std::size_t queued_bytes_ = 0;
  std::deque<Queued> answered_;  // and perhaps not yet come: another connection brings them
  std::size_t answered_bytes_ = 0;
  std::set<std::string> losing_;  // channels whose newest in the queue is `lost`, and not in flight
  std::unordered_map<std::string, std::int64_t> owed_;  // channel → ms when something was not sent last
  std::uint64_t overflowed_ = 0;        // since it was logged
  bool overflow_logged_ = false;        // since there was room again

  std::mutex channels_mutex_;
  std::unordered_map<std::string, Channel> channels_;  // GUARDED_BY(channels_mutex_), as the next
  std::uint64_t links_ = 0;                            // how many there have been
  bool has_link_ = false;
  std::set<std::string> numbering_;  // channels that had something to be numbered when the link came up

  const std::unique_ptr<Backplane> backplane_;
};

}  // namespace cppwebsocket::channels
