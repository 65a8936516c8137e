// Records to publish, and a sink that notes in words what a reader gives it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "channels/store/reader.hpp"

namespace cppwebsocket::testing {

using Texts = std::vector<std::string>;

inline channels::Record of_kind(channels::RecordKind kind, std::string text) {
  channels::Record record;
  record.kind = kind;
  record.message = Message(std::move(text));
  return record;
}

inline channels::Record message(std::string text, std::uint32_t history = 0,
                                std::uint32_t seconds = 0) {
  channels::Record record = of_kind(channels::RecordKind::message, std::move(text));
  record.bound = {history, seconds};
  return record;
}

inline channels::Record numbered(std::string text, Position position, std::uint64_t origin = 1,
                                 std::uint64_t sequence = 1) {
  channels::Record record = of_kind(channels::RecordKind::numbered, std::move(text));
  record.position = position;
  record.origin = origin;
  record.sequence = sequence;
  record.bound = {100, 0};
  return record;
}

inline channels::Record lost(Position position, std::uint64_t origin = 1,
                             std::uint64_t sequence = 1) {
  channels::Record record = numbered({}, position, origin, sequence);
  record.kind = channels::RecordKind::lost;
  return record;
}

inline channels::Record provisional(std::string text, std::uint64_t origin,
                                    std::uint64_t sequence) {
  channels::Record record = of_kind(channels::RecordKind::provisional, std::move(text));
  record.origin = origin;
  record.sequence = sequence;
  return record;
}

inline Texts texts(const channels::StoredHistory& history) {
  Texts found;
  for (const auto& each : history.records) found.push_back(each.message.payload());
  return found;
}

// "text", "gap 1-3", "control chat text", "lost control".
class Story final : public channels::ChannelReader::Sink {
 public:
  Texts take() { return std::exchange(told_, {}); }

  void received(channels::Follow&, channels::Record&& record) override {
    told_.push_back(std::move(record.message).payload());
    last_ = std::move(record);
  }
  void gap(channels::Follow&, Position from, Position to) override {
    told_.push_back("gap " + std::to_string(from.offset) + "-" + std::to_string(to.offset));
  }
  void control(std::string_view channel, channels::Record&& record) override {
    told_.push_back("control " + std::string(channel) + " " + record.message.payload());
  }
  void lost_control() override { told_.push_back("lost control"); }

  const channels::Record& last() const { return last_; }

 private:
  Texts told_;
  channels::Record last_;
};

}  // namespace cppwebsocket::testing
