// A backplane of which the test says what it does.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "channels/members/hub.hpp"

namespace cppwebsocket::testing {

struct FakeUplink final : channels::Uplink {
  explicit FakeUplink(channels::ChannelStore& store) : store(store) {
    store.child_counters().up = 1;
  }

  bool gives_numbers() const noexcept override { return true; }
  PublishResult publish(std::string_view channel, channels::HistoryBound bound,
                        Message&& message, std::string_view remarks) override {
    channels::Record record{};
    record.remarks = remarks;
    record.message = std::move(message);
    record.bound = bound;
    return {PublishStatus::accepted, store.publish(channel, record).position};
  }
  void in_use(std::string_view channel, bool used) override {
    uses.push_back(std::string(channel) + (used ? " used" : " unused"));
  }
  bool recover(std::string_view, std::optional<Position> after,
               std::function<void(channels::StoredHistory&&)> found) override {
    asked = after;
    done = std::move(found);
    return true;
  }
  bool when_current(std::string_view, std::function<void()> done) override {
    if (is_current) return false;
    becoming_current(std::move(done));
    return true;
  }
  bool read(std::string_view, std::optional<Position>, std::size_t,
            std::function<void(channels::StoredHistory&&)>) override {
    return false;
  }
  bool knows_all(std::string_view) override { return is_current; }
  void control(std::string_view, const Message&) override {}

  channels::ChannelStore& store;
  bool is_current = true;  // has all from other machines
  std::function<void(std::function<void()>)> becoming_current;
  std::vector<std::string> uses;
  std::optional<Position> asked;
  std::function<void(channels::StoredHistory&&)> done;
};

}  // namespace cppwebsocket::testing
