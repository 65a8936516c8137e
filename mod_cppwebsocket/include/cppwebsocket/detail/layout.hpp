// How this compiler, with its library and options, lays out what crosses between a server and its
// handlers: a number that is the same where all of that is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <stop_token>
#include <string>

#include <cppwebsocket/detail/branches.hpp>
#include <cppwebsocket/detail/channel_service.hpp>
#include <cppwebsocket/detail/judge.hpp>
#include <cppwebsocket/membership.hpp>
#include <cppwebsocket/request.hpp>

namespace cppwebsocket::detail {

enum AnyEnum { any_enumerator };
struct AnyStruct {
  char first;
  void* second;
};
inline constexpr bool short_enums = sizeof(AnyEnum) != sizeof(int);             // -fshort-enums
inline constexpr bool packed_structs = sizeof(AnyStruct) != 2 * sizeof(void*);  // -fpack-struct

template <typename... Types>
constexpr std::uint32_t layout_of(std::uint32_t hash) noexcept {
  const auto add = [&hash](std::size_t number) {
    hash = (hash ^ static_cast<std::uint32_t>(number)) * 0x01000193;  // FNV-1a, by numbers
  };
  ((add(sizeof(Types)), add(alignof(Types))), ...);
  return hash;
}

// What derives from these puts its first member where their size, or their last member's end, is: a
// compiler that has another rule for that has another size for the derived one.
struct AfterOperation : Operation {
  char last;
};
struct AfterPromise : TaskPromise<void> {
  char last;
};
struct AfterTimer : OperationTimer {
  char last;
};

// The library's types, then our own, of which many are made of those.
inline constexpr std::uint32_t layout = layout_of<
    std::string, std::string_view, std::any, std::function<void(std::string_view)>,
    std::vector<std::string>, std::optional<std::string>, std::shared_ptr<int>,
    std::unique_ptr<int>, std::exception_ptr, std::stop_token, std::chrono::nanoseconds,
    std::coroutine_handle<>, std::atomic<std::size_t>, Message, Fragment, Close, ConnectionLimits,
    ExtensionOffer, HandshakeRecord, SeldomRecord, RequestRecord, TextBlock, Task<void>,
    TaskPromise<void>, AfterPromise, Operation, AfterOperation, ReceiveOperation, SendOperation,
    CloseOperation, SleepOperation, PoolOperation, OperationTimer, AfterTimer, PublicationOperation,
    RecoveryOperation, DescriptorOperation, EventOperation, OutsideOperation, QuestionOperation, Branches, Sender, Position, ChannelOptions,
    JoinOptions, PublishResult, Publication,
    Member, History, Recovery>(0x811c9dc5);

}  // namespace cppwebsocket::detail
