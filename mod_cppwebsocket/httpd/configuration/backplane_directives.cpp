// How channels reach other machines.
#include "channels/backplane/engine.hpp"
#include "httpd/configuration/directive.hpp"
#include "httpd/configuration/files.hpp"
#include "httpd/pool.hpp"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace cppwebsocket::httpd {

namespace {

constexpr std::size_t longest_secret = 4096;  // bytes, of a password and of a user's name

// What does not go together, whichever of the directives comes last; null: nothing.
const char* contradiction(const ChildConfig& child) {
  if (!child.backplane) return nullptr;
  const auto url = channels::BackplaneUrl::parse(child.backplane);
  if (child.backplane_user && !url->user.empty())
    return "WebSocketBackplane and the second line of WebSocketBackplanePasswordFile both name a user: one of them "
           "has to go";
  const bool has_tls_settings =
      child.backplane_authorities || child.backplane_certificate || !child.backplane_verify;
  if (has_tls_settings && !url->has_tls())
    return "WebSocketBackplaneCACertificateFile, WebSocketBackplaneCertificateFile and WebSocketBackplaneVerify are "
           "for rediss://, rediss+sentinel:// and tls://, and WebSocketBackplane goes in clear";
  return nullptr;
}

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
  return contradiction(child);
}

// The next line, without its end. Raises runtime_error. Thread: startup, as root.
std::string read_line(std::ifstream& file, const std::string& path) {
  errno = 0;
  std::string line;
  if (!std::getline(file, line) && errno != 0) fail_to_read(path);
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

bool is_user(const std::string& name) noexcept {
  return name.size() <= longest_secret &&
         std::ranges::all_of(name, [](char c) { return static_cast<unsigned char>(c) > ' ' && c != '\x7f'; });
}

const char* backplane_password_file(cmd_parms* command, void*, const char* argument) {
  const char* path = ap_server_root_relative(command->pool, argument);
  if (!path) return wrong(command, "a file (relative to ServerRoot)", argument);
  std::ifstream file(path);
  if (!file.is_open()) fail_to_read(path);
  const std::string password = read_line(file, path);
  if (password.empty() || password.size() > longest_secret || password.find('\0') != password.npos)
    throw std::runtime_error(std::string(path) + " has no password as its first line (1 to 4096 bytes)");
  const std::string user = file.eof() ? "" : read_line(file, path);
  if (!is_user(user))
    throw std::runtime_error(std::string(path) +
                             " has no user as its second line (none, or 1 to 4096 bytes without blanks)");
  ChildConfig& child = config_of(command->server).child;
  child.backplane_password = c_string_in(command->pool, password);
  child.backplane_user = user.empty() ? nullptr : c_string_in(command->pool, user);
  return contradiction(child);
}

const char* backplane_ca_certificate_file(cmd_parms* command, void*, const char* argument) {
  ChildConfig& child = config_of(command->server).child;
  child.backplane_authorities = equal_ignoring_case(argument, "system")
                                    ? nullptr
                                    : c_string_in(command->pool, read_pem(command, argument));
  return contradiction(child);
}

const char* backplane_certificate_file(cmd_parms* command, void*, const char* argument) {
  ChildConfig& child = config_of(command->server).child;
  child.backplane_certificate = nullptr;
  if (equal_ignoring_case(argument, "none")) return nullptr;
  const std::string pem = read_pem(command, argument);
  if (pem.find("PRIVATE KEY-----") == pem.npos)
    throw std::runtime_error(std::string(argument) + " has no key in PEM (-----BEGIN PRIVATE KEY-----)");
  if (pem.find("ENCRYPTED") != pem.npos)
    throw std::runtime_error("the key in " + std::string(argument) +
                             " has a passphrase, and children have nobody to ask for it");
  child.backplane_certificate = c_string_in(command->pool, pem);
  return contradiction(child);
}

const char* backplane_verify(cmd_parms* command, void*, const char* argument) {
  ChildConfig& child = config_of(command->server).child;
  child.backplane_verify = equal_ignoring_case(argument, "certificate");
  if (!child.backplane_verify && !equal_ignoring_case(argument, "nothing"))
    return wrong(command, "Certificate or Nothing", argument);
  return contradiction(child);
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
          "The servers, of one deployment, that carry channels between machines: "
          "redis://[USER@]HOST[:PORT][,HOST[:PORT]...][/DATABASE], rediss:// with TLS, "
          "unix://[USER@]/PATH[?db=DATABASE], redis+sentinel://[USER@]HOST[:PORT][,HOST[:PORT]...]/MASTER[/DATABASE], "
          "nats://[USER@]HOST[:PORT][,HOST[:PORT]...], or tls://; or None "
          "(the default)"),
      take1<backplane_password_file>(
          "WebSocketBackplanePasswordFile", global,
          "A file whose first line is the backplane's password, and whose second the user, if the URL "
          "names none (default: none)"),
      take1<backplane_ca_certificate_file>(
          "WebSocketBackplaneCACertificateFile", global,
          "A PEM file of the CAs that may have issued the certificate of a backplane with TLS; or "
          "System (the default)"),
      take1<backplane_certificate_file>(
          "WebSocketBackplaneCertificateFile", global,
          "A PEM file with the certificate, those of its issuers, and the key that this httpd shows to "
          "a backplane with TLS; or None (the default)"),
      take1<backplane_verify>(
          "WebSocketBackplaneVerify", global,
          "What has to be right of a backplane with TLS: Certificate, which a trusted CA has issued for "
          "its host name (the default), or Nothing"),
      take1<backplane_prefix>(
          "WebSocketBackplanePrefix", global,
          "A word that keeps this site's channels apart from those of others on the same backplane; or "
          "None (the default)"),
  };
  return rows;
}

}  // namespace cppwebsocket::httpd
