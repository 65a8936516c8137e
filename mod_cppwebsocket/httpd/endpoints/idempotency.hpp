// Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): a POST that is sent again, because its answer was lost,
// publishes nothing and gets the first answer. What is remembered is in channels/store/idempotency.hpp.
// Thread: the request's MPM worker.
#pragma once

#include "channels/store/idempotency.hpp"
#include "protocol/opening/header_fields.hpp"

#include <httpd.h>

#include <string>
#include <string_view>
#include <variant>

#include <cppwebsocket/message.hpp>

namespace cppwebsocket::httpd {

// What a POST to `channel` is known by: its key, with the user who has sent it; empty without one. Or the refusal of what is
// no key.
std::variant<std::string, int> idempotency_name(request_rec* r, const protocol::HeaderFields& fields,
                                                std::string_view channel);

// Whether it is the first, of this child's table. `name` is not empty.
channels::IdempotencyTable::Attempt begin_once(channels::IdempotencyTable& table, std::string_view name,
                                               const Message& message);

// The refusal of one that is neither the first nor repeated.
int refuse_attempt(request_rec* r, channels::IdempotencyTable::Outcome outcome);

}  // namespace cppwebsocket::httpd
