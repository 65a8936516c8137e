// What an application answers. Input: the body of an HTTP response.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "channels/hooks/answer.hpp"
#include "channels/hooks/http_client.hpp"
#include "protocol/frames/utf8.hpp"

#include <cppwebsocket/detail/channel_name.hpp>

using namespace cppwebsocket;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string body(reinterpret_cast<const char*>(bytes), size);
  using Word = channels::HookAnswer::Word;
  const auto answer = channels::answer_of({200, body, {}});
  if (answer.word == Word::no || (answer.word == Word::none && answer.reason.empty())) std::abort();
  if (answer.word == Word::yes) {
    for (const auto* names : {&answer.channels, &answer.subscribe, &answer.unsubscribe})
      for (const std::string& each : *names)
        if (detail::why_no_channel_name(each)) std::abort();
    if (answer.user && (answer.user->size() > 255 || !protocol::is_utf8(*answer.user))) std::abort();
    if (answer.expires_at && *answer.expires_at < 0) std::abort();
  }
  const auto refusal = channels::answer_of({403, body, {}});
  if (refusal.word != Word::no || refusal.reason.size() > 200 || !protocol::is_utf8(refusal.reason)) std::abort();
  return 0;
}
