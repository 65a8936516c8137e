// The fields of a request as the client sent them, of requests that may lead to questions: other modules change them
// (mod_session_dbd takes its cookie out, mod_remoteip and mod_headers rewrite). Thread: the request's MPM worker.
#pragma once

#include <httpd.h>

#include <string_view>

namespace cppwebsocket::httpd {

const apr_table_t* fields_of(request_rec* r) noexcept;

// Fields that say what a body is like: a question has none.
bool belongs_to_body(std::string_view name) noexcept;
// Fields that each connection, or each attempt, has of its own.
bool is_of_one_connection(std::string_view name) noexcept;

// To be called where hooks are registered.
void register_kept_fields() noexcept;

}  // namespace cppwebsocket::httpd
