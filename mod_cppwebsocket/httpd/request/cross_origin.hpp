// Pages of other origins: what WebSocketOrigin allows, in the words of CORS (Fetch, §3.2). A
// browser lets any page open a WebSocket, but not read a response that does not say so.
#pragma once

#include "httpd/configuration/config.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cppwebsocket::httpd {

// Adds what lets a page of `origin`, which was found to be allowed, read the response.
void add_cross_origin_headers(const OriginPolicy& policy, std::optional<std::string_view> origin,
                              std::vector<std::pair<std::string, std::string>>& headers);

}  // namespace cppwebsocket::httpd
