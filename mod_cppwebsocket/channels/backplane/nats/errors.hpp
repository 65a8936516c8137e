// What libnats reports, and what an administrator can do about it.
#pragma once

#include <string>
#include <utility>

#include <nats/nats.h>

namespace cppwebsocket::channels {

inline constexpr std::pair<natsStatus, const char*> nats_cures[] = {
    {NATS_CONNECTION_AUTH_FAILED,
     "WebSocketBackplanePasswordFile, and the user in WebSocketBackplane, have to be what the server has"},
    {NATS_SSL_ERROR,
     "its certificate has to come from a CA of WebSocketBackplaneCACertificateFile, and be for the host that "
     "WebSocketBackplane names; and it may want one of this httpd, WebSocketBackplaneCertificateFile"},
    {NATS_SECURE_CONNECTION_WANTED, "it does not speak TLS at this port: nats:// is without"},
    {NATS_NOT_PERMITTED, "its user has to be allowed to publish and to subscribe cppws.>"},
    {NATS_SLOW_CONSUMER, "this machine takes messages more slowly than they come, and some are lost"},
    {NATS_MAX_PAYLOAD, "the server's max_payload is below WebSocketMaxMessageSize"},
};

// `text`, or where it is null or empty what the status means, with its cure.
inline std::string with_cure(natsStatus status, const char* text) {
  std::string said = text && *text ? text : natsStatus_GetText(status);
  for (const auto& [known, cure] : nats_cures)
    if (known == status) said += std::string(" (") + cure + ")";
  return said;
}

}  // namespace cppwebsocket::channels
