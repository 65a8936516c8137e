// An engine that carries channels between machines: Redis (redis/), or another that is loaded when it
// is asked for (nats/, engine.hpp). It only moves records and tells when it can
// not; what is delivered where, and what waits while the link is down, decides the BackplaneUplink.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "channels/store/record.hpp"

namespace cppwebsocket::channels {

enum class Severity : std::uint8_t { notice, warning, error };

// How a server shows that it is the right one, and this httpd to it. As PEM, for the files are root's.
struct BackplaneTls {
  std::string authorities;  // that may have issued the server's certificate; empty: the system's
  std::string certificate;  // of this httpd, those of its issuers, and its key; empty: none
  bool verify = true;       // false: any server is the right one
};

// What is told at each connection without.
inline constexpr const char* not_verified =
    "WebSocketBackplaneVerify Nothing: whoever is in between may be taken for it";

// What a child must know to reach the others. From WebSocketBackplane and the directives that go with it.
struct BackplaneOptions {
  std::string user;             // of the URL, or of the file with the password; none: empty
  std::string password;         // none: empty
  BackplaneTls tls;
  std::string prefix;           // of this site's names in the engine; the whole engine is one site: empty
  std::uint64_t instance = 0;   // the same in all children of one httpd, and in no other httpd
  // Is told, with a tag, what an administrator should know. Thread: any.
  std::function<void(Severity, const std::string&)> log;
};

class Backplane {
 public:
  // Who is told. Thread: one at a time, the engine's own (Redis: a reactor's); never from inside a
  // call of the functions below.
  class Listener {
   public:
    // The link works, or works no more, for the reason `why`. Calls alternate, beginning with up.
    virtual void link_up() = 0;
    virtual void link_down() = 0;

    // Everything that is sent to `channel` is received from now on. Comes after each subscribe()
    // and, for all channels, after each link_up().
    virtual void subscribed(std::string_view channel) = 0;

    // `numbered` and `lost`: from anywhere, this child included, in the order of their offsets while the link
    // is up. `loose`, `missed` and `control`: from other machines only.
    virtual void received(std::string_view channel, Record&& record) = 0;

    // What became of an append(); in their order. `at` is its number, whose record may be received
    // before or after this; {0, 0} if it had one already; nothing if it never will be stored: then
    // the log says why, and what was appended behind it is as after hold_appends().
    virtual void appended(std::optional<Position> at) = 0;

    // The engine refuses to store for now, while all else works. What was appended and is not answered
    // never is: it may have been stored, or not. Nothing is appended before take_appends() or a link_up().
    virtual void hold_appends() = 0;
    virtual void take_appends() = 0;

    // A `loose` or `missed` record that was given to publish() has not been sent, or perhaps not.
    virtual void not_sent(std::string_view channel, RecordKind kind) = 0;
    // Now and then: what was not sent may be worth another try.
    virtual void works() = 0;

   protected:
    ~Listener() = default;
  };

  // What read() found: complete is false, too, if the link broke before the answer. A channel that is not known
  // has epoch 0; one that may not be read is `refused`.
  using ReadDone = std::function<void(StoredHistory&&)>;

  virtual ~Backplane() = default;

  // Whether append() and read() exist here: numbers and history for all machines.
  virtual bool keeps_history() const noexcept = 0;

  // Begins to connect, and from then on keeps the link up as well as it can. Once.
  virtual void start(Listener& listener) = 0;

  // --- Thread: any. None of them waits. -----------------------------------------------------------

  // A channel is in use in this child, or is not any more. Also while the link is down.
  virtual void subscribe(std::string_view channel) = 0;
  virtual void unsubscribe(std::string_view channel) = 0;

  // Sends a `loose`, `missed` or `control` record to the other machines. False: it is not sent, for the
  // link is down, or refuses it. True: it may still turn out so, by Listener::not_sent().
  virtual bool publish(std::string_view channel, const Record& record) = 0;

  // Has `record` numbered and kept, and sent to all machines, this one included, unless its origin
  // has had a record with this or a later sequence stored in this channel. Only between link_up()
  // and link_down(), after which it is as after hold_appends().
  virtual void append(std::string_view channel, const Record& record) = 0;

  // Reads what the engine keeps of `channel`: the first behind `after` within that epoch, or without it
  // of the newest `most`. As many as the engine gives at once, at most `most`: there are more as long as the last
  // is not the newest. `done` is called once, on the engine's thread.
  virtual void read(std::string_view channel, std::optional<Position> after, std::size_t most,
                    ReadDone done) = 0;
};

}  // namespace cppwebsocket::channels
