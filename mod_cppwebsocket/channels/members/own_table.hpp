// The table of a handler that is part of this module, with the two functions that such a one has.
#pragma once

#include <cppwebsocket/detail/channel_service.hpp>
#include <cppwebsocket/handler_table.hpp>

namespace cppwebsocket::channels {

constexpr HandlerTable own_table(void (*do_extra_handshake)(Request&),
                                 Task<> (*transfer_data)(Request&)) noexcept {
  return {.abi = handler_abi,
          .size = sizeof(HandlerTable),
          .toolchain = handler_toolchain,
          .do_extra_handshake = do_extra_handshake,
          .transfer_data = transfer_data,
          .channels = &detail::channel_service};
}

}  // namespace cppwebsocket::channels
