// Include this instead of handler.hpp to write a blocking handler: the seed's style, word for
// word. It may call anything that blocks; each open connection holds a thread.
//
//   #include <cppwebsocket/blocking_handler.hpp>
//   using namespace cppwebsocket;
//
//   void web_socket_do_extra_handshake(BlockingRequest&) {}
//
//   void web_socket_transfer_data(BlockingRequest& request) {
//     while (auto message = msgutil::receive_message(request))
//       msgutil::send_message(request, std::move(*message));
//   }
#pragma once

#include <cppwebsocket/blocking_membership.hpp>
#include <cppwebsocket/blocking_msgutil.hpp>
#include <cppwebsocket/handler_table.hpp>
#include <cppwebsocket/message_threads.hpp>

// As in handler.hpp. The second and the third run on the connection's blocking thread.
void web_socket_do_extra_handshake(cppwebsocket::BlockingRequest& request);
void web_socket_transfer_data(cppwebsocket::BlockingRequest& request);
[[gnu::weak, gnu::visibility("hidden")]] cppwebsocket::Close web_socket_passive_closing_handshake(
    cppwebsocket::BlockingRequest& request);

// As in handler.hpp, on a thread of the call pool, beside web_socket_transfer_data, which it is waited
// for. It may block and send.
[[gnu::weak, gnu::visibility("hidden")]] void web_socket_going_away(
    cppwebsocket::BlockingRequest& request);

// Weak and not inline: without -fno-gnu-unique an inline one would be one for the whole process, and
// every handler would have the table of the first.
extern "C" [[gnu::used, gnu::weak, gnu::visibility("default")]] const cppwebsocket::HandlerTable
    cppwebsocket_handler_table = {
        cppwebsocket::handler_abi,
        sizeof(cppwebsocket::HandlerTable),
        cppwebsocket::handler_toolchain,
        nullptr,
        nullptr,
        nullptr,
        nullptr,
        &web_socket_do_extra_handshake,
        &web_socket_transfer_data,
        &web_socket_passive_closing_handshake,
        &web_socket_going_away,
        &cppwebsocket::detail::channel_service,
};
