// One loaded version of a handler file.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include <cppwebsocket/handler_table.hpp>

#include "runtime/handlers/private_copy.hpp"

namespace cppwebsocket::runtime {

// Unmaps `object`, from dlopen; the copy that it was opened from is gone then, too.
void unload(void* object, PrivateCopy copy) noexcept;

// Keeps the shared object mapped; the last owner unmaps it. Every session holds one.
// Thread: any; immutable.
class Handler {
 public:
  // For a table that is linked in (tests).
  Handler(std::string name, const HandlerTable& table) : name_(std::move(name)), table_(table) {}
  // Takes over `object`, from dlopen, and what it was opened from.
  Handler(std::string name, const HandlerTable& table, void* object, PrivateCopy copy,
          std::string version)
      : name_(std::move(name)),
        version_(std::move(version)),
        table_(table),
        object_(object),
        copy_(std::move(copy)) {}
  ~Handler();
  Handler(const Handler&) = delete;
  Handler& operator=(const Handler&) = delete;

  const std::string& name() const noexcept { return name_; }  // "foo/bar_wsh.so"
  // When its file was written, "2026-11-30T18:21:35Z"; empty: it is part of this module.
  const std::string& version() const noexcept { return version_; }
  const HandlerTable& table() const noexcept { return table_; }
  bool is_blocking() const noexcept { return table_.blocking_transfer_data != nullptr; }

 private:
  std::string name_;
  std::string version_;
  const HandlerTable& table_;
  void* object_ = nullptr;
  PrivateCopy copy_;
};

}  // namespace cppwebsocket::runtime
