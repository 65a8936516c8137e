// In the place of HPACK: a header block is lines of "name=value".
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "protocol/opening/http2_keys.hpp"

namespace cppwebsocket::protocol::test {

class PlainHeaders final : public HeaderDecoder {
 public:
  // A line "!" is what cannot be decoded.
  bool decode(std::string_view piece, bool last, const Field& field) override {
    block_.append(piece);
    blocks += last;
    for (std::size_t end = block_.find('\n'); end != block_.npos; end = block_.find('\n')) {
      const std::string line = block_.substr(0, end);
      block_.erase(0, end + 1);
      if (line == "!") return false;
      const std::size_t sign = std::min(line.find('='), line.size());
      field(std::string_view(line).substr(0, sign),
            std::string_view(line).substr(std::min(sign + 1, line.size())));
    }
    if (last) block_.clear();
    return true;
  }

  std::size_t blocks = 0;

 private:
  std::string block_;
};

}  // namespace cppwebsocket::protocol::test
