#include "runtime/request_text.hpp"

#include <array>
#include <cstring>
#include <string>

namespace cppwebsocket::runtime {

namespace {

// Calls `visit` with every view of the record; the longest first, which others are parts of.
// The handler's name is its own, and lives as long as the session.
template <typename Visit>
void each_view(detail::RequestRecord& record, Visit&& visit) {
  for (std::string_view* view :
       {&record.headers, &record.environment, &record.location, &record.unparsed_uri,
        &record.resource, &record.query, &record.remote_address, &record.local_address,
        &record.user, &record.extensions})
    visit(*view);
  if (record.origin) visit(*record.origin);
  if (record.protocol) visit(*record.protocol);
}

}  // namespace

void own_text(detail::RequestRecord& record) {
  std::string text;
  std::size_t most = 0;
  each_view(record, [&](std::string_view view) { most += view.size(); });
  text.reserve(most);
  // Much is there twice: the query ends the URI, which ends the location, and Host is in it.
  std::array<std::size_t, 16> places;
  std::size_t count = 0;
  each_view(record, [&](std::string_view view) {
    std::size_t at = text.find(view);
    if (at == text.npos) {
      at = text.size();
      text.append(view);
    }
    places[count++] = at;
  });
  auto owned = std::make_unique_for_overwrite<char[]>(text.size());
  std::memcpy(owned.get(), text.data(), text.size());
  count = 0;
  each_view(record, [&](std::string_view& view) {
    view = std::string_view(owned.get() + places[count++], view.size());
  });
  record.text = std::move(owned);
}

}  // namespace cppwebsocket::runtime
