// WebSocketBackplane: from its directives to the uplink of a child's channels.
#pragma once

#include "channels/backplane/uplink.hpp"

#include <httpd.h>

#include <memory>
#include <string>

namespace cppwebsocket::runtime {
class Reactor;
}

namespace cppwebsocket::httpd {

// Makes what all children of this httpd have in common, also over graceful restarts, and keeps their engine's object
// until the next one. Thread: startup.
void prepare_backplane(server_rec* main_server);

// Null without a backplane, and if it cannot be used: then the log says why, and channels reach this
// machine. Its engine may live on `reactor`, the first of the child. Thread: child_init.
std::unique_ptr<channels::Uplink> make_uplink(server_rec* main_server, channels::Hub& hub,
                                              runtime::Reactor& reactor);

}  // namespace cppwebsocket::httpd
