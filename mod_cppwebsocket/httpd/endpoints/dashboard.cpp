#include "httpd/endpoints/dashboard.hpp"

#include "httpd/endpoints/administration.hpp"
#include "httpd/module.hpp"
#include "httpd/pool.hpp"

#include <array>
#include <cerrno>
#include <string>
#include <system_error>

#include <sys/random.h>

namespace cppwebsocket::httpd {

namespace {

constexpr std::string_view place_of_nonce = "NONCE";

std::string make_nonce() {
  std::array<unsigned char, 16> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    throw std::system_error(errno, std::generic_category(), "getrandom");
  constexpr char digits[] = "0123456789abcdef";
  std::string nonce;
  for (const unsigned char each : bytes) nonce.append({digits[each >> 4], digits[each & 15]});
  return nonce;
}

}  // namespace

// Nothing but itself: no other script or style, no other server, and no page around it whose clicks could be led here.
int serve_dashboard(request_rec* r) {
  const std::string nonce = make_nonce();
  const std::string policy = "default-src 'none'; script-src 'nonce-" + nonce + "'; style-src 'nonce-" + nonce +
                             "'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
  apr_table_setn(r->headers_out, "Content-Security-Policy", c_string_in(r->pool, policy));
  apr_table_setn(r->headers_out, "X-Frame-Options", "DENY");
  apr_table_setn(r->headers_out, "Referrer-Policy", "no-referrer");
  std::string page(dashboard_page);
  for (std::size_t at = page.find(place_of_nonce); at != page.npos; at = page.find(place_of_nonce, at))
    page.replace(at, place_of_nonce.size(), nonce);
  return answer_text(r, HTTP_OK, "text/html; charset=utf-8", page);
}

}  // namespace cppwebsocket::httpd
