#include "httpd/configuration/directives.hpp"

#include "httpd/configuration/directive.hpp"

#include <vector>

namespace cppwebsocket::httpd {

const char* wrong(cmd_parms* command, const char* accepted, const char* given) {
  return apr_pstrcat(command->pool, command->cmd->name, " takes ", accepted, ", not \"", given,
                     "\"", nullptr);
}

const command_rec* directives() {
  static const std::vector<command_rec> all = [] {
    std::vector<command_rec> table;
    for (const Rows topic :
         {handler_directives(), connection_directives(), limit_directives(), channel_directives(),
          backplane_directives(), hook_directives(), log_directives(), child_directives()})
      table.insert(table.end(), topic.begin(), topic.end());
    table.push_back({nullptr, nullptr, nullptr, 0, RAW_ARGS, nullptr});
    return table;
  }();
  return all.data();
}

}  // namespace cppwebsocket::httpd
