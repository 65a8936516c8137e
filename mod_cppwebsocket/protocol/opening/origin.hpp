// Origins: what a browser says about the page that asks, and which it is to be. RFC 6454.
#pragma once

#include <string_view>

namespace cppwebsocket::protocol {

// True if the origin's scheme, host and port are those that the request was sent to (scheme by
// `secure`; `host`: its "host[:port]"; hosts compared without case, default ports equal to absent
// ones; ws counts as http and wss as https, for only clients that are no browsers say these). "null"
// and anything that is not one serialized origin (RFC 6454 §6.2) are not.
bool is_same_origin(std::string_view origin, std::string_view host, bool secure) noexcept;

// Exact comparison of two serialized origins: scheme and host without case, default port = absent.
// "null" and "file://" equal only themselves: whoever lists one means any page that has it.
bool is_origin(std::string_view origin, std::string_view expected) noexcept;

// Whether `text` is an origin, or a pattern of origins: "https://*.example.com" are all names below
// example.com, "http://localhost:*" all ports, "moz-extension://*" all hosts. The last is none for
// schemes of the web, nor is "https://*.com" with a single label, or a '*' anywhere else.
bool is_origin_pattern(std::string_view text) noexcept;

// Whether `origin` is one of those. A port that is not given is the scheme's default one.
bool matches_origin(std::string_view origin, std::string_view pattern) noexcept;

// True for a host that no name server can lead elsewhere: an IP address as browsers write it, of
// IPv6 in brackets, and localhost (RFC 6761 §6.3). Any other name leads where its owner wants, to
// this server as well, and then a page of that owner has the same origin as this server.
bool is_fixed_host(std::string_view host) noexcept;

// True if the origin's host and that of "host[:port]" are both this machine. To a browser localhost,
// 127.0.0.1 and [::1] are different origins, which surprises people.
bool are_loopback(std::string_view origin, std::string_view host) noexcept;

}  // namespace cppwebsocket::protocol
