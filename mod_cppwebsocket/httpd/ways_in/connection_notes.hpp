// What this module notes of a client's connection. Thread: the connection's, while httpd sets it
// up; then any may look.
#pragma once

#include "httpd/module.hpp"
#include "httpd/pool.hpp"

#include <httpd.h>

#include <http_config.h>

namespace cppwebsocket::httpd {

class ClientKeys;
class TlsConnection;

struct ConnectionNotes {
  TlsConnection* tls = nullptr;
  ClientKeys* keys = nullptr;
};

// Null if nothing is noted.
inline const ConnectionNotes* notes_of(const conn_rec* c) noexcept {
  return static_cast<ConnectionNotes*>(ap_get_module_config(c->conn_config, &cppwebsocket_module));
}

inline ConnectionNotes& make_notes_of(conn_rec* c) noexcept {
  if (const ConnectionNotes* made = notes_of(c)) return const_cast<ConnectionNotes&>(*made);
  auto* const notes = make_in<ConnectionNotes>(c->pool);
  ap_set_module_config(c->conn_config, &cppwebsocket_module, notes);
  return *notes;
}

}  // namespace cppwebsocket::httpd
