// What a request was before the rules of a directory were applied. RewriteRule in an .htaccess file
// or in a <Directory> asks for another address at the end of httpd's phases, by way of a content
// handler that is still to run when ours does; what it refuses or redirects with a status never
// comes so far. Thread: the request's MPM worker.
#pragma once

#include <httpd.h>

#include <string_view>

namespace cppwebsocket::httpd {

// Hook, after the URI is translated and its sections are merged.
int note_request(request_rec* r) noexcept;

// As it was noted. What mod_negotiation, mod_dir (DirectoryIndex, FallbackResource) and the like do
// later to r->uri is about files, and they do it without a new request.
std::string_view path_of(const request_rec* r) noexcept;

// Whether a rule of a directory would have something else answer the request.
bool is_rewritten(const request_rec* r) noexcept;

// The address that it leads to, in this server, with its query; null if there is none.
const char* rewritten_target_of(const request_rec* r) noexcept;

// Undoes it. `handler`: what is to stand in r->handler, null for nothing.
void take_back_rewriting(request_rec* r, const char* handler) noexcept;

}  // namespace cppwebsocket::httpd
