#include "httpd/request/answer.hpp"

#include "httpd/log.hpp"
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
#include <string>

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

// Behind all filters that look at content and before those that make HTTP of it.
constexpr auto after_content = static_cast<ap_filter_type>(AP_FTYPE_PROTOCOL - 1);
constexpr char end_of_turn[] = "CPPWEBSOCKET_END_OF_TURN";

// A filter refuses by an error bucket, which httpd's own would make a response of.
apr_status_t note_refusal(ap_filter_t* filter, apr_bucket_brigade* brigade) noexcept {
  for (apr_bucket* each = APR_BRIGADE_FIRST(brigade); each != APR_BRIGADE_SENTINEL(brigade);
       each = APR_BUCKET_NEXT(each))
    if (AP_BUCKET_IS_ERROR(each))
      *static_cast<int*>(filter->ctx) = static_cast<const ap_bucket_error*>(each->data)->status;
  apr_brigade_cleanup(brigade);
  return APR_SUCCESS;
}

// Sends the filters of other modules a response without a body. The status with which one of them
// refuses it, or OK.
int run_content_filters(request_rec* r) {
  int refusal = OK;
  ap_filter_t* const end = ap_add_output_filter(end_of_turn, &refusal, r, r->connection);
  apr_bucket_brigade* brigade = apr_brigade_create(r->pool, r->connection->bucket_alloc);
  APR_BRIGADE_INSERT_TAIL(brigade, apr_bucket_eos_create(r->connection->bucket_alloc));
  const apr_status_t status = ap_pass_brigade(r->output_filters, brigade);
  apr_brigade_cleanup(brigade);
  ap_remove_output_filter(end);
  r->eos_sent = 0;
  return refusal == OK && status != APR_SUCCESS ? HTTP_INTERNAL_SERVER_ERROR : refusal;
}

void add_line(std::string& head, std::string_view name, std::string_view value) {
  head.append(name).append(": ").append(value).append("\r\n");
}

bool has_field(AddedHeaders fields, std::string_view name) noexcept {
  return std::any_of(fields.begin(), fields.end(), [name](const auto& field) {
    return protocol::equal_ignoring_case(field.first, name);
  });
}

// What stands in httpd's tables besides the answer's own fields: the handler's, and other modules'.
struct TableAdder {
  std::string& head;
  AddedHeaders own;
  AddedHeaders added;

  void add(const apr_table_t* table) {
    const auto add_field = [](void* self, const char* name, const char* value) {
      static_cast<TableAdder*>(self)->add(name, view(value));
      return 1;  // go on
    };
    apr_table_do(add_field, this, table, nullptr);
  }

  void add(std::string_view name, std::string_view value) {
    if (!has_field(own, name) && (has_field(added, name) || belongs_in_opening(name)) &&
        !protocol::has_control_character(value))
      add_line(head, name, value);
  }
};

// The answer's fields come first and in their order: draft-75 clients compare bytes.
std::string head_of(request_rec* r, const protocol::OpeningResponse& response, AddedHeaders added) {
  std::string head("HTTP/1.1 ");
  head.append(response.status_line).append("\r\n");
  for (const auto& [name, value] : response.headers) add_line(head, name, value);
  TableAdder adder{head, response.headers, added};
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

int show_to_filters(request_rec* r, int status, const protocol::OpeningResponse& response,
                    AddedHeaders added) {
  r->status = status;
  r->status_line = c_string_in(r->pool, response.status_line);
  r->no_cache = 1;  // what follows is not in the body that mod_cache sees
  for (const auto& [name, value] : response.headers) {
    apr_table_set(r->headers_out, name.c_str(), value.c_str());
    if (protocol::equal_ignoring_case(name, "Content-Type"))
      r->content_type = c_string_in(r->pool, value);
  }
  for (const auto& [name, value] : added)
    apr_table_add(r->headers_out, name.c_str(), value.c_str());
  const int refusal = run_content_filters(r);
  if (refusal == OK) return OK;
  log_request(r, APLOG_INFO,
              "CWS0061: an output filter of another module refuses the answer with " +
                  std::to_string(refusal));
  r->status = HTTP_OK;
  r->status_line = nullptr;
  r->output_filters = r->proto_output_filters;
  r->connection->keepalive = AP_CONN_CLOSE;  // see refuse
  return refusal;
}

// Not through ap_send_interim_response: that takes the fields out of headers_out, so that
// %{...}o in an access log would find none, and the body of draft-76 would be a second write.
bool send_opening(request_rec* r, const protocol::OpeningResponse& response, AddedHeaders added) {
  const std::string bytes = head_of(r, response, added) + response.body;
  finish_response(r);

  conn_rec* c = r->connection;
  apr_bucket_brigade* brigade = apr_brigade_create(r->pool, c->bucket_alloc);
  apr_brigade_write(brigade, nullptr, nullptr, bytes.data(), bytes.size());
  APR_BRIGADE_INSERT_TAIL(brigade, apr_bucket_flush_create(c->bucket_alloc));
  const apr_status_t status = ap_pass_brigade(c->output_filters, brigade);
  apr_brigade_cleanup(brigade);
  return status == APR_SUCCESS && !c->aborted;
}

int send_and_end(request_rec* r, const protocol::OpeningResponse& response) {
  if (const int refusal = show_to_filters(r, HTTP_OK, response, {}); refusal != OK) return refusal;
  if (!send_opening(r, response, {})) return drop(r);
  conn_rec* c = r->connection;
  if (!c->master) return OK;
  apr_bucket_brigade* brigade = apr_brigade_create(r->pool, c->bucket_alloc);
  APR_BRIGADE_INSERT_TAIL(brigade, apr_bucket_eos_create(c->bucket_alloc));
  ap_pass_brigade(c->output_filters, brigade);
  return OK;
}

int refuse(request_rec* r, int status, std::string_view text, AddedHeaders headers) {
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

bool comes_back_after_any_end(const request_rec* r) noexcept {
  const char* wanted = apr_table_get(r->headers_in, "Cache-Control");
  return wanted && ap_find_token(r->pool, wanted, "no-cache") != 0;
}

int drop(request_rec* r) noexcept {
  finish_response(r);
  r->status = HTTP_FORBIDDEN;  // for the access log
  r->connection->aborted = 1;  // httpd closes such a connection at once
  return OK;
}

namespace {

constexpr char logged[] = "cppwebsocket-logged";

// Before all that would write a line.
int skip_logged(request_rec* r) noexcept { return apr_table_get(r->notes, logged) ? DONE : DECLINED; }

}  // namespace

void log_opening(request_rec* r) {
  while (r->prev) r = r->prev;  // as httpd does: modules follow r->next
  ap_run_log_transaction(r);
  apr_table_setn(r->notes, logged, "");
}

void register_answer() noexcept {
  ap_hook_log_transaction(skip_logged, nullptr, nullptr, APR_HOOK_REALLY_FIRST);
  ap_register_output_filter(end_of_turn, note_refusal, nullptr, after_content);
}

}  // namespace cppwebsocket::httpd
