#include "protocol/frames/protocol.hpp"

#include <utility>

namespace cppwebsocket::protocol {

const Close& Protocol::peer_close() const noexcept {
  static const Close none;
  return seldom_ ? seldom_->peer_close : none;
}

const Failure& Protocol::failure() const noexcept {
  static constexpr Failure none;
  return seldom_ ? seldom_->failure : none;
}

Protocol::Seldom& Protocol::seldom() {
  if (!seldom_) seldom_ = std::make_unique<Seldom>();
  return *seldom_;
}

Event Protocol::closed_by_peer(Close&& close) {
  seldom().peer_close = std::move(close);
  return Event::close;
}

Event Protocol::failed(CloseCode code, std::string_view literal) {
  seldom().failure = {code, literal};
  return Event::failure;
}

}  // namespace cppwebsocket::protocol
