#include "httpd/ways_in/client_keys.hpp"

#include "httpd/pool.hpp"
#include "httpd/ways_in/connection_notes.hpp"
#include "httpd/ways_in/hpack.hpp"
#include "protocol/opening/channel_request.hpp"
#include "protocol/opening/header_fields.hpp"

#include <apr_buckets.h>
#include <http_connection.h>
#include <util_filter.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <new>

namespace cppwebsocket::httpd {

namespace {

constexpr char key_filter[] = "CPPWEBSOCKET_CLIENT_KEYS";
constexpr std::string_view answer_filter = "H2_C2_WS_OUT";  // mod_http2's

// What is there of a connection as long as it may be HTTP/2.
class KeyReader {
 public:
  bool read(apr_bucket_brigade* brigade) {
    if (!reader_) begin();
    for (apr_bucket* each = APR_BRIGADE_FIRST(brigade); each != APR_BRIGADE_SENTINEL(brigade);
         each = APR_BUCKET_NEXT(each)) {
      const char* bytes = nullptr;
      apr_size_t size = 0;
      if (APR_BUCKET_IS_METADATA(each)) continue;
      if (apr_bucket_read(each, &bytes, &size, APR_BLOCK_READ) != APR_SUCCESS) return false;
      if (!reader_->read({bytes, size})) return false;
    }
    return true;
  }

  ClientKeys keys;

 private:
  void begin() {
    decoder_ = make_header_decoder();
    reader_.emplace(*decoder_,
                    [this](std::uint32_t stream, std::string_view key) { keys.put(stream, key); });
  }

  std::unique_ptr<protocol::HeaderDecoder> decoder_;
  std::optional<protocol::Http2Keys> reader_;  // none before the first bytes, which HTTP/1 has not
};

// HTTP/1 is read by lines, HTTP/2 never is. Both are looked at first, without being taken. Where
// there is nothing for it to read any more the filter stays, and does nothing: a request may begin
// with it.
apr_status_t read_along(ap_filter_t* filter, apr_bucket_brigade* brigade, ap_input_mode_t mode,
                        apr_read_type_e block, apr_off_t most) noexcept {
  const apr_status_t status = ap_get_brigade(filter->next, brigade, mode, block, most);
  auto* const reader = static_cast<KeyReader*>(filter->ctx);
  if (!reader || mode == AP_MODE_SPECULATIVE || mode == AP_MODE_INIT) return status;
  bool goes_on = mode == AP_MODE_READBYTES;
  try {
    if (goes_on && status == APR_SUCCESS) goes_on = reader->read(brigade);
  } catch (const std::bad_alloc&) {
    goes_on = false;
  }
  if (!goes_on) filter->ctx = nullptr;
  return status;
}

int note_connection(conn_rec* c, void*) noexcept {
  if (c->master || !has_nghttp2()) return DECLINED;
  auto* const reader = make_in<KeyReader>(c->pool);
  make_notes_of(c).keys = &reader->keys;
  ap_add_input_filter(key_filter, reader, nullptr, c);
  return DECLINED;
}

}  // namespace

void ClientKeys::put(std::uint32_t stream, std::string_view key) {
  const std::lock_guard lock(mutex_);
  if (keys_.size() == most) keys_.pop_front();
  keys_.emplace_back(stream, key);
}

std::optional<std::string> ClientKeys::take(std::uint32_t stream) {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(keys_.begin(), keys_.end(),
                                  [stream](const auto& each) { return each.first == stream; });
  if (found == keys_.end()) return std::nullopt;
  std::string key = std::move(found->second);
  keys_.erase(found);
  return key;
}

std::optional<std::string> client_key(const request_rec* r) {
  const conn_rec* const master = r->connection->master;
  const ConnectionNotes* const notes = master ? notes_of(master) : nullptr;
  if (!notes || !notes->keys) return std::nullopt;
  const auto stream = protocol::parse_count(view(apr_table_get(r->subprocess_env, "H2_STREAM_ID")),
                                            std::numeric_limits<std::int32_t>::max());
  return stream ? notes->keys->take(*stream) : std::nullopt;
}

bool take_answer_from_mod_http2(conn_rec* c) noexcept {
  for (ap_filter_t* each = c->output_filters; each; each = each->next) {
    if (!protocol::equal_ignoring_case(each->frec->name, answer_filter)) continue;
    ap_remove_output_filter(each);
    return true;
  }
  return false;
}

bool is_key_filter(std::string_view name) noexcept {
  return protocol::equal_ignoring_case(name, key_filter);
}

void register_client_keys() noexcept {
  ap_hook_child_init(find_nghttp2, nullptr, nullptr, APR_HOOK_MIDDLE);
  ap_register_input_filter(key_filter, read_along, nullptr, AP_FTYPE_CONNECTION);
  ap_hook_pre_connection(note_connection, nullptr, nullptr, APR_HOOK_MIDDLE);
}

}  // namespace cppwebsocket::httpd
