#include "runtime/request_text.hpp"

#include <cstring>

namespace cppwebsocket::runtime {

namespace {

// Calls `visit` with every view of the record.
template <typename Visit>
void each_view(detail::RequestRecord& record, Visit&& visit) {
  for (std::string_view* view :
       {&record.location, &record.resource, &record.query, &record.unparsed_uri,
        &record.remote_address, &record.local_address, &record.user, &record.handler_name,
        &record.extensions})
    visit(*view);
  if (record.origin) visit(*record.origin);
  if (record.protocol) visit(*record.protocol);
}

}  // namespace

void own_text(detail::RequestRecord& record) {
  const std::size_t header_count = record.headers.size() + record.environment.size();
  std::size_t bytes = header_count * sizeof(Header);
  each_view(record, [&](std::string_view view) { bytes += view.size(); });
  for (auto list : {record.headers, record.environment})
    for (const Header& header : list) bytes += header.name.size() + header.value.size();

  // new char[] is aligned for Header, which come first.
  auto text = std::make_unique_for_overwrite<char[]>(bytes);
  char* next = text.get() + header_count * sizeof(Header);
  const auto keep = [&](std::string_view& view) {
    if (!view.empty()) std::memcpy(next, view.data(), view.size());
    view = std::string_view(next, view.size());
    next += view.size();
  };
  Header* slot = reinterpret_cast<Header*>(text.get());
  for (auto* list : {&record.headers, &record.environment}) {
    Header* const first = slot;
    for (Header header : *list) {
      keep(header.name);
      keep(header.value);
      new (slot++) Header(header);
    }
    *list = std::span(first, list->size());
  }
  each_view(record, keep);
  record.text = std::move(text);
}

}  // namespace cppwebsocket::runtime
