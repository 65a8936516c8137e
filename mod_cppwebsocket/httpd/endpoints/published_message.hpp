// What a request that publishes says: whether its page may, and the message. Thread: the request's MPM worker.
#pragma once

#include <cppwebsocket/header_list.hpp>
#include <cppwebsocket/message.hpp>

#include <httpd.h>

#include <cstddef>
#include <optional>
#include <span>
#include <variant>

#include "channels/store/remarks.hpp"

namespace cppwebsocket::protocol {
class HeaderFields;
}

namespace cppwebsocket::httpd {

// The refusal of a page that may not, which is being answered: what the content handler must return. Else the
// answer's fields say that the page may read it. A page of another origin could make its reader's browser publish,
// with all that the reader may do: so the rule is the same as for WebSockets.
std::optional<int> refuse_publisher(request_rec* r, std::span<Header> headers);

// The body, a text that is UTF-8 or bytes, of at most so many; or the refusal.
std::variant<Message, int> read_message(request_rec* r, const protocol::HeaderFields& fields,
                                        std::size_t most_bytes);

// Who publishes, and what the query says of the message: event=, retry=, ttl=, except=; or the refusal.
std::variant<channels::Remarks, int> read_remarks(request_rec* r, const Message& message);

}  // namespace cppwebsocket::httpd
