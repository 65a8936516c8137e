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
//
// void web_socket_do_extra_handshake(BlockingRequest& request)
// void web_socket_transfer_data(BlockingRequest& request)
// Close web_socket_passive_closing_handshake(BlockingRequest& request)
// As in handler.hpp. The second and the third, which is optional, run on the connection's blocking
// thread.
//
// void web_socket_going_away(BlockingRequest& request)
// Optional. As in handler.hpp, on a thread of the call pool, beside web_socket_transfer_data, which it is
// waited for. It may block and send.
//
// void web_socket_once_per_child(BlockingBackground& background)
// void web_socket_once_per_httpd(BlockingBackground& background)
// Optional. As in handler.hpp, each on a thread of its own.
#pragma once

#include <cppwebsocket/blocking_membership.hpp>
#include <cppwebsocket/blocking_msgutil.hpp>
#include <cppwebsocket/detail/registration.hpp>
#include <cppwebsocket/message_threads.hpp>

namespace cppwebsocket::detail {

#define CPPWEBSOCKET_BLOCKING_FUNCTION(result, name, is_needed)                                   \
  CPPWEBSOCKET_FUNCTION(result, name, is_needed, BlockingRequest, request, blocking_handler.hpp, Request, \
                        handler.hpp)
CPPWEBSOCKET_BLOCKING_FUNCTION(void, web_socket_do_extra_handshake, true)
CPPWEBSOCKET_BLOCKING_FUNCTION(void, web_socket_transfer_data, true)
CPPWEBSOCKET_BLOCKING_FUNCTION(Close, web_socket_passive_closing_handshake, false)
CPPWEBSOCKET_BLOCKING_FUNCTION(void, web_socket_going_away, false)
#undef CPPWEBSOCKET_BLOCKING_FUNCTION
CPPWEBSOCKET_FUNCTION(void, web_socket_once_per_child, false, BlockingBackground, background, blocking_handler.hpp,
                      Background, handler.hpp)
CPPWEBSOCKET_FUNCTION(void, web_socket_once_per_httpd, false, BlockingBackground, background, blocking_handler.hpp,
                      Background, handler.hpp)

// As in handler.hpp.
template <typename Given, typename Other, typename Work, typename OtherWork>
struct [[gnu::visibility("hidden")]] BlockingHandler {
  static const HandlerTable& table() noexcept {
    static constexpr HandlerTable made = {
        handler_abi,
        sizeof(HandlerTable),
        handler_toolchain,
        nullptr,
        nullptr,
        nullptr,
        nullptr,
        web_socket_do_extra_handshake_of<Given, Other>::get(),
        web_socket_transfer_data_of<Given, Other>::get(),
        web_socket_passive_closing_handshake_of<Given, Other>::get(),
        web_socket_going_away_of<Given, Other>::get(),
        &channel_service,
        nullptr,
        nullptr,
        web_socket_once_per_child_of<Work, OtherWork>::get(),
        web_socket_once_per_httpd_of<Work, OtherWork>::get(),
        &before_unload,
        &asks_httpd,
    };
    return made;
  }
};

}  // namespace cppwebsocket::detail

extern "C" [[gnu::used, gnu::visibility("default")]] const cppwebsocket::HandlerSymbol
    cppwebsocket_handler = &cppwebsocket::detail::BlockingHandler<
        cppwebsocket_given<cppwebsocket::BlockingRequest>,
        cppwebsocket_given<cppwebsocket::Request>,
        cppwebsocket_given<cppwebsocket::BlockingBackground>,
        cppwebsocket_given<cppwebsocket::Background>>::table;
