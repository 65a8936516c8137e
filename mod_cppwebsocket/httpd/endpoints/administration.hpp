// `SetHandler websocket-admin`: what an administrator asks of all children, and has them do, as JSON.
//
//   GET  LOCATION, LOCATION/status                    children, reactors, handlers, totals
//   GET  LOCATION/connections?user=…&limit=…&after=…  also address=, handler=, channel=, search=, child=, id=
//   GET  LOCATION/channels?search=…&limit=…           with their members in all children
//   GET  LOCATION/log                                 the last lines of the module's
//   POST LOCATION   {"verb":"close", SELECTION, "code":1008, "reason":"…"}
//                   {"verb":"publish", "channel":"…", "data":"…"}
//                   {"verb":"drain", "child":1234}
//
// With ?format=tsv a GET gives a table of texts. `SetHandler websocket-dashboard` is the same, and gives a page for people
// to GET LOCATION. docs/operations.md is the manual.
// Thread: the request's MPM worker.
#pragma once

#include <cppwebsocket/header_list.hpp>

#include <httpd.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cppwebsocket::httpd {

class Child;
struct AskedChild;

// Returns what the content handler must return.
int serve_administration(request_rec* r, Child& child, std::span<Header> headers, std::string_view path,
                         bool has_page);

// What LOCATION/status says; as a table, the children.
std::string status_json(Child& child, const std::vector<AskedChild>& asked);
std::string status_table(const std::vector<AskedChild>& asked);

// What a verb does; the answer.
int do_as_told(request_rec* r, Child& child, std::string_view body);

// Answers, with JSON or another text. An error is {"error":"its-name","message":"a sentence"}.
int answer_text(request_rec* r, int status, const char* type, std::string_view text);
int answer_error(request_rec* r, int status, std::string_view name, std::string_view message);

}  // namespace cppwebsocket::httpd
