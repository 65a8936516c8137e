// How an application knows that an event is from here, and not an old one: the headers of Standard Webhooks
// (https://www.standardwebhooks.com), for which most languages have a library. Thread: any.
#pragma once

#include <string>
#include <string_view>

namespace cppwebsocket::channels {

// "v1,…": HMAC-SHA256 of "ID.TIMESTAMP.BODY" in Base64. `secret`: its bytes are the key, or where it begins with "whsec_"
// those that the rest is in Base64; what is no Base64 is taken as it stands. Raises runtime_error.
std::string signature_of(std::string_view secret, std::string_view id, std::string_view timestamp, std::string_view body);

}  // namespace cppwebsocket::channels
