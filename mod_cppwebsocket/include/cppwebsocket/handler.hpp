// Include this to write a coroutine handler, in the one file that defines its functions. The include is
// the registration: define the functions below in the global namespace, build with `cppwebsocket build`
// or cppwebsocket_add_handler(), and put NAME_wsh.so under WebSocketHandlerRoot.
//
//   #include <cppwebsocket/handler.hpp>
//   using namespace cppwebsocket;
//
//   void web_socket_do_extra_handshake(Request&) {}
//
//   Task<> web_socket_transfer_data(Request& request) {
//     while (auto message = co_await msgutil::receive_message(request))
//       co_await msgutil::send_message(request, std::move(*message));
//   }
//
// void web_socket_do_extra_handshake(Request& request)
// Called once the opening handshake is valid, httpd has authorised the request and the origin is
// allowed; nothing has been answered yet. Return: accept. Raise: refuse (exceptions.hpp says with
// which status). Thread: an httpd worker; it may block.
//
// Task<> web_socket_transfer_data(Request& request)
// Called when the connection is open. Return: close with 1000. Raise: close as exceptions.hpp
// says. Thread: the connection's reactor; it must not block.
//
// Close web_socket_passive_closing_handshake(Request& request)
// Optional. Called when the peer's Close is about to be answered; returns the answer's code and
// reason, Close() for an empty body. Without it the peer's own code is echoed. Must not block.
//
// Task<> web_socket_going_away(Request& request)
// Optional. Called when the server is about to close an open connection with 1001, because the
// child process that serves it ends (WebSocketDrainTimeout). It may still send; receiving is for the
// main function, which goes on beside it. The Close is sent when it has returned, at the latest after
// WebSocketCloseTimeout or when the stop's time is up; then its waits raise
// ConnectionTerminatedException, as all do, and the stop_token is requested. Not called for
// connections that end otherwise. Thread: the connection's reactor; it must not block.
//
// Task<> web_socket_once_per_child(Background& background)
// Task<> web_socket_once_per_httpd(Background& background)
// Optional. Work without a connection, for as long as this file is loaded: in each child process, and in one
// of them at a time. background.hpp tells more. Thread: a reactor of the child; it must not block.
#pragma once

#include <cppwebsocket/detail/registration.hpp>
#include <cppwebsocket/membership.hpp>
#include <cppwebsocket/msgutil.hpp>

namespace cppwebsocket::detail {

#define CPPWEBSOCKET_COROUTINE_FUNCTION(result, name, is_needed)                    \
  CPPWEBSOCKET_FUNCTION(result, name, is_needed, Request, request, handler.hpp, BlockingRequest, \
                        blocking_handler.hpp)
CPPWEBSOCKET_COROUTINE_FUNCTION(void, web_socket_do_extra_handshake, true)
CPPWEBSOCKET_COROUTINE_FUNCTION(Task<>, web_socket_transfer_data, true)
CPPWEBSOCKET_COROUTINE_FUNCTION(Close, web_socket_passive_closing_handshake, false)
CPPWEBSOCKET_COROUTINE_FUNCTION(Task<>, web_socket_going_away, false)
#undef CPPWEBSOCKET_COROUTINE_FUNCTION
CPPWEBSOCKET_FUNCTION(Task<>, web_socket_once_per_child, false, Background, background, handler.hpp,
                      BlockingBackground, blocking_handler.hpp)
CPPWEBSOCKET_FUNCTION(Task<>, web_socket_once_per_httpd, false, Background, background, handler.hpp,
                      BlockingBackground, blocking_handler.hpp)

// A function template's body is looked at behind the file's last line; a variable's initializer is not, by
// g++. Hidden, or else, without -fno-gnu-unique, every handler of the process would have the table of
// the first.
template <typename Given, typename Other, typename Work, typename OtherWork>
struct [[gnu::visibility("hidden")]] CoroutineHandler {
  static const HandlerTable& table() noexcept {
    static constexpr HandlerTable made = {
        handler_abi,
        sizeof(HandlerTable),
        handler_toolchain,
        web_socket_do_extra_handshake_of<Given, Other>::get(),
        web_socket_transfer_data_of<Given, Other>::get(),
        web_socket_passive_closing_handshake_of<Given, Other>::get(),
        web_socket_going_away_of<Given, Other>::get(),
        nullptr,
        nullptr,
        nullptr,
        nullptr,
        &channel_service,
        web_socket_once_per_child_of<Work, OtherWork>::get(),
        web_socket_once_per_httpd_of<Work, OtherWork>::get(),
        nullptr,
        nullptr,
        &before_unload,
        &asks_httpd,
    };
    return made;
  }
};

}  // namespace cppwebsocket::detail

extern "C" [[gnu::used, gnu::visibility("default")]] const cppwebsocket::HandlerSymbol
    cppwebsocket_handler = &cppwebsocket::detail::CoroutineHandler<
        cppwebsocket_given<cppwebsocket::Request>,
        cppwebsocket_given<cppwebsocket::BlockingRequest>,
        cppwebsocket_given<cppwebsocket::Background>,
        cppwebsocket_given<cppwebsocket::BlockingBackground>>::table;
