// Every exception that crosses between the server and a handler, with what it becomes when a
// handler lets it escape. All are thrown by value and may be caught as std::exception.
//
//   escapes from                    web_socket_do_extra_handshake   web_socket_transfer_data
//   HandshakeException              its HTTP status                 close 1011
//   AbortedByUserException          connection dropped, no answer   connection dropped, no Close
//   BadOperationException           403                             close 1011
//   UnsupportedFrameException       403                             close 1003
//   InvalidUTF8Exception            403                             close 1007
//   InvalidFrameException           403                             close 1002
//   ConnectionTerminatedException   403                             nothing: it is over already
//   anything else                   403                             close 1011, logged
#pragma once

#include <stdexcept>
#include <string>

#define CPPWEBSOCKET_EXPORTED __attribute__((visibility("default")))

namespace cppwebsocket {

class CPPWEBSOCKET_EXPORTED WebSocketException : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Thrown by a handler to refuse the opening handshake with an HTTP status of its choice
// (400–599; anything else counts as 403). The text goes to the error log and into the body.
class CPPWEBSOCKET_EXPORTED HandshakeException : public WebSocketException {
 public:
  HandshakeException(int status, const std::string& what)
      : WebSocketException(what), status_(status) {}
  explicit HandshakeException(const std::string& what) : HandshakeException(403, what) {}
  int status() const noexcept { return status_; }

 private:
  int status_;
};

// Thrown by a handler to drop the TCP connection at once, without an answer or a Close frame.
class CPPWEBSOCKET_EXPORTED AbortedByUserException : public WebSocketException {
 public:
  using WebSocketException::WebSocketException;
  AbortedByUserException() : WebSocketException("aborted by the handler") {}
};

// The handler asked for something that makes no sense now: a message after the Close, a header
// after the handshake, a ping over 125 bytes, two receives at once. Nothing was changed or sent.
class CPPWEBSOCKET_EXPORTED BadOperationException : public WebSocketException {
 public:
  using WebSocketException::WebSocketException;
};

// A deadline passed. The connection is as it was; the operation had no effect.
class CPPWEBSOCKET_EXPORTED TimeoutException : public WebSocketException {
 public:
  using WebSocketException::WebSocketException;
};

// In a branch of when_any or when_all: the others have the result, so what this one waits for is given up.
// Each later wait of the branch raises it again; let it through, or return. The connection goes on.
class CPPWEBSOCKET_EXPORTED CancelledException : public WebSocketException {
 public:
  using WebSocketException::WebSocketException;
};

// The connection ended other than by the peer's clean Close: it vanished, it timed out, the
// server is stopping, it broke the protocol. ws_close_code() tells more.
class CPPWEBSOCKET_EXPORTED ConnectionTerminatedException : public WebSocketException {
 public:
  using WebSocketException::WebSocketException;
};

// Work without a connection (background.hpp) is to end: the child stops, or another version of the file is
// there. Let it through.
class CPPWEBSOCKET_EXPORTED StoppedException : public WebSocketException {
 public:
  using WebSocketException::WebSocketException;
};

// The peer broke the framing rules and has been sent Close 1002.
class CPPWEBSOCKET_EXPORTED InvalidFrameException : public ConnectionTerminatedException {
 public:
  using ConnectionTerminatedException::ConnectionTerminatedException;
};

// For handlers: "I do not take this kind of message". Escaping, it closes with 1003.
class CPPWEBSOCKET_EXPORTED UnsupportedFrameException : public WebSocketException {
 public:
  using WebSocketException::WebSocketException;
};

// A text to be sent is not UTF-8 (nothing was sent), or the peer's text was not (it has been
// sent Close 1007, and receive raises this).
class CPPWEBSOCKET_EXPORTED InvalidUTF8Exception : public WebSocketException {
 public:
  using WebSocketException::WebSocketException;
};

}  // namespace cppwebsocket
