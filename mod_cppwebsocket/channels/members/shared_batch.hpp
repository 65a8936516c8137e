// What a channel's members get in one go, encoded once for all of them that want it in the same way.
// Thread: one reactor's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <cppwebsocket/publication.hpp>

#include "channels/store/record.hpp"
#include "protocol/frames/output.hpp"
#include "protocol/frames/protocol.hpp"
#include "protocol/frames/turn_share.hpp"

namespace cppwebsocket::channels {

// A publication on its way to members.
struct Arrival : Publication {
  // Who it is, if it may come twice: without a number first, and with it later. 0: it comes once.
  std::uint64_t origin = 0, sequence = 0;
  // Its position only is told: it has been given without one, or it is not to be given.
  bool given_early = false;
  std::string except;  // members with this tag do not get it

  bool is(const Arrival& other) const noexcept {
    return origin != 0 && origin == other.origin && sequence == other.sequence;
  }
};

// How a member wants it: as it is, or in JSON, with or without who comes and goes.
enum class Form : std::uint8_t { plain, json, json_events };

// The bytes of publications, one behind the other; of some there are none, because the format or the
// envelope has no way to say them.
struct Encoded {
  protocol::SharedBytes bytes;
  std::vector<std::size_t> ends;  // of each publication
  std::vector<std::size_t> payloads;  // bytes: of that and all before

  std::size_t payload(std::size_t begin, std::size_t end) const noexcept {
    return (end == 0 ? 0 : payloads[end - 1]) - (begin == 0 ? 0 : payloads[begin - 1]);
  }
  std::size_t begin_of(std::size_t i) const noexcept { return i == 0 ? 0 : ends[i - 1]; }
};

// That messages are lost up to `last`; appended to `out`. A plain one needs a format with names. An
// unknown place, of offset 0, is no id: the client would go back to the channel's beginning.
void encode_gap(Form form, const protocol::Protocol& protocol, std::string_view channel,
                const Position& last, std::string& out);

// What the record says, without who it is.
Publication publication_of(Record&& record);
Arrival arrival_of(Record&& record);
// Out of a history: what is no longer to be given tells its position only.
Arrival past_arrival_of(Record&& record);
bool has_expired(const Record& record);

// That messages are lost up to `last`.
Arrival gap_until(const Position& last);

class SharedBatch {
 public:
  explicit SharedBatch(std::vector<Arrival>&& publications);

  const std::vector<Arrival>& publications() const noexcept { return publications_; }

  // The first of the publications that is not at or before `start`.
  std::size_t first_after(const Position& start) const noexcept;
  // Whether some of the first so many have no offset: those are never old.
  bool has_unnumbered(std::size_t first) const noexcept;
  // Copies of those from `first` on that are not at or before `start`. Raises std::bad_alloc.
  std::vector<Arrival> after(const Position& start, std::size_t first) const;
  // Something is lost before or between these.
  bool has_gap() const noexcept { return has_gap_; }
  bool has_given_early() const noexcept { return has_given_early_; }
  bool has_exceptions() const noexcept { return has_exceptions_; }
  std::size_t payload_bytes() const noexcept { return payload_bytes_; }

  // `channel` is the name to be put into the envelope. Valid until the next call. Raises std::bad_alloc.
  const Encoded& encoded(Form form, const protocol::Protocol& protocol, std::string_view channel);
  // As much of that as `share` allows, if that is not used up. True: it is done. Raises std::bad_alloc.
  bool encode(Form form, const protocol::Protocol& protocol, std::string_view channel,
              protocol::TurnShare& share);

 private:
  // One that is being made: of as many publications as have their end in it, and of `done` bytes of
  // the next one's message.
  struct Encoding {
    unsigned key;  // form and format
    Encoded result;
    std::shared_ptr<std::string> bytes;  // the result's
    Message made;
    std::size_t done = 0;
  };

  Encoding& encoding(Form form, const protocol::Protocol& protocol);
  void go_on(Encoding& encoding, Form form, const protocol::Protocol& protocol,
             std::string_view channel, protocol::TurnShare& share) const;

  std::vector<Arrival> publications_;
  Position oldest_;  // of those that have one
  bool has_gap_ = false;
  bool has_given_early_ = false;
  bool has_exceptions_ = false;
  std::size_t payload_bytes_ = 0;
  std::vector<Encoding> encodings_;
};

}  // namespace cppwebsocket::channels
