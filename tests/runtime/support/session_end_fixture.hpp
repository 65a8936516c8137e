// Sessions whose handler notes how they end.
#pragma once

#include <functional>
#include <string>

#include "runtime/session/session.hpp"
#include "runtime/support/session_fixture.hpp"

namespace cppwebsocket::testing {

class SessionEnd : public SessionFixture {
 protected:
  // Receives until the end and notes what there was, e.g. "text", "end 1000", "terminated 1006".
  Task<> note_all(Request& request) {
    try {
      while (auto message = co_await msgutil::receive_message(request))
        seen_.push_back(message->payload());
      seen_.push_back("end " + code_of(request));
    } catch (const InvalidFrameException&) {
      seen_.push_back("invalid frame " + code_of(request));
    } catch (const InvalidUTF8Exception&) {
      seen_.push_back("invalid UTF-8 " + code_of(request));
    } catch (const ConnectionTerminatedException&) {
      seen_.push_back("terminated " + code_of(request));
    }
  }
  static std::string code_of(Request& request) {
    std::string text = std::to_string(request.ws_close_code().value_or(0));
    if (!request.ws_close_reason().empty()) text.append(" ").append(request.ws_close_reason());
    return text;
  }
  std::function<Task<>(Request&)> noting() {
    return [this](Request& request) { return note_all(request); };
  }

  Words seen_;
};

}  // namespace cppwebsocket::testing
