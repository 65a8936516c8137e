// What a channel's members get in one go, encoded once for all of them that want it in the same way.
// Thread: one reactor's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <cppwebsocket/publication.hpp>

#include "protocol/frames/output.hpp"
#include "protocol/frames/protocol.hpp"

namespace cppwebsocket::channels {

// How a member wants it: as it is, or in JSON, with or without who comes and goes.
enum class Form : std::uint8_t { plain, json, json_events };

// The bytes of publications, one behind the other; of some there are none, because the format or the
// envelope has no way to say them.
struct Encoded {
  protocol::SharedBytes bytes;
  std::vector<std::uint32_t> ends;  // of each publication

  std::size_t begin_of(std::size_t i) const noexcept { return i == 0 ? 0 : ends[i - 1]; }
};

// Server-Sent Events have names: there a gap can be told without an envelope.
bool tells_gaps(const protocol::Protocol& protocol) noexcept;
std::string encode_gap(const Position& last);

class SharedBatch {
 public:
  explicit SharedBatch(std::vector<Publication>&& publications);

  const std::vector<Publication>& publications() const noexcept { return publications_; }

  // The first of the publications that is not at or before `start`.
  std::size_t first_after(const Position& start) const noexcept;
  // Something is lost before or between these.
  bool has_gap() const noexcept { return has_gap_; }

  // `channel` is the name to be put into the envelope. Raises std::bad_alloc.
  const std::shared_ptr<const Encoded>& encoded(Form form, const protocol::Protocol& protocol,
                                                std::string_view channel);

 private:
  std::shared_ptr<const Encoded> encode(Form form, const protocol::Protocol& protocol,
                                        std::string_view channel) const;

  std::vector<Publication> publications_;
  Position oldest_;  // of those that have one
  bool has_gap_ = false;
  std::vector<std::pair<unsigned, std::shared_ptr<const Encoded>>> encoded_;  // by form and format
};

}  // namespace cppwebsocket::channels
