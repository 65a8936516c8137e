// From the request head to an open session: every check, the handler's word, the answer, and the
// way to its reactor. Thread: the request's MPM worker.
#pragma once

#include "runtime/handlers/handler.hpp"

#include <cppwebsocket/detail/request_record.hpp>

#include <httpd.h>

#include <any>
#include <memory>
#include <span>
#include <string_view>

namespace cppwebsocket::httpd {

class Application;
class Child;

// Who is to answer a request.
struct Answerer {
  std::shared_ptr<const runtime::Handler> handler;
  std::string_view resource;  // the path that selected it
  std::any user_data;         // its own
  std::shared_ptr<Application> application = nullptr;  // null: as the request has it
};

// For a request that asks for a WebSocket. Both return what the content handler must return.
int open_websocket(request_rec* r, Child& child, std::span<Header> headers, Answerer&& answerer);

// For a GET that accepts text/event-stream.
int open_event_stream(request_rec* r, Child& child, std::span<Header> headers, Answerer&& answerer);

}  // namespace cppwebsocket::httpd
