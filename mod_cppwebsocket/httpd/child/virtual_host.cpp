#include "httpd/child/virtual_host.hpp"

#include "httpd/child/child.hpp"
#include "httpd/configuration/config.hpp"
#include "httpd/connection_log/format.hpp"
#include "httpd/connection_log/sender.hpp"
#include "httpd/log.hpp"
#include "httpd/module.hpp"
#include "httpd/pool.hpp"
#include "protocol/opening/header_fields.hpp"

#include <ap_expr.h>

#include <algorithm>
#include <string>

namespace cppwebsocket::httpd {

namespace {

// What httpd's expressions call %{NAME}, e.g. SSL_CLIENT_S_DN or HTTPS; null if they know none.
const char* evaluate(request_rec* r, std::string_view name) {
  const bool is_name = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return protocol::is_alpha(c) || protocol::is_digit(c) || c == '_';
  });
  if (!is_name) return nullptr;
  ap_expr_info_t expression{};
  expression.filename = "a handler";
  expression.flags = AP_EXPR_FLAG_STRING_RESULT;
  expression.module_index = APLOG_MODULE_INDEX;
  const char* text = apr_pstrcat(r->pool, "%{", c_string_in(r->pool, name), "}", nullptr);
  if (ap_expr_parse(r->pool, r->pool, &expression, text, nullptr)) return nullptr;
  const char* error = nullptr;
  const char* value = ap_expr_str_exec(r, &expression, &error);
  return error || !value || !*value ? nullptr : value;
}

}  // namespace

bool VirtualHost::logs(LogLevel level) const noexcept {
  return APLOG_IS_LEVEL(server_, level_of(level));
}

void VirtualHost::log(const detail::RequestRecord& record, LogLevel level, std::string_view text) {
  // At the end of the process httpd takes its log files away under threads that are late.
  const Child* child = Child::current();
  if (child && child->has_ended()) return;
  if (!logs(level)) return;
  if (Child* const self = Child::current(); self && !self->handler_lines().may_write(*record.handler_name, level)) return;
  std::string line("CWS0020: ");
  line.append(*record.handler_name).append(" #").append(std::to_string(record.id)).append(" ");
  line.append(record.text(detail::Text::resource)).append(" from ");
  line.append(record.text(detail::Text::remote_address)).append(": ");
  log_server(server_, level_of(level), line.append(text));
}

void VirtualHost::log_end(runtime::Connection& connection, LogSender& to) const {
  const apr_array_header_t* const logs = config_of(server_).logs;
  if (!logs || logs->nelts == 0) return;
  connection.own_wire();
  const EndedConnection ended{connection, view(server_->server_hostname), server_->port,
                              std::chrono::system_clock::now()};
  for (int i = 0; i < logs->nelts; ++i) {
    const auto& log = reinterpret_cast<const ConnectionLog*>(logs->elts)[i];
    to.send(log.target.id, log.format->line(ended));
  }
}

std::optional<std::string_view> VirtualHost::variable(detail::RequestRecord& record,
                                                      std::string_view name) {
  auto* r = static_cast<request_rec*>(record.handshake->httpd_request);
  const char* value = evaluate(r, name);
  if (!value) return std::nullopt;
  std::string grown(record.text(detail::Text::environment));
  HeaderList::append(grown, name, view(value));
  const std::string_view kept(c_string_in(r->pool, grown), grown.size());
  record.set_text(detail::Text::environment, kept);
  return kept.substr(kept.size() - view(value).size());
}

}  // namespace cppwebsocket::httpd
