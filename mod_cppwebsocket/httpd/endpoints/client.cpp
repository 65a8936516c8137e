#include "httpd/endpoints/client.hpp"

#include "httpd/endpoints/client_files.hpp"
#include "httpd/pool.hpp"
#include "httpd/request/answer.hpp"

#include <http_protocol.h>
#include <http_request.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>

namespace cppwebsocket::httpd {

namespace {

// FNV-1a: tells one version of a file from another; nobody gains by a collision.
std::uint64_t mark_of(std::string_view content) noexcept {
  std::uint64_t mark = 0xcbf29ce484222325;
  for (const char c : content) mark = (mark ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return mark;
}

void set_tag(request_rec* r, std::string_view content) {
  char tag[24];
  const int size = std::snprintf(tag, sizeof tag, "\"%016llx\"",
                                 static_cast<unsigned long long>(mark_of(content)));
  apr_table_setn(r->headers_out, "ETag",
                 c_string_in(r->pool, {tag, static_cast<std::size_t>(size)}));
}

}  // namespace

int serve_client(request_rec* r, std::string_view path) {
  ap_allow_standard_methods(r, REPLACE_ALLOW, M_GET, -1);
  if (r->method_number != M_GET) return HTTP_METHOD_NOT_ALLOWED;
  const std::string_view name = path.substr(path.rfind('/') + 1);
  const auto* const file =
      std::find_if(client_files.begin(), client_files.end(),
                   [name](const ClientFile& each) { return each.name == name; });
  if (file == client_files.end())
    return refuse(r, HTTP_NOT_FOUND, "Here are client.mjs, client.js, many.mjs and worker.js.");
  ap_set_content_type(r, "text/javascript; charset=utf-8");
  // The address stays and the file does not: so it is asked for, and mostly not sent.
  if (!apr_table_get(r->headers_out, "Cache-Control"))
    apr_table_setn(r->headers_out, "Cache-Control", "no-cache");
  set_tag(r, file->content);
  if (const int status = ap_meets_conditions(r); status != OK) return status;
  ap_set_content_length(r, static_cast<apr_off_t>(file->content.size()));
  if (!r->header_only) ap_rwrite(file->content.data(), static_cast<int>(file->content.size()), r);
  return OK;
}

}  // namespace cppwebsocket::httpd
