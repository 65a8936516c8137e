// cppwebsocket_nats.so: channels over NATS. The reach only: core NATS keeps nothing, so there is no
// history over machines.
// Thread: as Backplane says. Destroyed once the reactor's thread has ended.
#pragma once

#include <chrono>
#include <memory>
#include <string_view>

#include "channels/backplane/backplane.hpp"
#include "channels/backplane/nats/link.hpp"
#include "runtime/session/event_loop.hpp"

namespace cppwebsocket::channels {

class NatsBackplane final : public Backplane, private detail::TimerNode {
 public:
  NatsBackplane(runtime::EventLoop& loop, std::shared_ptr<NatsLink> link)
      : loop_(loop), link_(std::move(link)) {
    fire = [](TimerNode& node) { static_cast<NatsBackplane&>(node).check(); };
  }
  ~NatsBackplane() override { link_->end(); }

  bool keeps_history() const noexcept override { return false; }
  void start(Listener& listener) override {
    link_->start(listener);
    loop_.post([this] { loop_.arm(*this, loop_.now() + round); });
  }
  void subscribe(std::string_view channel) override { link_->subscribe(channel); }
  void unsubscribe(std::string_view channel) override { link_->unsubscribe(channel); }
  bool publish(std::string_view channel, const Record& record) override {
    return link_->publish(channel, record);
  }
  void append(std::string_view, const Record&) override {}
  void read(std::string_view, std::optional<Position>, std::size_t, ReadDone done) override {
    done({});
  }

 private:
  static constexpr std::chrono::seconds round{5};

  void check() {
    link_->check();
    loop_.arm(*this, loop_.now() + round);
  }

  runtime::EventLoop& loop_;
  const std::shared_ptr<NatsLink> link_;
};

}  // namespace cppwebsocket::channels
