#include "httpd/endpoints/opening_handshake.hpp"

#include "httpd/ask/judge.hpp"
#include "httpd/child/child.hpp"
#include "httpd/child/client_counts.hpp"
#include "httpd/configuration/config.hpp"
#include "httpd/endpoints/connection_age.hpp"
#include "httpd/endpoints/event_stream_opening.hpp"
#include "httpd/endpoints/hooked_opening.hpp"
#include "httpd/log.hpp"
#include "httpd/module.hpp"
#include "httpd/pool.hpp"
#include "httpd/request/answer.hpp"
#include "httpd/request/apr_digest.hpp"
#include "httpd/request/capture.hpp"
#include "httpd/request/cross_origin.hpp"
#include "httpd/ways_in/client_keys.hpp"
#include "httpd/ways_in/takeover.hpp"
#include "httpd/ways_in/way_in.hpp"
#include "protocol/frames/event_stream.hpp"
#include "protocol/frames/protocol.hpp"
#include "protocol/opening/header_fields.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cppwebsocket::httpd {

namespace {

using runtime::Refused;

constexpr std::size_t most_head = 64 << 10;           // bytes of the target and all fields
constexpr int request_header_fields_too_large = 431;  // RFC 6585 §5

class OpeningHandshake {
 public:
  OpeningHandshake(request_rec* r, Child& child, std::span<Header> headers, Answerer&& answerer,
                   bool is_event_stream)
      : r_(r),
        child_(child),
        headers_(headers),
        answerer_(std::move(answerer)),
        is_event_stream_(is_event_stream),
        settings_(settings_of(directory_config_of(r))) {
    if (answerer_.handler->is_blocking()) limit_blocking(settings_, directory_config_of(r));
  }

  // Returns what the content handler must return.
  int run() {
    const int status = answer();
    note_time();
    return status;
  }

 private:
  using MaybeRefused = std::optional<int>;

  // Until the answer: a way in through httpd's filters comes back when the connection has ended.
  void note_time() noexcept {
    if (std::exchange(is_timed_, true)) return;
    const auto taken = std::chrono::microseconds(apr_time_now() - r_->request_time);
    child_.counts().handshakes.note(taken, runtime::add_shared);
  }

  int answer() {
    if (const auto refused = check_head()) return *refused;
    if (const auto refused = check_connection()) return *refused;
    if (const auto refused = check_opening()) return *refused;
    if (const auto refused = check_origin()) return *refused;
    if (const auto refused = check_client()) return *refused;
    if (const auto refused = check_age()) return *refused;
    if (const auto refused = make_session()) return *refused;
    if (const auto refused = ask_application()) return *refused;
    if (const auto refused = ask_handler()) return *refused;
    return open();
  }

  // It stays as long as the connection does, for the handler may ask for any of it at any time.
  // httpd's own limits are for each field, and for their number: 800 KiB in all.
  MaybeRefused check_head() {
    std::size_t size = view(r_->unparsed_uri).size();
    for (const Header& header : headers_) size += header.name.size() + header.value.size();
    if (size <= most_head) return std::nullopt;
    child_.count(Refused::malformed);
    log_request(r_, APLOG_INFO,
                "CWS0011: malformed handshake: a head of " + std::to_string(size) + " bytes");
    return refuse(r_, request_header_fields_too_large,
                  "The head of an opening handshake may have 64 KiB.");
  }

  MaybeRefused check_connection() {
    std::string why;
    way_ = find_way_in(r_, child_, !is_event_stream_, why);
    if (way_) return std::nullopt;
    log_request(r_, APLOG_ERR, "CWS0013: " + why);
    return refuse(r_, HTTP_NOT_IMPLEMENTED, why);
  }

  MaybeRefused check_opening() {
    if (is_event_stream_) {
      opening_ = event_stream_opening(opening_request_of(r_, headers_));
      return std::nullopt;
    }
    auto parsed =
        protocol::parse_opening(opening_request_of(r_, headers_), settings_.legacy_protocols);
    if (const auto* refusal = std::get_if<protocol::Refusal>(&parsed)) {
      child_.count(Refused::malformed);
      log_request(r_, APLOG_INFO, "CWS0011: malformed handshake: " + refusal->text);
      return refuse(r_, refusal->status, refusal->text, refusal->headers);
    }
    opening_ = std::get<protocol::Opening>(std::move(parsed));
    return std::nullopt;
  }

  MaybeRefused check_origin() {
    const protocol::HeaderFields fields(headers_);
    // A request for a WebSocket without Origin is no browser's. One for events may be, of a page of
    // the same origin, or what it takes for that.
    const auto refused = refuse_other_pages(r_, settings_.origin,
                              {.origin = opening_.origin,
                               .site = fields.first("Sec-Fetch-Site"),
                               .host = opening_.host,
                               .always_with_origin = !is_event_stream_});
    if (refused) child_.count(Refused::origin);
    return refused;
  }

  // What it has already, and how often it has come (WebSocketLimit).
  MaybeRefused check_client() {
    auto refusal = child_.client_counts().take(r_, answerer_.handler->is_blocking(), taken_);
    if (!refusal) return std::nullopt;
    child_.count(Refused::limit);
    log_request(r_, child_.log_level_of(Cause::over_limit),
                "CWS0086: a client wants more than it may have: " + refusal->why);
    return not_now(HTTP_TOO_MANY_REQUESTS, refusal->again, refusal->text);
  }

  // Until when the connection may be open (WebSocketMaxAge).
  MaybeRefused check_age() {
    const auto age = age_of(r_);
    if (const auto* refused = std::get_if<NoAge>(&age)) return refuse(r_, refused->status, refused->text);
    end_ = std::get<std::optional<ConnectionEnd>>(age);
    return std::nullopt;
  }

  MaybeRefused make_session() {
    auto record = capture(r_, answerer_.resource, opening_, headers_);
    record->way = static_cast<std::uint8_t>(way_->kind()) & 3;
    record->handler_name = &answerer_.handler->name();
    record->limits = settings_.limits;
    record->user_data = std::move(answerer_.user_data);
    if (opening_.needs_key3) {
      const auto key3 = read_key3(r_);
      if (!key3) {
        child_.count(Refused::malformed);
        log_request(r_, APLOG_INFO, "CWS0011: malformed handshake: no eight bytes behind the head");
        return refuse(r_, HTTP_BAD_REQUEST,
                      "The eight bytes of the third key must follow the head (draft-76, 5.2).");
      }
      record->handshake->challenge = protocol::draft76_challenge(opening_, *key3);
      const auto md5 = apr_digest.md5(record->handshake->challenge);
      record->handshake->challenge_md5.assign(md5.begin(), md5.end());
    }
    std::string_view why_not;
    session_ = child_.runtime().make_session(std::move(record), answerer_.handler, why_not);
    if (!session_) return no_room(why_not);
    taken_.give_to(*session_);
    session_->set_message_timeout(settings_.message_timeout);
    if (settings_.pace.messages.count != 0 || settings_.pace.bytes.count != 0) session_->set_pace(settings_.pace);
    if (end_) session_->set_latest_end(end_->when, end_->code);
    return std::nullopt;
  }

  int no_room(std::string_view why) {
    child_.count(Refused::full);
    log_request(r_, child_.is_first_overload() ? APLOG_WARNING : APLOG_INFO,
                "CWS0014: no room for a connection: " + std::string(why));
    return not_now(HTTP_SERVICE_UNAVAILABLE, std::chrono::seconds(5),
                   "There is no room for another connection now.");
  }

  // For the time being; so an event stream is told when to come back, and has its end at once. Any
  // status but 200 would end an EventSource for good (WHATWG HTML, "Server-sent events"). Over HTTP/2
  // that end is in order, for mod_http2 runs fewer streams at a time after each that is reset; to who
  // would take it for the last word a status says the same.
  int not_now(int status, std::chrono::seconds again, std::string_view text) {
    if (is_event_stream_ && (!r_->connection->master || comes_back_after_any_end(r_))) {
      const std::chrono::milliseconds spread(apr_time_msec(r_->request_time) * 617 % 5'000);
      return send_and_end(r_, event_stream_response(again + spread));
    }
    std::vector<std::pair<std::string, std::string>> headers = {
        {"Retry-After", std::to_string(again.count())}};
    if (is_event_stream_) add_cross_origin_headers(settings_.origin, opening_.origin, headers);
    return refuse(r_, status, text, headers);
  }

  // It may hold no handshake up for long: Firefox has all others to this address wait for it.
  MaybeRefused ask_application() {
    if (!answerer_.application) answerer_.application = Application::of(r_, answerer_.resource);
    HookedOpening hooked(r_, child_, headers_, answerer_.application, *session_);
    const auto refusal = hooked.ask(opening_.origin);
    if (refusal) {
      child_.count(Refused::application);
      return refusal->is_final ? refuse(r_, refusal->status, refusal->text)
                               : not_now(refusal->status, std::chrono::seconds(5), refusal->text);
    }
    if (const auto end = hooked.end(); end && (!end_ || *end < end_->when))
      session_->set_latest_end(*end, end_ ? end_->code : close_code::policy_violation);
    return std::nullopt;
  }

  MaybeRefused ask_handler() {
    try {
      session_->do_extra_handshake();
    } catch (const HandshakeException& error) {
      const bool is_error = error.status() >= 400 && error.status() <= 599;
      return refused_by_handler(is_error ? error.status() : HTTP_FORBIDDEN, error.what());
    } catch (const AbortedByUserException&) {
      child_.count(Refused::handler);
      log_request(r_, APLOG_INFO,
                  "CWS0015: handler " + answerer_.handler->name() + " drops the connection");
      return drop(r_);
    } catch (const std::exception& error) {
      return failed_in_handler(error.what());
    } catch (...) {
      return failed_in_handler("something that is no std::exception");
    }
    const detail::HandshakeRecord& handshake = *session_->record().handshake;
    // RFC 6455 §4.2.2: none is an answer, but not by oversight. The drafts know no offers.
    if (opening_.version == Version::rfc6455 && !opening_.protocols.empty() &&
        !handshake.protocol_chosen && !handshake.protocol_declined)
      return refused_by_handler(HTTP_BAD_REQUEST,
                                "The handler supports none of the subprotocols offered.");
    return std::nullopt;
  }

  int refused_by_handler(int status, const std::string& why) {
    child_.count(Refused::handler);
    log_request(r_, APLOG_INFO,
                "CWS0015: handler " + answerer_.handler->name() + " refuses with " +
                    std::to_string(status) + ": " + why);
    return refuse(r_, status, why);
  }

  int failed_in_handler(const std::string& what) {
    child_.count(Refused::failed);
    log_request(r_, APLOG_ERR,
                "CWS0016: handler " + answerer_.handler->name() +
                    ": web_socket_do_extra_handshake raised an exception: " + what);
    return refuse(r_, HTTP_FORBIDDEN, "The handler does not accept this connection.");
  }

  std::unique_ptr<protocol::Protocol> make_protocol() {
    detail::RequestRecord& record = session_->record();
    const std::size_t most = record.limits.max_message_size;
    if (opening_.version == Version::draft76) return protocol::make_draft76(most);
    if (opening_.version == Version::draft75) return protocol::make_draft75(most);
    if (is_event_stream_)
      return protocol::make_event_stream(protocol::EventForm::encoded, framing_of(r_));
    std::unique_ptr<protocol::PerMessageDeflate> deflate;
    if (record.handshake->extensions_enabled) {
      const auto agreement =
          protocol::negotiate_deflate(opening_.extensions, settings_.compression);
      if (agreement) {
        deflate = std::make_unique<protocol::PerMessageDeflate>(
            agreement->parameters, session_->loop().deflate_workspace());
        record.set_text(detail::Text::extensions, c_string_in(r_->pool, agreement->response));
        record.deflate = true;
      }
    }
    return protocol::make_rfc6455(most, std::move(deflate), &session_->loop().spare_payloads());
  }

  protocol::OpeningResponse websocket_response() const {
    detail::RequestRecord& record = session_->record();
    protocol::Opening opening = opening_;
    const auto key = client_key(r_);
    const bool own_answer = key && take_answer_from_mod_http2(r_->connection);
    if (own_answer) opening.key = *key;
    auto response = protocol::complete_opening(opening, record.text(detail::Text::protocol),
                                               record.text(detail::Text::extensions),
                                               record.handshake->challenge, apr_digest);
    if (own_answer) put_on_http2(response);
    return response;
  }

  protocol::OpeningResponse event_stream_response(std::chrono::milliseconds retry) const {
    return httpd::event_stream_response(r_, settings_.origin, opening_, retry);
  }

  // Spread by the connection's number: all clients of a server that goes come back.
  std::chrono::milliseconds retry_time() const {
    const std::chrono::milliseconds spread(session_->record().id * 617 % 2'000);
    return std::chrono::seconds(1) + spread;
  }

  // Everything that may fail comes before the answer.
  int open() {
    detail::RequestRecord& record = session_->record();
    detail::HandshakeRecord& handshake = *record.handshake;
    if (handshake.protocol_chosen)
      record.set_text(detail::Text::protocol, c_string_in(r_->pool, handshake.protocol));
    appoint_judge(r_, child_.runtime(), *session_);
    auto protocol = make_protocol();
    const auto response =
        is_event_stream_ ? event_stream_response(retry_time()) : websocket_response();
    if (const std::string why = way_->reserve(); !why.empty()) return no_room(why);
    const int status = is_event_stream_ ? HTTP_OK : HTTP_SWITCHING_PROTOCOLS;  // by any way
    if (const int refusal = show_to_filters(r_, status, response, handshake.response_headers);
        refusal != OK)
      return refusal;
    if (!send_opening(r_, response, handshake.response_headers)) {
      log_request(r_, APLOG_INFO, "CWS0017: the client went away during the handshake");
      return drop(r_);
    }
    note_time();
    way_->open(std::move(session_), std::move(protocol));
    return OK;
  }

  request_rec* r_;
  Child& child_;
  std::span<Header> headers_;
  Answerer answerer_;
  const bool is_event_stream_;
  Settings settings_;
  protocol::Opening opening_;
  std::unique_ptr<WayIn> way_;
  ClientCounts::Taken taken_;
  std::optional<ConnectionEnd> end_;
  bool is_timed_ = false;
  std::unique_ptr<runtime::Session> session_;
};

}  // namespace

int open_websocket(request_rec* r, Child& child, std::span<Header> headers, Answerer&& answerer) {
  return OpeningHandshake(r, child, headers, std::move(answerer), false).run();
}

int open_event_stream(request_rec* r, Child& child, std::span<Header> headers,
                      Answerer&& answerer) {
  return OpeningHandshake(r, child, headers, std::move(answerer), true).run();
}

}  // namespace cppwebsocket::httpd
