// The one symbol that a handler file exports, and what it says.
#pragma once

#include <cstdint>

#include <cppwebsocket/close.hpp>
#include <cppwebsocket/exceptions.hpp>

namespace cppwebsocket {

class Request;
class BlockingRequest;
template <typename T>
class Task;
namespace detail {
class ChannelService;
}

// Raised whenever the layout of anything in include/cppwebsocket changes.
inline constexpr std::uint32_t handler_abi = 4;

#define CPPWEBSOCKET_STRINGIFY_(x) #x
#define CPPWEBSOCKET_STRINGIFY(x) CPPWEBSOCKET_STRINGIFY_(x)

// What must agree for C++ objects to cross: the standard library, its string ABI and the C++ ABI.
#if defined(__GLIBCXX__)
#define CPPWEBSOCKET_STDLIB "libstdc++ cxx11-abi=" CPPWEBSOCKET_STRINGIFY(_GLIBCXX_USE_CXX11_ABI)
#elif defined(_LIBCPP_VERSION)
#define CPPWEBSOCKET_STDLIB "libc++ " CPPWEBSOCKET_STRINGIFY(_LIBCPP_ABI_VERSION)
#endif
inline constexpr const char* handler_toolchain =
    CPPWEBSOCKET_STDLIB ", C++ ABI " CPPWEBSOCKET_STRINGIFY(__GXX_ABI_VERSION);

struct HandlerTable {
  std::uint32_t abi;      // handler_abi
  std::uint32_t size;     // sizeof(HandlerTable)
  const char* toolchain;  // handler_toolchain
  // Either the first four or the second four are set; of these, the last two may be null.
  void (*do_extra_handshake)(Request&);
  Task<void> (*transfer_data)(Request&);
  Close (*passive_closing_handshake)(Request&);
  Task<void> (*going_away)(Request&);
  void (*blocking_do_extra_handshake)(BlockingRequest&);
  void (*blocking_transfer_data)(BlockingRequest&);
  Close (*blocking_passive_closing_handshake)(BlockingRequest&);
  void (*blocking_going_away)(BlockingRequest&);
  detail::ChannelService** channels;  // where the file looks for it; set before any function is called
};

inline constexpr const char* handler_table_symbol = "cppwebsocket_handler_table";

}  // namespace cppwebsocket
