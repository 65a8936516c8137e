// The client's requests and the answers' heads: the opening handshake (RFC 6455 §4.1), with the key
// of §1.3's example, and a plain GET.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "options.hpp"

namespace bench {

inline std::string make_request(const Options& options, const std::string& path) {
  const std::string start =
      "GET " + path + " HTTP/1.1\r\nHost: " + options.host + ":" + std::to_string(options.port);
  if (options.mode == Mode::get) return start + "\r\n\r\n";
  const char* extension = "";
  if (options.compression == Compression::takeover) {
    // What browsers offer.
    extension = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
  } else if (options.compression == Compression::no_takeover) {
    extension =
        "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; "
        "client_no_context_takeover\r\n";
  }
  return start +
         "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" +
         extension + "\r\n";
}

// An answer's status line and headers, without the empty line.
class AnswerHead {
 public:
  explicit AnswerHead(std::string head) : head_(std::move(head)) {
    for (std::size_t i = 0; i < head_.size(); ++i) {  // names in lower case, values as they are
      if (head_[i] != '\n') continue;
      for (++i; i < head_.size() && head_[i] != ':'; ++i) head_[i] |= 0x20;
    }
  }

  std::string status_line() const { return head_.substr(0, head_.find('\r')); }
  bool has_status(std::string_view status) const {
    return head_.starts_with("HTTP/1.1 ") && head_.compare(9, status.size(), status) == 0;
  }

  // Empty if there is none.
  std::string_view header(std::string_view name) const {
    const std::string line = "\r\n" + std::string(name) + ": ";
    const std::size_t start = head_.find(line);
    if (start == std::string::npos) return {};
    const std::string_view rest = std::string_view(head_).substr(start + line.size());
    return rest.substr(0, rest.find('\r'));
  }

  // Why this handshake will not do, or null.
  const char* objection(Compression wanted) const {
    if (!has_status("101")) return "the server does not accept the handshake";
    if (header("sec-websocket-accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") {
      return "wrong Sec-WebSocket-Accept";
    }
    const std::string_view extensions = header("sec-websocket-extensions");
    const bool compresses = extensions.find("permessage-deflate") != extensions.npos;
    if (compresses != (wanted != Compression::none)) {
      return compresses ? "compression was not asked for" : "the server does not compress";
    }
    const bool forgets = extensions.find("no_context_takeover") != extensions.npos;
    if (wanted == Compression::takeover && forgets) return "the server takes no context over";
    return nullptr;
  }

  // How far back the server lets our compressed messages refer (RFC 7692 §7.1.2.2).
  int client_window_bits() const {
    constexpr std::string_view name = "client_max_window_bits=";
    const std::string_view extensions = header("sec-websocket-extensions");
    const std::size_t at = extensions.find(name);
    return at == extensions.npos ? MAX_WBITS
                                 : std::atoi(std::string(extensions.substr(at + name.size())).c_str());
  }

  std::size_t content_length() const {
    return std::strtoull(std::string(header("content-length")).c_str(), nullptr, 10);
  }

 private:
  std::string head_;
};

}  // namespace bench
