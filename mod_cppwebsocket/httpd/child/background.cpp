#include "httpd/child/background.hpp"

#include "httpd/child/child.hpp"
#include "httpd/configuration/config.hpp"
#include "httpd/log.hpp"

#include <set>
#include <utility>
#include <vector>

namespace cppwebsocket::httpd {

std::string text_of_problem(const runtime::Lookup& found) {
  return found.handler ? "CWS0029: handler " + found.file + ": the previous version goes on " +
                             "serving, because this one is not used: " + found.problem
                       : "CWS0005: handler " + found.file + " is not used: " + found.problem;
}

void run_background(Child& child, server_rec* main_server) {
  std::set<std::string_view> seen;  // virtual hosts often share a root
  std::vector<const runtime::HandlerRoot*> roots;
  for (server_rec* server = main_server; server; server = server->next) {
    const runtime::HandlerRoot* const root = config_of(server).root;
    if (root && seen.insert(root->directory).second) roots.push_back(root);
  }
  if (roots.empty()) return;
  const auto log = [main_server](LogLevel level, std::string_view text) {
    const Child* const self = Child::current();  // see VirtualHost::log
    if (self && !self->has_ended())
      log_server(main_server, level_of(level), "CWS0066: " + std::string(text));
  };
  const auto tell = [main_server](const runtime::Lookup& found) {
    log_server(main_server, APLOG_ERR, text_of_problem(found));
  };
  child.runtime().run_background(std::move(roots), log, tell);
}

}  // namespace cppwebsocket::httpd
