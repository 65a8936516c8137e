// The two drafts' part of the opening handshake. Used by handshake.cpp only.
#pragma once

#include <optional>
#include <string_view>

#include "protocol/opening/handshake.hpp"
#include "protocol/opening/header_fields.hpp"

namespace cppwebsocket::protocol {

Refusal bad_request(std::string_view text);  // 400

// Fill what the draft adds to `opening`, or say what is wrong. Host and location are there.
std::optional<Refusal> read_draft76(const HeaderFields& fields, Opening& opening);
std::optional<Refusal> read_draft75(const HeaderFields& fields, Opening& opening);

OpeningResponse complete_draft76(const Opening& opening, std::string_view protocol,
                                 std::string_view challenge, const Digest& digest);
OpeningResponse complete_draft75(const Opening& opening, std::string_view protocol);

}  // namespace cppwebsocket::protocol
