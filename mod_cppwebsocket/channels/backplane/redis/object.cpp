// What cppwebsocket_redis.so exports.
#include <stdexcept>

#include "channels/backplane/engine.hpp"
#include "channels/backplane/redis/backplane.hpp"

extern "C" [[gnu::visibility("default")]] const char cppwebsocket_engine_version[] = CPPWEBSOCKET_VERSION;

extern "C" [[gnu::visibility("default")]] cppwebsocket::channels::Backplane*
cppwebsocket_make_backplane(const cppwebsocket::channels::BackplaneUrl& url,
                            const cppwebsocket::channels::BackplaneOptions& options,
                            cppwebsocket::runtime::EventLoop& loop, std::string& problem) {
  try {
    return new cppwebsocket::channels::RedisBackplane(loop, url, options);
  } catch (const std::runtime_error& error) {
    problem = error.what();
    return nullptr;
  }
}
