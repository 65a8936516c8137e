// Memory that all children of one httpd share, over all graceful restarts.
#pragma once

#include <httpd.h>

#include <cstddef>

namespace cppwebsocket::httpd {

// `bytes` that are zero at first, aligned as a page; the kernel gives pages as they are used. Under the same `key`, with
// the same size, the same memory again: it is made once, by httpd's parent, and stays until the process ends, whatever
// version of this module a restart loads. So the key changes with what lies in it. Children may write anything
// there, and the parent is root: it reads nothing of it. Thread: post_config's. Raises std::bad_alloc.
void* shared_memory(server_rec* main_server, const char* key, std::size_t bytes);

}  // namespace cppwebsocket::httpd
