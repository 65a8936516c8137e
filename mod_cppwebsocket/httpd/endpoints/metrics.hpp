// SetHandler websocket-metrics: the counters of all children of this httpd, for Prometheus and what reads its formats.
#pragma once

#include <httpd.h>

namespace cppwebsocket::httpd {

// Answers GET; other methods get 405. Returns what the content handler must. Raises std::bad_alloc.
int serve_metrics(request_rec* r);

}  // namespace cppwebsocket::httpd
