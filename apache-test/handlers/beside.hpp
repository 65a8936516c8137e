// What beside_wsh.cpp and beside_blocking_wsh.cpp share.
#pragma once

#include <chrono>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <cppwebsocket/exceptions.hpp>
#include <cppwebsocket/sender.hpp>

namespace beside {

inline constexpr std::chrono::milliseconds pause{3};

inline std::string compute() {
  std::this_thread::sleep_for(pause);
  return "computed";
}

inline std::mutex mutex;
inline std::vector<cppwebsocket::Sender> senders;

inline void add(cppwebsocket::Sender sender) {
  std::lock_guard lock(mutex);
  std::erase_if(senders, [](const cppwebsocket::Sender& each) { return !each.is_open(); });
  senders.push_back(std::move(sender));
}

inline void close_all() {
  std::lock_guard lock(mutex);
  for (const cppwebsocket::Sender& each : senders) each.close(4002, "closed by another");
}

// Whether the function is to return; or raises.
inline bool ends(const std::string& what) {
  if (what == "raise") throw cppwebsocket::UnsupportedFrameException("asked for");
  if (what == "abort") throw cppwebsocket::AbortedByUserException();
  return what == "return" || what == "close";
}

}  // namespace beside
