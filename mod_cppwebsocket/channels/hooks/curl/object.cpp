// What cppwebsocket_hooks.so exports.
#include <stdexcept>

#include "channels/hooks/curl/client.hpp"

extern "C" [[gnu::visibility("default")]] const char cppwebsocket_engine_version[] = CPPWEBSOCKET_VERSION;

extern "C" [[gnu::visibility("default")]] cppwebsocket::channels::HttpClient* cppwebsocket_make_http_client(std::string& problem) {
  try {
    return new cppwebsocket::channels::CurlClient();
  } catch (const std::runtime_error& error) {
    problem = error.what();
    return nullptr;
  }
}
