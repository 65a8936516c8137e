// httpd's headers that every file here needs, and the module record that log lines and
// configuration refer to.
#pragma once

#include <httpd.h>  // first: the others need it

#include <http_config.h>
#include <http_log.h>

#if !AP_MODULE_MAGIC_AT_LEAST(20120211, 110)
#error "mod_cppwebsocket needs httpd 2.4.49 or later: older ones have no child_stopping hook"
#endif

extern "C" {
// The one symbol that the module exports: httpd looks it up by name. APR opens modules with
// RTLD_GLOBAL, so all else is hidden.
extern module __attribute__((visibility("default"))) cppwebsocket_module;
}
APLOG_USE_MODULE(cppwebsocket);
