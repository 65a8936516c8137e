// C++ objects in httpd's memory pools.
#pragma once

#include <apr_pools.h>
#include <apr_strings.h>

#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

namespace cppwebsocket::httpd {

// An object that lives as long as `pool`. Of the pool's owner: thread-safe if the pool is its own.
template <typename T, typename... Args>
T* make_in(apr_pool_t* pool, Args&&... args) {
  static_assert(alignof(T) <= 8, "apr_palloc aligns to 8 bytes");
  T* object = new (apr_palloc(pool, sizeof(T))) T{std::forward<Args>(args)...};
  if constexpr (!std::is_trivially_destructible_v<T>) {
    const auto destroy = [](void* memory) -> apr_status_t {
      static_cast<T*>(memory)->~T();
      return APR_SUCCESS;
    };
    apr_pool_cleanup_register(pool, object, destroy, apr_pool_cleanup_null);
  }
  return object;
}

// httpd's tables and functions want a terminating NUL.
inline char* c_string_in(apr_pool_t* pool, std::string_view text) {
  return apr_pstrmemdup(pool, text.data(), text.size());
}

// Of a char* that may be null.
inline std::string_view view(const char* text) noexcept {
  return text ? std::string_view(text) : std::string_view();
}

}  // namespace cppwebsocket::httpd
