// Server and Client: what a test has to do with. Part of testing.hpp.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <dlfcn.h>

#include <cppwebsocket/testing/channels.hpp>

namespace cppwebsocket::testing {

// Has one handler, a clock and channels. Outlives its clients, and exceptions that the handler has raised.
class Server {
 public:
  // Opens NAME_wsh.so as a server does. Raises Failure with the reason if it cannot.
  explicit Server(const std::string& file) : object_(::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (!object_) throw Failure(::dlerror());
    const auto* const symbol = static_cast<const HandlerSymbol*>(::dlsym(object_.get(), handler_symbol));
    if (!symbol) throw Failure(file + " exports no handler");
    use((*symbol)());
  }
  // One that is linked into the test: `extern "C" const HandlerSymbol cppwebsocket_handler;`
  explicit Server(HandlerSymbol handler) { use(handler()); }
  ~Server() {
    *handler_->channels = nullptr;
    if (handler_->before_unload && *handler_->before_unload) (*handler_->before_unload)();
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  const HandlerTable& handler() const noexcept { return *handler_; }

  // Lets time go by, for all clients; what falls due on the way happens at its time.
  void advance(std::chrono::nanoseconds duration) { stage_.advance(duration); }

  // Waits, on the clock on the wall, for what comes from outside of the test, such as an operation of Asio:
  // until `test` holds. Raises Failure if it does not within 30 s.
  void wait_until(const std::function<bool()>& test) { stage_.wait_until(test); }

  // Publishes as another connection would.
  void publish(const std::string& channel, Message message, ChannelOptions options = {}) {
    channels_.publish(channel, options, std::move(message));
    stage_.settle();
  }
  std::vector<Member> presence(const std::string& channel) { return channels_.presence(channel); }
  std::size_t members(const std::string& channel) { return channels_.members(channel); }

 private:
  friend class Client;
  friend class Work;
  struct Closer {
    void operator()(void* object) const noexcept { ::dlclose(object); }
  };
  void use(const HandlerTable& handler) {
    if (handler.abi != handler_abi || handler.size != sizeof(HandlerTable))
      throw Failure("the handler was built with other headers than this test: rebuild it");
    handler_ = &handler;
    *handler.channels = &channels_;
  }

  std::unique_ptr<void, Closer> object_;
  const HandlerTable* handler_ = nullptr;
  detail::Stage stage_;
  detail::Channels channels_{stage_};
};

// One client and its connection. The handler's end of it, in both styles, is driven by the calls here.
class Client {
 public:
  // `target` is a path, and a query behind '?'.
  Client(Server& server, std::string target) : server_(server), stage_(server.stage_) {
    if (server.handler().transfer_data)
      connection_ = std::make_unique<detail::CoroutineConnection>(stage_, server.handler(), std::move(target));
    else
      connection_ = std::make_unique<detail::BlockingConnection>(stage_, server.handler(), std::move(target));
  }
  // Loses the connection if it is there yet.
  ~Client() {
    if (connection_->has_started) lose();
    server_.channels_.forget(*connection_);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // --- the opening handshake ---

  void sends_header(std::string_view name, std::string_view value) { connection_->add_header(name, value); }
  void offers_protocols(std::vector<std::string> protocols) { connection_->offer(std::move(protocols)); }
  void comes_from(std::string origin) { connection_->set(detail::Text::origin, std::move(origin)); }
  void is_user(std::string name) { connection_->set(detail::Text::user, std::move(name)); }
  void has_address(std::string address) {
    connection_->set(detail::Text::remote_address, std::move(address));
  }

  // What request.is_allowed(path, method) answers from now on, also to a connection that is open; Allowed::yes
  // where nothing is said.
  void is_allowed(std::string_view path, Allowed answer, std::string_view method = "GET") {
    connection_->httpd->say(method, path, answer);
  }

  // Asks web_socket_do_extra_handshake, and starts web_socket_transfer_data if that accepts. Raises what the
  // first of them raises: then the handshake is refused.
  void open() {
    connection_->shake_hands();
    connection_->open();
    connection_->start();
    stage_.settle();
  }
  // What the handler added to the answer, in the order of its calls.
  const std::vector<std::pair<std::string, std::string>>& answer_headers() const {
    return connection_->answer_headers;
  }
  std::optional<std::string> protocol() const {
    const auto chosen = connection_->record.optional_text(detail::Text::protocol);
    return chosen ? std::optional<std::string>(*chosen) : std::nullopt;
  }
  bool extensions_enabled() const { return connection_->extensions_enabled; }

  // --- what the client does: nothing, once the connection is over ---

  // With `end` false the message goes on in the next call: a handler that receives in fragments gets each as one.
  void send(Message message, bool end = true) {
    require_started();
    {
      const auto held = stage_.lock();
      if (connection_->is_over()) return;
      connection_->comes(std::move(message), end);
      connection_->on_incoming();
    }
    stage_.settle();
  }
  // With close_code::no_status_received its Close has no code.
  void close(CloseCode code = close_code::normal, std::string reason = {}) {
    require_started();
    {
      const auto held = stage_.lock();
      if (connection_->is_over()) return;
      connection_->closes(Close(code, std::move(reason)));
      connection_->on_incoming();
    }
    stage_.settle();
  }
  // Vanishes without a Close.
  void lose() { end(close_code::abnormal_closure); }
  void ping(std::string_view body) {
    if (const auto& seldom = connection_->record.seldom; seldom && seldom->on_ping) seldom->on_ping(body);
    stage_.settle();
  }
  void pong(std::string_view body) {
    if (const auto& seldom = connection_->record.seldom; seldom && seldom->on_pong) seldom->on_pong(body);
    stage_.settle();
  }
  // The server stops: web_socket_going_away, then Close 1001.
  void is_sent_away() {
    require_started();
    connection_->go_away();
    stage_.settle();
    if (!connection_->is_over()) connection_->closed_with = Close(close_code::going_away);
    end(close_code::going_away);
  }

  // --- what it sees ---

  // All messages that it got, from the handler and from channels.
  const std::vector<Message>& received() const { return connection_->sent; }
  // The next of them that was not asked for yet. Raises Failure if there is none, after 30 s if the handler waits for
  // a descriptor.
  const Message& receive() {
    await_message();
    if (read_ == received().size()) throw Failure("no message came" + told_end());
    return received()[read_++];
  }
  void expect(const Message& message) {
    await_message();
    if (read_ == received().size())
      throw Failure("expected " + words_of(message) + ", but no message came" + told_end());
    if (const Message& came = receive(); !(came == message))
      throw Failure("expected " + words_of(message) + ", but " + words_of(came) + " came");
  }
  void expect_nothing() const {
    if (read_ != received().size())
      throw Failure("expected no message, but " + words_of(received()[read_]) + " came");
  }
  const std::vector<std::string>& pings() const { return connection_->pings; }

  // The server's Close: the handler's own, its answer to the client's, or what follows from how it ended. None
  // if the connection is open or was lost.
  const std::optional<Close>& closed_with() const { return connection_->closed_with; }
  // The time that the handler has given to request.close_at.
  std::optional<std::chrono::system_clock::time_point> closes_at() const { return connection_->closes_at; }
  void expect_close(CloseCode code) const {
    const auto& close = closed_with();
    if (!close) throw Failure("expected a Close with " + std::to_string(code) + ", but none came");
    if (close->code() != code)
      throw Failure("expected a Close with " + std::to_string(code) + ", but it has " +
                    (close->code() ? std::to_string(*close->code()) : "no code"));
  }

  // --- the handler ---

  bool has_ended() const { return connection_->main_has_returned; }
  // Tasks or threads of the handler that have not ended, web_socket_transfer_data's among them.
  std::size_t running_tasks() const { return connection_->running_tasks(); }
  // Raises what web_socket_transfer_data has raised, if it has.
  void rethrow() const {
    if (connection_->main_error) std::rethrow_exception(connection_->main_error);
  }
  const std::vector<std::string>& logged() const { return connection_->logged; }

 private:
  void require_started() const {
    if (!connection_->has_started) throw Failure("the connection is not open: call open() first");
  }
  void await_message() {
    stage_.settle_until([this] { return read_ != received().size() || connection_->main_has_returned; });
  }
  void end(CloseCode code) {
    {
      const auto held = stage_.lock();
      connection_->lose(code);
    }
    stage_.settle();
  }
  std::string told_end() const {
    std::string told = has_ended() ? "; the handler has ended" : "";
    try {
      rethrow();
    } catch (const std::exception& error) {
      told += std::string(" with: ") + error.what();
    } catch (...) {
    }
    return told;
  }
  static std::string words_of(const Message& message) {
    if (message.is_text()) return "the text \"" + std::string(message.text()) + "\"";
    return "a binary message of " + std::to_string(message.size()) + " bytes";
  }

  Server& server_;
  detail::Stage& stage_;
  std::unique_ptr<detail::Connection> connection_;
  std::size_t read_ = 0;
};

}  // namespace cppwebsocket::testing
