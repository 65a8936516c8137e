// Sessions on a FakeLoop, with channels: all of one child, and if wanted a second child's beside it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <cppwebsocket/blocking_membership.hpp>
#include <cppwebsocket/membership.hpp>

#include "channels/members/hub.hpp"
#include "channels/store/memory.hpp"
#include "channels/store/store.hpp"
#include "runtime/loop/loop_source.hpp"
#include "runtime/support/session_fixture.hpp"

namespace cppwebsocket::testing {

class ChannelFixture : public SessionFixture {
 protected:
  explicit ChannelFixture(std::size_t bytes = 1 << 20)
      : memory_(channels::ChannelMemory::create(bytes, 4)) {
    detail::channel_service = &hub_;
  }
  ~ChannelFixture() { detail::channel_service = nullptr; }

  // Lets the loop and the channels work until all is quiet.
  void settle() {
    do {
      loop_.run();
      source_->run();
      loop_.run();
    } while (!source_->prepare_to_wait());
    source_->waited();
  }

  // What happens while its handshake is answered, once it has its place in "chat".
  Script with_place(std::function<void()> meanwhile) {
    return {.handshake = [meanwhile](Request& request) {
      Channel::named("chat").reserve(request);
      meanwhile();
    }};
  }

  // Pushes all that child has published out of its ring.
  static void flood(channels::ChannelStore& store, std::uint32_t history = 0) {
    channels::Record record{};
    record.message = Message(std::string(store.largest_payload(), 'x'));
    record.bound = {history, 0};
    for (int i = 0; i < 6; ++i) store.publish("flood", record);
  }

  // A connection that has joined, and does nothing else until the client goes.
  Connection& member(std::string channel, JoinOptions options = {}, Script script = {}) {
    script.transfer = [channel, options](Request& request) { return stay(request, channel, options); };
    return open(std::move(script));
  }

  PublishResult publish(std::string_view channel, Message message, ChannelOptions options = {}) {
    const PublishResult result =
        Channel::named(std::string(channel), options).publish(std::move(message));
    settle();
    return result;
  }

  static Task<> stay(Request& request, std::string channel, JoinOptions options) {
    auto room = Channel::named(channel).join(request, options);
    while (auto message = co_await msgutil::receive_message(request)) {
    }
  }

  std::unique_ptr<channels::ChannelMemory> memory_;
  channels::ChannelStore store_{*memory_};
  channels::Hub hub_{store_};
  std::shared_ptr<runtime::LoopSource> source_ = hub_.serve(loop_);
};

// A second child on the same memory, which publishes but has no members.
struct OtherChild {
  explicit OtherChild(channels::ChannelMemory& memory) : store(memory), hub(store) {}
  channels::ChannelStore store;
  channels::Hub hub;
};

}  // namespace cppwebsocket::testing
