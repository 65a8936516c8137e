#include "httpd/child/shared_memory.hpp"

#include <apr_pools.h>
#include <apr_strings.h>

#include <new>

#include <sys/mman.h>

namespace cppwebsocket::httpd {

void* shared_memory(server_rec* main_server, const char* key, std::size_t bytes) {
  apr_pool_t* const process = main_server->process->pool;
  const char* const name = apr_psprintf(process, "cppwebsocket-%s-%lu", key, static_cast<unsigned long>(bytes));
  void* found = nullptr;
  apr_pool_userdata_get(&found, name, process);
  if (found) return found;
  void* const made = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (made == MAP_FAILED) throw std::bad_alloc();
  apr_pool_userdata_set(made, name, nullptr, process);
  return made;
}

}  // namespace cppwebsocket::httpd
