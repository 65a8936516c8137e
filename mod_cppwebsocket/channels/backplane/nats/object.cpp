// What cppwebsocket_nats.so exports.
#include "channels/backplane/engine.hpp"
#include "channels/backplane/nats/backplane.hpp"

extern "C" [[gnu::visibility("default")]] const char cppwebsocket_engine_version[] = CPPWEBSOCKET_VERSION;

extern "C" [[gnu::visibility("default")]] cppwebsocket::channels::Backplane*
cppwebsocket_make_backplane(const cppwebsocket::channels::BackplaneUrl& url,
                            const cppwebsocket::channels::BackplaneOptions& options,
                            cppwebsocket::runtime::EventLoop&, std::string& problem) {
  auto made = std::make_unique<cppwebsocket::channels::NatsBackplane>(url, options);
  if (const natsStatus status = made->prepare(); status != NATS_OK) {
    problem = natsStatus_GetText(status);
    return nullptr;
  }
  return made.release();
}
