// What cppwebsocket_nats.so exports.
#include "channels/backplane/engine.hpp"
#include "channels/backplane/nats/backplane.hpp"

extern "C" [[gnu::visibility("default")]] const char cppwebsocket_engine_version[] = CPPWEBSOCKET_VERSION;

extern "C" [[gnu::visibility("default")]] cppwebsocket::channels::Backplane*
cppwebsocket_make_backplane(const cppwebsocket::channels::BackplaneUrl& url,
                            const cppwebsocket::channels::BackplaneOptions& options,
                            cppwebsocket::runtime::EventLoop& loop, std::string& problem) {
  auto link = std::make_shared<cppwebsocket::channels::NatsLink>(url, options);
  if (const natsStatus status = link->prepare(); status != NATS_OK) {
    problem = natsStatus_GetText(status);
    return nullptr;
  }
  return new cppwebsocket::channels::NatsBackplane(loop, std::move(link));
}
