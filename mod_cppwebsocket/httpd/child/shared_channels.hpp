// The memory through which channels reach all children: made by httpd's parent, inherited by every
// child, kept over restarts. Once there are children, the parent leaves it alone: see ChannelMemory.
#pragma once

#include "channels/store/idempotency.hpp"
#include "channels/store/store.hpp"
#include "runtime/counters/totals.hpp"
#include "runtime/limits/table.hpp"

#include <httpd.h>

#include <memory>

namespace cppwebsocket::httpd {

// Makes it, unless this httpd has it already. Raises runtime_error with what the administrator has
// to change. Thread: startup.
void make_channel_memory(server_rec* main_server);

// This child's place in it. If all are taken it gets a memory of its own, and its channels reach
// nobody else: the log says so. Raises runtime_error and system_error. Thread: the child's main one.
std::unique_ptr<channels::ChannelStore> make_channel_store(server_rec* main_server);

// Where all children count members by channel; null for a child that has no seat among the others. Raises
// std::bad_alloc. Thread: the child's main one.
std::unique_ptr<runtime::LimitTable> make_member_counts(const channels::ChannelStore& store);

// Where all children remember requests by their Idempotency-Key; null as above.
std::unique_ptr<channels::IdempotencyTable> make_idempotency_table(const channels::ChannelStore& store);

// Null before it is made. Thread: any of a child.
channels::ChannelMemory* channel_memory() noexcept;

// Where all children count; null before it is made. Thread: any of a child.
runtime::Sheet* counters() noexcept;
// Added up now. `memory` is channel_memory(), looked through for dead children. Raises std::bad_alloc. Thread: any of a child.
std::unique_ptr<runtime::Totals> totals_of_children(const channels::ChannelMemory& memory);
// A child takes its page there; a page of nothing if it has no seat among the others. Thread: child_init's.
runtime::Page page_of(const channels::ChannelStore& store) noexcept;

}  // namespace cppwebsocket::httpd
