#include "httpd/ways_in/hpack.hpp"

#include "httpd/configuration/config.hpp"
#include "httpd/ways_in/library.hpp"

#include <cstddef>
#include <cstdint>
#include <new>
#include <string_view>

#include <dlfcn.h>
#include <sys/types.h>

namespace cppwebsocket::httpd {

namespace {

// nghttp2.h, as it is since 1.11, and will be as long as the library is libnghttp2.so.14.
struct Inflater;
struct NameValue {
  std::uint8_t* name;
  std::uint8_t* value;
  std::size_t name_size;
  std::size_t value_size;
  std::uint8_t flags;
};
constexpr int is_final = 0x1;
constexpr int has_field = 0x2;

struct Nghttp2 {
  int (*make)(Inflater**) = nullptr;
  void (*destroy)(Inflater*) = nullptr;
  ssize_t (*inflate)(Inflater*, NameValue*, int*, const std::uint8_t*, std::size_t, int) = nullptr;
  int (*end_headers)(Inflater*) = nullptr;
} nghttp2;

template <typename Function>
bool find(void* library, const char* name, Function& function) noexcept {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  return function != nullptr;
}

std::string_view text(const std::uint8_t* bytes, std::size_t size) noexcept {
  return {reinterpret_cast<const char*>(bytes), size};
}

bool serves_websockets(server_rec* first) noexcept {
  for (server_rec* each = first; each; each = each->next)
    if (config_of(each).http2.value_or(false)) return true;
  return false;
}

class Decoder final : public protocol::HeaderDecoder {
 public:
  Decoder(const Nghttp2& library, Inflater* inflater) noexcept
      : library_(library), inflater_(inflater) {}
  ~Decoder() override { library_.destroy(inflater_); }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  bool decode(std::string_view piece, bool last, const Field& field) override {
    for (;;) {
      NameValue pair{};
      int flags = 0;
      const ssize_t taken =
          library_.inflate(inflater_, &pair, &flags,
                           reinterpret_cast<const std::uint8_t*>(piece.data()), piece.size(), last);
      if (taken < 0) return false;
      piece.remove_prefix(static_cast<std::size_t>(taken));
      if (flags & has_field)
        field(text(pair.name, pair.name_size), text(pair.value, pair.value_size));
      if (flags & is_final) return library_.end_headers(inflater_) == 0;
      if (!(flags & has_field) && piece.empty()) return !last;
    }
  }

 private:
  const Nghttp2& library_;
  Inflater* const inflater_;
};

}  // namespace

void find_nghttp2(apr_pool_t*, server_rec* main_server) noexcept {
  const module* const mod_http2 = ap_find_linked_module("mod_http2.c");
  if (!mod_http2 || !serves_websockets(main_server)) return;
  void* const library = library_of(mod_http2);
  Nghttp2 found;
  if (!find(library, "nghttp2_hd_inflate_new", found.make) ||
      !find(library, "nghttp2_hd_inflate_del", found.destroy) ||
      !find(library, "nghttp2_hd_inflate_hd2", found.inflate) ||
      !find(library, "nghttp2_hd_inflate_end_headers", found.end_headers))
    return;
  pin_library(reinterpret_cast<const void*>(found.make));
  nghttp2 = found;
}

bool has_nghttp2() noexcept { return nghttp2.make != nullptr; }

std::unique_ptr<protocol::HeaderDecoder> make_header_decoder() {
  Inflater* inflater = nullptr;
  if (nghttp2.make(&inflater) != 0) throw std::bad_alloc();
  return std::make_unique<Decoder>(nghttp2, inflater);
}

}  // namespace cppwebsocket::httpd
