// A BackplaneUplink on an engine that does what the test says.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "channels/backplane/uplink.hpp"
#include "channels/store/memory.hpp"
#include "channels/store/reader.hpp"

namespace cppwebsocket::channels {

// An engine that keeps what it is given, and tells what the test says.
class FakeEngine final : public Backplane {
 public:
  struct Read {
    std::string channel;
    std::optional<Position> after;
    std::size_t most;
    ReadDone done;
  };

  bool keeps_history() const noexcept override { return has_history; }
  void start(Listener& to) override { listener = &to; }
  void subscribe(std::string_view channel) override { subscribed.emplace_back(channel); }
  void unsubscribe(std::string_view channel) override { std::erase(subscribed, channel); }
  bool publish(std::string_view channel, const Record& record) override {
    published.push_back(record);
    published_in.emplace_back(channel);
    return takes;
  }
  void append(std::string_view, const Record& record) override { appended.push_back(record); }
  void read(std::string_view channel, std::optional<Position> after, std::size_t most,
            ReadDone done) override {
    reads.push_back({std::string(channel), after, most, std::move(done)});
  }

  bool has_history = true;
  bool takes = true;
  std::vector<std::string> published_in;
  Listener* listener = nullptr;
  std::vector<std::string> subscribed;
  std::vector<Record> published, appended;
  std::deque<Read> reads;
};

inline constexpr std::uint64_t epoch = engine_epoch | 0x5f3a;
inline constexpr std::uint64_t far = 0xfa7;  // an origin on another machine
inline constexpr HistoryBound kept{100, 0};

class BackplaneUplinkTest : public testing::Test, private ChannelReader::Sink {
 protected:
  void set_up(bool has_history = true, UplinkLimits limits = {}) {
    auto made = std::make_unique<FakeEngine>();
    engine = made.get();
    engine->has_history = has_history;
    uplink = std::make_unique<BackplaneUplink>(
        store, std::move(made),
        [this](std::string_view channel, const Record& record) {
          controls.push_back(std::string(channel) + ": " + record.message.payload());
        },
        [this](Severity, const std::string& line) { log.push_back(line); }, limits);
    reader.follow("chat", nullptr);
  }

  // Up, "chat" in use, and empty in the engine.
  void set_up_current(UplinkLimits limits = {}) {
    set_up(true, limits);
    listener().link_up();
    uplink->in_use("chat", true);
    listener().subscribed("chat");
    answer({});
  }

  Backplane::Listener& listener() { return *engine->listener; }

  PublishResult publish(const char* text, HistoryBound bound = kept, std::string_view user = {}) {
    return uplink->publish("chat", bound, Message(text), user);
  }

  static Record numbered(std::uint64_t offset, const char* text, std::uint64_t origin = far,
                         std::uint64_t sequence = 0, std::uint64_t of_epoch = epoch) {
    Record record{};
    record.kind = RecordKind::numbered;
    record.message = Message(text);
    record.position = {of_epoch, offset};
    record.origin = origin;
    record.sequence = sequence ? sequence : offset;
    record.bound = kept;
    return record;
  }

  void arrive(Record record) { listener().received("chat", std::move(record)); }

  // The engine numbers what it was given first, and tells everybody.
  void number(std::uint64_t offset) {
    Record record = engine->appended.front();
    engine->appended.erase(engine->appended.begin());
    record.position = {epoch, offset};
    arrive(std::move(record));
    listener().appended(Position{epoch, offset});
  }

  // The engine has numbered what it was given first, and what it tells everybody is on its way.
  void answer_append(std::uint64_t offset) {
    engine->appended.erase(engine->appended.begin());
    listener().appended(Position{epoch, offset});
  }

  // Answers the oldest read.
  void answer(StoredHistory&& found) {
    ASSERT_FALSE(engine->reads.empty());
    auto read = std::move(engine->reads.front());
    engine->reads.pop_front();
    read.done(std::move(found));
  }

  // What the members of this machine have got so far.
  std::string delivered() {
    while (reader.read(*this, 100)) {
    }
    return text;
  }

  std::unique_ptr<ChannelMemory> memory = ChannelMemory::create(4 << 20, 2);
  ChannelStore store{*memory};
  ChannelReader reader{store, 0};
  FakeEngine* engine = nullptr;
  std::unique_ptr<BackplaneUplink> uplink;
  std::vector<std::string> controls, log;
  std::string text;

 private:
  void received(Follow&, Record&& record) override { text += record.message.payload() + " "; }
  void gap(Follow&, Position, Position) override { text += "GAP "; }
  void control(std::string_view, Record&&) override {}
};

}  // namespace cppwebsocket::channels
