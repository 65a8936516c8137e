// The one symbol that a handler file exports, and what it says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <cppwebsocket/background.hpp>
#include <cppwebsocket/close.hpp>
#include <cppwebsocket/detail/layout.hpp>

namespace cppwebsocket {

// Raised whenever the layout of anything in include/cppwebsocket changes.
inline constexpr std::uint32_t handler_abi = 12;

#define CPPWEBSOCKET_STRINGIFY_(x) #x
#define CPPWEBSOCKET_STRINGIFY(x) CPPWEBSOCKET_STRINGIFY_(x)

// What must agree for C++ objects to cross: the standard library, its string ABI and its containers, and
// how types are laid out. Not the compiler: g++ and clang call their versions of the one C++ ABI by
// different numbers and lay these types out alike.
#if defined(__GLIBCXX__) && defined(_GLIBCXX_DEBUG)
#define CPPWEBSOCKET_STDLIB \
  "libstdc++ cxx11-abi=" CPPWEBSOCKET_STRINGIFY(_GLIBCXX_USE_CXX11_ABI) " with _GLIBCXX_DEBUG"
#elif defined(__GLIBCXX__)
#define CPPWEBSOCKET_STDLIB "libstdc++ cxx11-abi=" CPPWEBSOCKET_STRINGIFY(_GLIBCXX_USE_CXX11_ABI)
#elif defined(_LIBCPP_VERSION)
#define CPPWEBSOCKET_STDLIB "libc++ " CPPWEBSOCKET_STRINGIFY(_LIBCPP_ABI_VERSION)
#endif

namespace detail {
// What the file has to do before it is unloaded, besides its destructors, which must not wait for threads.
[[gnu::visibility("hidden")]] inline void (*before_unload)() noexcept = nullptr;

struct Toolchain {
  char text[128] = {};
  std::size_t size = 0;

  constexpr void add(std::string_view part) noexcept {
    for (const char each : part) text[size++] = each;
  }
  constexpr void add_number(std::uint32_t number) noexcept {
    for (int shift = 28; shift >= 0; shift -= 4) text[size++] = "0123456789abcdef"[number >> shift & 15];
  }
};
constexpr Toolchain describe_toolchain() noexcept {
  Toolchain made;
  made.add(CPPWEBSOCKET_STDLIB);
  if (short_enums) made.add(", -fshort-enums");
  if (packed_structs) made.add(", -fpack-struct");
  made.add(", layout ");
  made.add_number(layout);
  return made;
}
// Hidden, so that each file has its own.
[[gnu::visibility("hidden")]] inline constexpr Toolchain toolchain = describe_toolchain();
}  // namespace detail

inline constexpr const char* handler_toolchain = detail::toolchain.text;

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
  // Work without a connection, each of which may be null: the first two of a coroutine handler.
  Task<void> (*once_per_child)(Background&);
  Task<void> (*once_per_httpd)(Background&);
  void (*blocking_once_per_child)(BlockingBackground&);
  void (*blocking_once_per_httpd)(BlockingBackground&);
  void (**before_unload)() noexcept;  // points to what is called then, if anything; it may wait a moment
  const bool* asks_httpd;  // points to whether is_allowed is called anywhere in the file; null: it is not

  bool has_work() const noexcept {
    return once_per_child || once_per_httpd || blocking_once_per_child || blocking_once_per_httpd;
  }
};

// What it exports: a constant with the address of a function. Up to ABI 6 the table itself was exported, as cppwebsocket_handler_table.
using HandlerSymbol = const HandlerTable& (*)() noexcept;
inline constexpr const char* handler_symbol = "cppwebsocket_handler";
inline constexpr const char* former_handler_symbol = "cppwebsocket_handler_table";

}  // namespace cppwebsocket
