// How channels reach other machines.
#include "channels/backplane/engine.hpp"
#include "httpd/configuration/directive.hpp"
#include "httpd/pool.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace cppwebsocket::httpd {

namespace {

constexpr std::size_t longest_password = 4096;

const char* backplane(cmd_parms* command, void*, const char* argument) {
  ChildConfig& child = config_of(command->server).child;
  child.backplane = nullptr;
  if (equal_ignoring_case(argument, "none")) return nullptr;
  const auto url = channels::BackplaneUrl::parse(argument);
  if (!url)  // it may hold a password, so it is not repeated
    return apr_pstrcat(command->pool, command->cmd->name, " takes None, or ",
                       channels::backplane_url_form, nullptr);
  const std::string problem = channels::why_no_engine(*url);
  if (!problem.empty())
    return apr_pstrcat(command->pool, command->cmd->name, ": ", problem.c_str(), nullptr);
  child.backplane = apr_pstrdup(command->pool, argument);
  return nullptr;
}

// The first line of the file `path`. Raises runtime_error with what is wrong. Thread: startup, as
// root.
std::string read_password(const char* path) {
  errno = 0;
  std::ifstream file(path);
  std::string password;
  if (!file.is_open() || (!std::getline(file, password) && errno != 0))
    throw std::runtime_error(std::string("cannot read ") + path + ": " + std::strerror(errno));
  if (password.ends_with('\r')) password.pop_back();
  if (password.empty() || password.size() > longest_password ||
      password.find('\0') != password.npos)
    throw std::runtime_error(std::string(path) +
                             " has no password as its first line (1 to 4096 bytes)");
  return password;
}

const char* backplane_password_file(cmd_parms* command, void*, const char* argument) {
  const char* path = ap_server_root_relative(command->pool, argument);
  if (!path) return wrong(command, "a file (relative to ServerRoot)", argument);
  config_of(command->server).child.backplane_password =
      c_string_in(command->pool, read_password(path));
  return nullptr;
}

const char* backplane_prefix(cmd_parms* command, void*, const char* argument) {
  const char*& prefix = config_of(command->server).child.backplane_prefix;
  prefix = nullptr;
  if (equal_ignoring_case(argument, "none")) return nullptr;
  if (!channels::is_backplane_prefix(argument)) return wrong(command, channels::backplane_prefix_form, argument);
  prefix = apr_pstrdup(command->pool, argument);
  return nullptr;
}

}  // namespace

Rows backplane_directives() {
  static const command_rec rows[] = {
      take1<backplane>(
          "WebSocketBackplane", global,
          "The server that carries channels between machines: "
          "redis://[USER@]HOST[:PORT][/DATABASE] or nats://[USER@]HOST[:PORT]; or None "
          "(the default)"),
      take1<backplane_password_file>(
          "WebSocketBackplanePasswordFile", global,
          "A file whose first line is the backplane's password (default: "
          "none)"),
      take1<backplane_prefix>(
          "WebSocketBackplanePrefix", global,
          "A word that keeps this site's channels apart from those of others on the same backplane; or "
          "None (the default)"),
  };
  return rows;
}

}  // namespace cppwebsocket::httpd
