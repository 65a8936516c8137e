// What a handler's connection looks like to a test: the client's side is set beforehand, the
// handler's side is looked at afterwards. No socket, no httpd.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <cppwebsocket/request.hpp>

#include "runtime/session/request_text.hpp"

namespace cppwebsocket::testing {

class FakeConnection : private detail::Server {
 public:
  // `target` is a path, and a query behind '?'; it must stay valid, as all views here.
  explicit FakeConnection(std::string_view target) {
    const std::size_t question = target.find('?');
    record.server = this;
    record.handshake = std::make_unique<detail::HandshakeRecord>();
    record.set_text(detail::Text::unparsed_uri, target);
    record.set_text(detail::Text::resource, target.substr(0, question));
    if (question != target.npos) record.set_text(detail::Text::query, target.substr(question + 1));
  }

  // --- the client ---
  void offers_protocols(std::vector<std::string_view> protocols) {
    record.handshake->requested_protocols = std::move(protocols);
  }
  void sends_header(std::string_view name, std::string_view value) {
    HeaderList::append(headers_, name, value);
    record.set_text(detail::Text::headers, headers_);
  }
  void comes_from(std::string_view origin) {
    record.set_text(detail::Text::origin, origin);
  }
  void sends(Message message) { incoming.push_back(std::move(message)); }
  void closes(CloseCode code, std::string reason = {}) {
    record.make_seldom().close_reason = std::move(reason);
    record.close_code = code;
    peer_closed = true;
  }

  // --- the handler ---
  const std::vector<Message>& sent() const { return sent_; }
  const std::optional<Close>& closed_with() const { return closed_with_; }
  const std::vector<std::string>& logged() const { return logged_; }
  const std::vector<std::pair<std::string, std::string>>& answer_headers() const {
    return answer_headers_;
  }
  bool extensions_enabled() const { return extensions_enabled_; }

  // --- for the fake requests ---
  // Puts the handshake's results where they are once the 101 is sent.
  void open() {
    detail::HandshakeRecord& handshake = *record.handshake;
    answer_headers_ = std::move(handshake.response_headers);
    extensions_enabled_ = handshake.extensions_enabled;
    if (handshake.protocol_chosen) record.set_text(detail::Text::protocol, handshake.protocol);
    runtime::own_text(record);
    record.handshake.reset();
    record.state = ReadyState::open;
  }
  void accept(Message message) { sent_.push_back(std::move(message)); }
  void accept(Close close) {
    if (close.code() && !close_code::may_be_sent(*close.code()))
      throw BadOperationException("this close code may not be sent");
    closed_with_ = std::move(close);
  }
  std::optional<Message> take_incoming() {
    if (incoming.empty()) return std::nullopt;
    Message message = std::move(incoming.front());
    incoming.pop_front();
    return message;
  }

  detail::RequestRecord record;
  std::deque<Message> incoming;
  bool peer_closed = false;

 private:
  void log(const detail::RequestRecord&, LogLevel, std::string_view text) override {
    logged_.emplace_back(text);
  }
  bool logs(LogLevel) const noexcept override { return true; }
  std::optional<std::string_view> variable(detail::RequestRecord&, std::string_view) override {
    return std::nullopt;
  }

  std::string headers_;
  std::vector<Message> sent_;
  std::optional<Close> closed_with_;
  std::vector<std::string> logged_;
  std::vector<std::pair<std::string, std::string>> answer_headers_;
  bool extensions_enabled_ = true;
};

}  // namespace cppwebsocket::testing
