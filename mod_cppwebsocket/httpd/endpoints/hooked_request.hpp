// What an application says of a request about a channel (WebSocketHook subscribe, publish), as far as that is no opening
// handshake. Thread: the request's MPM worker.
#pragma once

#include "channels/hooks/hook.hpp"

#include <cppwebsocket/message.hpp>

#include <httpd.h>

#include <optional>
#include <string>
#include <string_view>

namespace cppwebsocket::httpd {

struct HookRefusal {
  int status;
  std::string text;
  bool is_final;  // false: the client should come back
};

// The refusal in an answer; none: it allows, or has not answered where that is enough.
std::optional<HookRefusal> refusal_of(const channels::Hook& hook, const channels::HookAnswer& answer);

// Each: the refusal, which is being answered, is what the content handler must return. The application may change the
// message.
std::optional<int> refuse_reader(request_rec* r, std::string_view path, std::string_view channel);
std::optional<int> refuse_message(request_rec* r, std::string_view path, std::string_view channel, Message& message);

}  // namespace cppwebsocket::httpd
