// One connection of a test: the client's side is set by the test, the handler's side looked at.
// Part of testing.hpp.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <cppwebsocket/handler_table.hpp>
#include <cppwebsocket/request.hpp>
#include <cppwebsocket/testing/stage.hpp>

namespace cppwebsocket::testing::detail {

using namespace cppwebsocket::detail;
using cppwebsocket::detail::Server;

// What httpd would say, as the test has it.
class Httpd final : public Judge {
 public:
  void say(std::string_view method, std::string_view path, Allowed answer) {
    const std::lock_guard lock(mutex_);
    answers_[{std::string(method), std::string(path)}] = answer;
  }
  Allowed ask(std::string_view method, std::string_view path) override {
    const std::lock_guard lock(mutex_);
    const auto said = answers_.find({std::string(method), std::string(path)});
    return said == answers_.end() ? Allowed::yes : said->second;
  }
  void ask(QuestionOperation& operation) noexcept override {
    operation.answer = ask(operation.method, operation.path);
    operation.complete();
  }

 private:
  std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, Allowed> answers_;
};

class Connection : public Server {
 public:
  Connection(Stage& stage, const HandlerTable& handler, std::string target)
      : stage_(stage), handler_(handler), target_(std::move(target)) {
    const std::size_t question = target_.find('?');
    record.server = this;
    record.handshake = std::make_unique<HandshakeRecord>();
    record.set_text(Text::unparsed_uri, target_);
    record.set_text(Text::resource, std::string_view(target_).substr(0, question));
    if (question != target_.npos)
      record.set_text(Text::query, std::string_view(target_).substr(question + 1));
    record.set_text(Text::remote_address, "192.0.2.1:50000");
    record.set_text(Text::local_address, "192.0.2.2:80");
    record.make_seldom().judge = httpd;
  }
  virtual ~Connection() { remote_->connection = nullptr; }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // --- the handler's functions ---
  virtual void shake_hands() = 0;
  virtual void start() = 0;             // web_socket_transfer_data
  virtual void go_away() = 0;           // web_socket_going_away
  virtual Close choose_close() = 0;     // web_socket_passive_closing_handshake, or what else is answered
  virtual void on_incoming() = 0;       // a message, or the client's Close
  virtual void end(const char* why) = 0;  // every wait raises ConnectionTerminatedException
  virtual std::size_t running_tasks() const = 0;

  // --- the client ---
  void set(Text which, std::string value) {
    record.set_text(which, kept_.emplace_back(std::move(value)));
  }
  void add_header(std::string_view name, std::string_view value) {
    HeaderList::append(headers_, name, value);
    record.set_text(Text::headers, headers_);
  }
  void offer(std::vector<std::string> protocols) {
    for (std::string& each : protocols)
      record.handshake->requested_protocols.push_back(kept_.emplace_back(std::move(each)));
  }
  // Puts the handshake's results where they are once the 101 is sent.
  void open() {
    HandshakeRecord& handshake = *record.handshake;
    answer_headers = std::move(handshake.response_headers);
    extensions_enabled = handshake.extensions_enabled;
    in_fragments_ = handshake.largest_in_fragments.has_value();
    if (handshake.protocol_chosen) record.set_text(Text::protocol, handshake.protocol);
    own_texts();
    record.handshake.reset();
    record.state = ReadyState::open;
  }
  void closes(Close close) {
    record.make_seldom().close_reason = close.reason();
    record.close_code = close.code().value_or(close_code::no_status_received);
    record.client_terminated = true;
    record.state = ReadyState::closing;
    peer_closed = true;
  }
  void lose(CloseCode code) {
    if (is_over()) return;
    record.close_code = code;
    finish();
    end("the connection has ended");
  }

  // --- for the requests ---
  bool is_over() const noexcept { return record.state == ReadyState::closed; }
  void finish() { record.state = ReadyState::closed; }

  void require_open() const {
    if (record.handshake) throw BadOperationException("not during the handshake");
    if (closed_by_handler_ && !main_has_returned)
      throw BadOperationException("the handler has closed the connection");
    if (has_received_end && !main_has_returned)
      throw BadOperationException("the end was received already");
    if (is_over() || main_has_returned)
      throw ConnectionTerminatedException("the connection has ended");
  }
  void send(Message message, bool is_last) {
    require_open();
    if (fragment_ && fragment_->type() != message.type())
      throw BadOperationException("a message is of one type");
    if (fragment_) message = Message(message.type(), fragment_->payload() + message.payload());
    fragment_.reset();
    if (is_last)
      accept(std::move(message));
    else
      fragment_ = std::move(message);
  }
  void accept(Message message) { sent.push_back(std::move(message)); }
  void send_ping(std::string_view body) {
    require_open();
    if (body.size() > 125) throw BadOperationException("a ping has at most 125 bytes");
    pings.emplace_back(body);
  }
  void close(Close close) {
    require_open();
    if ((close.code() && !close_code::may_be_sent(*close.code())) ||
        close.reason().size() > max_close_reason)
      throw BadOperationException("this close code or reason may not be sent");
    closed_with = std::move(close);
    closed_by_handler_ = true;
    record.server_terminated = true;
    if (!record.close_code) record.close_code = closed_with->code().value_or(1005);
    finish();
  }
  // Kept for the test to look at: a test's time is not the clock's.
  void close_at(std::chrono::system_clock::time_point when, Close close) {
    if ((close.code() && !close_code::may_be_sent(*close.code())) ||
        close.reason().size() > max_close_reason)
      throw BadOperationException("this close code or reason may not be sent");
    closes_at = when;
  }
  // The client has closed, and the handler comes to it.
  std::nullopt_t receive_close() {
    if (!closed_with) closed_with = choose_close();
    record.server_terminated = true;
    has_received_end = true;
    finish();
    return std::nullopt;
  }
  // Fragments are kept apart for handlers that receive in fragments, and what receives whole gets them joined.
  void comes(Message message, bool end) {
    MessageAccess::set_continues(message, !end);
    if (!in_fragments_ && !incoming.empty() && MessageAccess::continues(incoming.back()))
      join(incoming.back(), message);
    else
      incoming.push_back(std::move(message));
  }
  bool has_message(bool in_fragments) const noexcept {
    in_fragments = in_fragments && in_fragments_;
    return std::any_of(incoming.begin(), incoming.end(), [in_fragments](const Message& each) {
      return in_fragments || !MessageAccess::continues(each);
    });
  }
  bool has_incoming(bool in_fragments) const noexcept {
    return has_message(in_fragments) || peer_closed;
  }
  std::optional<Message> take_incoming(bool in_fragments) {
    if (!has_message(in_fragments)) return std::nullopt;
    Message message = std::move(incoming.front());
    incoming.pop_front();
    while (!in_fragments && MessageAccess::continues(message)) {
      join(message, incoming.front());
      incoming.pop_front();
    }
    return message;
  }
  // What the end of web_socket_transfer_data, or an exception from what it has spawned, does to the
  // connection: exceptions.hpp.
  void ends(std::exception_ptr error, bool is_main) {
    if (is_main) main_has_returned = true;
    if (!is_main && (!error || is_over() || is_end(error))) return;
    if (!main_error) main_error = error;
    if (!is_over()) closed_with = error ? close_of(error) : Close(close_code::normal);
    finish();
    end(is_main ? "web_socket_transfer_data has returned" : "a spawned task has failed");
  }
  Sender sender() { return Sender(remote_); }

  const std::shared_ptr<Httpd> httpd = std::make_shared<Httpd>();
  RequestRecord record;
  std::deque<Message> incoming;
  bool peer_closed = false;
  std::vector<Message> sent;
  std::vector<std::string> pings;
  std::optional<Close> closed_with;
  std::optional<std::chrono::system_clock::time_point> closes_at;
  std::vector<std::string> logged;
  std::vector<std::pair<std::string, std::string>> answer_headers;
  bool extensions_enabled = true;
  bool has_started = false, has_received_end = false, main_has_returned = false;
  std::exception_ptr main_error;

 protected:
  Stage& stage_;
  const HandlerTable& handler_;

  Close passive_close(const std::optional<Close>& chosen) const {
    if (chosen) return *chosen;
    const CloseCode code = record.close_code;
    return code == close_code::no_status_received ? Close() : Close(code);
  }

 private:
  static void join(Message& begun, const Message& more) {
    if (begun.type() != more.type()) throw Failure("a message is of one type");
    const bool continues = MessageAccess::continues(more);
    begun = Message(begun.type(), begun.payload() + more.payload());
    MessageAccess::set_continues(begun, continues);
  }

  struct Remote final : RemoteSession {
    explicit Remote(Connection& of) : connection(&of) {}
    SendResult send(Message message) override {
      if (!is_open()) return SendResult::closed;
      const auto held = connection->stage_.lock();
      connection->accept(std::move(message));
      return SendResult::accepted;
    }
    void close(Close close) override {
      if (!is_open()) return;
      const auto held = connection->stage_.lock();
      connection->close(std::move(close));
      connection->end("the connection was closed");
    }
    std::size_t buffered_amount() const noexcept override { return 0; }
    bool is_open() const noexcept override {
      return connection && connection->record.state == ReadyState::open;
    }
    Connection* connection;
  };

  // What a wait raises when the connection, or the thread, is to end: nobody's fault.
  static bool is_end(const std::exception_ptr& error) {
    try {
      std::rethrow_exception(error);
    } catch (const InvalidFrameException&) {
      return false;
    } catch (const ConnectionTerminatedException&) {
      return true;
    } catch (...) {
      return false;
    }
  }
  static std::optional<Close> close_of(const std::exception_ptr& error) {
    try {
      std::rethrow_exception(error);
    } catch (const InvalidFrameException&) {
      return Close(close_code::protocol_error);
    } catch (const ConnectionTerminatedException&) {
      return std::nullopt;
    } catch (const AbortedByUserException&) {
      return std::nullopt;
    } catch (const UnsupportedFrameException&) {
      return Close(close_code::unsupported_data);
    } catch (const InvalidUTF8Exception&) {
      return Close(close_code::invalid_payload);
    } catch (...) {
      return Close(close_code::internal_error);
    }
  }
  void own_texts() {
    using Place = TextBlock::Large;
    std::string block(TextBlock::header_size<Place>, '\0');
    block[0] = sizeof(Place);
    for (std::size_t i = 0; i < text_count; ++i) {
      const std::string_view text = record.handshake->texts[i];
      if (!text.data()) continue;
      const Place place{static_cast<std::uint32_t>(block.size()), static_cast<std::uint32_t>(text.size())};
      std::memcpy(&block[1 + i * sizeof place], &place, sizeof place);
      block += text;
    }
    auto bytes = std::make_unique<char[]>(block.size());
    std::memcpy(bytes.get(), block.data(), block.size());
    record.texts = TextBlock(std::move(bytes));
  }

  void log(const RequestRecord&, LogLevel, std::string_view text) override {
    const auto held = stage_.lock();
    logged.emplace_back(text);
  }
  bool logs(LogLevel) const noexcept override { return true; }
  std::optional<std::string_view> variable(RequestRecord&, std::string_view) override {
    return std::nullopt;
  }

  const std::string target_;
  std::deque<std::string> kept_;  // what the handshake's views refer to
  std::string headers_;
  std::optional<Message> fragment_;
  bool closed_by_handler_ = false;
  bool in_fragments_ = false;
  std::shared_ptr<Remote> remote_ = std::make_shared<Remote>(*this);
};

}  // namespace cppwebsocket::testing::detail
