#include "httpd/request/answer.hpp"

#include "httpd/module.hpp"
#include "httpd/pool.hpp"
#include "protocol/opening/header_fields.hpp"

#include <apr_buckets.h>
#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>
#include <mod_core.h>
#include <util_filter.h>

#include <algorithm>
#include <cstdlib>

namespace cppwebsocket::httpd {

namespace {

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) noexcept {
  return std::any_of(names.begin(), names.end(), [name](std::string_view other) {
    return protocol::equal_ignoring_case(name, other);
  });
}

// Fields that other modules may not put into a 101: the handshake's own, and those which describe a
// body, e.g. of the file that mod_negotiation found for the path.
bool belongs_in_opening(std::string_view name) noexcept {
  for (const std::string_view prefix : {"Sec-WebSocket-", "WebSocket-", "Content-"})
    if (protocol::equal_ignoring_case(name.substr(0, prefix.size()), prefix)) return false;
  return !is_one_of(name, {"Upgrade", "Connection", "Keep-Alive", "Transfer-Encoding", "Trailer",
                           "Accept-Ranges", "Alternates", "ETag", "Last-Modified", "TCN", "Vary"});
}

// mod_headers carries out `Header set` and `Header always set` in an output filter, when the
// first byte of a response passes it. None of ours does, so call the filter, with nothing behind
// it that could send something.
void run_header_directives(request_rec* r) {
  ap_filter_t* filter = r->output_filters;
  while (filter && !protocol::equal_ignoring_case(filter->frec->name, "fixup_headers_out"))
    filter = filter->next;
  if (!filter) return;
  filter->next = nullptr;
  apr_bucket_brigade* nothing = apr_brigade_create(r->pool, r->connection->bucket_alloc);
  filter->frec->filter_func.out_func(filter, nothing);
}

void add_line(std::string& head, std::string_view name, std::string_view value) {
  head.append(name).append(": ").append(value).append("\r\n");
}

// Other modules' fields: the answer's own have precedence.
struct TableAdder {
  std::string& head;
  HeaderList own;

  void add(const apr_table_t* table) {
    const auto add_field = [](void* self, const char* name, const char* value) {
      static_cast<TableAdder*>(self)->add(name, view(value));
      return 1;  // go on
    };
    apr_table_do(add_field, this, table, nullptr);
  }

  void add(std::string_view name, std::string_view value) {
    const bool is_own = std::any_of(own.begin(), own.end(), [name](const auto& field) {
      return protocol::equal_ignoring_case(field.first, name);
    });
    if (!is_own && belongs_in_opening(name) && !protocol::has_control_character(value))
      add_line(head, name, value);
  }
};

// The answer's fields come first and in their order: draft-75 clients compare bytes.
std::string head_of(request_rec* r, const protocol::OpeningResponse& response, HeaderList added) {
  std::string head("HTTP/1.1 ");
  head.append(response.status_line).append("\r\n");
  for (const auto& [name, value] : response.headers) add_line(head, name, value);
  for (const auto& [name, value] : added) add_line(head, name, value);
  TableAdder adder{head, response.headers};
  adder.add(r->headers_out);
  adder.add(r->err_headers_out);
  return head.append("\r\n");
}

// httpd turns a status without a line of its own into 500, and gives it the ErrorDocument of 500.
bool knows_status(int status) noexcept { return std::atoi(ap_get_status_line(status)) == status; }

bool has_error_document(request_rec* r, int status) noexcept {
  return knows_status(status) &&
         ap_response_code_string(r, ap_index_of_response(status)) != nullptr;
}

}  // namespace

void finish_response(request_rec* r) noexcept {
  conn_rec* c = r->connection;
  c->keepalive = AP_CONN_CLOSE;  // and so httpd does not look for a next request in the socket
  // After an internal redirect the first request is finished as well, with a response of its own.
  for (request_rec* each = r; each; each = each->prev) {
    each->input_filters = each->proto_input_filters = c->input_filters;
    each->output_filters = each->proto_output_filters = c->output_filters;
    each->eos_sent = 1;
  }
}

// Not through ap_send_interim_response: that takes the fields out of headers_out, so that
// %{...}o in an access log would find none, and the body of draft-76 would be a second write.
bool send_opening(request_rec* r, const protocol::OpeningResponse& response, HeaderList added) {
  run_header_directives(r);
  const std::string bytes = head_of(r, response, added) + response.body;

  r->status = std::atoi(response.status_line.data());  // a literal; for the access log
  r->status_line = c_string_in(r->pool, response.status_line);
  for (const auto& [name, value] : response.headers)
    apr_table_set(r->headers_out, name.c_str(), value.c_str());
  for (const auto& [name, value] : added)
    apr_table_add(r->headers_out, name.c_str(), value.c_str());
  finish_response(r);

  conn_rec* c = r->connection;
  apr_bucket_brigade* brigade = apr_brigade_create(r->pool, c->bucket_alloc);
  apr_brigade_write(brigade, nullptr, nullptr, bytes.data(), bytes.size());
  APR_BRIGADE_INSERT_TAIL(brigade, apr_bucket_flush_create(c->bucket_alloc));
  const apr_status_t status = ap_pass_brigade(c->output_filters, brigade);
  apr_brigade_cleanup(brigade);
  return status == APR_SUCCESS && !c->aborted;
}

int refuse(request_rec* r, int status, std::string_view text, HeaderList headers) {
  // What follows a refused handshake may be frames. They must not be read as a request.
  r->connection->keepalive = AP_CONN_CLOSE;
  for (const auto& [name, value] : headers)
    apr_table_set(r->err_headers_out, name.c_str(), value.c_str());
  if (has_error_document(r, status)) {
    const char* note = ap_escape_html(r->pool, c_string_in(r->pool, text));
    apr_table_setn(r->notes, "error-notes", note);
    return status;
  }
  r->status = status;
  r->status_line = knows_status(status) ? nullptr : apr_psprintf(r->pool, "%d Refused", status);
  ap_set_content_type(r, "text/plain; charset=utf-8");
  ap_set_content_length(r, static_cast<apr_off_t>(text.size() + 1));
  ap_rwrite(text.data(), static_cast<int>(text.size()), r);
  ap_rputs("\n", r);
  return OK;
}

int drop(request_rec* r) noexcept {
  finish_response(r);
  r->status = HTTP_FORBIDDEN;  // for the access log
  r->connection->aborted = 1;  // httpd closes such a connection at once
  return OK;
}

}  // namespace cppwebsocket::httpd
