// The directory of a child: tells the others of its own members, listens to what they tell, and
// counts over all of them. A new child asks who is there; all announce theirs again every half
// minute, because a control record may be lost; and once a second it is looked whether a child has
// died.
// Thread: any. The lock is held while records are sent, so that a member's `left` never comes
// before an announcement that still has it; the store and the uplink take their own locks below it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "channels/members/hub.hpp"
#include "channels/presence/presence.hpp"
#include "runtime/session/event_loop.hpp"

namespace cppwebsocket::channels {

class PresenceDirectory final : public Directory, private detail::TimerNode {
 public:
  // `loop` is the hub's first one; it and the hub outlive what is posted to it.
  PresenceDirectory(Hub& hub, runtime::EventLoop& loop);

  // Asks the other children who is there: at the beginning, and when something was not heard.
  void ask();

  void came(std::string_view channel, const Member& member) override;
  void went(std::string_view channel, std::string_view id) override;
  void control(std::string_view channel, const Record& record, bool far) override;
  void lost_control() override { ask(); }
  std::vector<Member> present(std::string_view channel) override;
  std::size_t members(std::string_view channel, std::size_t here) override;

 private:
  using Own = std::map<std::string, std::map<std::string, std::string, std::less<>>, std::less<>>;

  struct Watch final : runtime::Posted {
    explicit Watch(PresenceDirectory& of) noexcept : directory(of) {}
    void run() noexcept override { directory.look_later(); }
    PresenceDirectory& directory;
  };

  struct Question {
    std::size_t sum;
    std::size_t others;                // children to be heard
    std::set<std::uint64_t> answered;  // origins
  };

  void send(std::string_view channel, const PresenceNote& note, bool far = true);
  void announce(const Own::value_type& channel);
  void tell(const Presence::Changes& changes);
  void answer(const std::string& channel, const PresenceNote& note, std::uint64_t origin);
  void watch();
  void look_around() noexcept;
  void look_later() noexcept;
  bool look_after_members();

  Hub& hub_;
  runtime::EventLoop& loop_;
  detail::TimePoint announced_{};  // on the loop, as its timer
  Watch watch_{*this};             // posted by who sets watching_
  std::mutex mutex_;
  Presence presence_;                          // GUARDED_BY(mutex_), as all below
  Own own_;                                    // by channel and Member::id; no channel is empty
  std::set<std::string, std::less<>> to_ask_;  // channels whose far members are not known yet
  bool watching_ = false;                      // the timer runs, or will soon
  std::uint64_t last_question_ = 0;
  std::map<std::uint64_t, Question> questions_;
  std::condition_variable answered_;
};

}  // namespace cppwebsocket::channels
