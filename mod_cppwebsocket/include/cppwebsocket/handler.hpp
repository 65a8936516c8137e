// Include this to write a coroutine handler. The include is the registration: define the
// functions below in the global namespace, build with cppwebsocket_add_handler(), and put
// NAME_wsh.so under WebSocketHandlerRoot.
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
#pragma once

#include <cppwebsocket/handler_table.hpp>
#include <cppwebsocket/membership.hpp>
#include <cppwebsocket/msgutil.hpp>

// Called once the opening handshake is valid, httpd has authorised the request and the origin is
// allowed; nothing has been answered yet. Return: accept. Raise: refuse (exceptions.hpp says with
// which status). Thread: an httpd worker; it may block.
void web_socket_do_extra_handshake(cppwebsocket::Request& request);

// Called when the connection is open. Return: close with 1000. Raise: close as exceptions.hpp
// says. Thread: the connection's reactor; it must not block.
cppwebsocket::Task<> web_socket_transfer_data(cppwebsocket::Request& request);

// Optional. Called when the peer's Close is about to be answered; returns the answer's code and
// reason, Close() for an empty body. Without it the peer's own code is echoed. Must not block.
[[gnu::weak, gnu::visibility("hidden")]] cppwebsocket::Close web_socket_passive_closing_handshake(
    cppwebsocket::Request& request);

// Optional. Called when the server is about to close an open connection with 1001, because the
// child process that serves it ends (WebSocketDrainTimeout). It may still send; receiving is for the
// main function, which goes on beside it. The Close is sent when it has returned, at the latest after
// WebSocketCloseTimeout or when the stop's time is up; then its waits raise
// ConnectionTerminatedException, as all do, and the stop_token is requested. Not called for
// connections that end otherwise. Thread: the connection's reactor; it must not block.
[[gnu::weak, gnu::visibility("hidden")]] cppwebsocket::Task<> web_socket_going_away(
    cppwebsocket::Request& request);

// Weak and not inline: without -fno-gnu-unique an inline one would be one for the whole process, and
// every handler would have the table of the first.
extern "C" [[gnu::used, gnu::weak, gnu::visibility("default")]] const cppwebsocket::HandlerTable
    cppwebsocket_handler_table = {
        cppwebsocket::handler_abi,
        sizeof(cppwebsocket::HandlerTable),
        cppwebsocket::handler_toolchain,
        &web_socket_do_extra_handshake,
        &web_socket_transfer_data,
        &web_socket_passive_closing_handshake,
        &web_socket_going_away,
        nullptr,
        nullptr,
        nullptr,
        nullptr,
        &cppwebsocket::detail::channel_service,
};
