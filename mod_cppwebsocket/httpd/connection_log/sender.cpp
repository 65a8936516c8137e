#include "httpd/connection_log/sender.hpp"

#include "httpd/connection_log/writer.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <thread>
#include <utility>

#include <signal.h>
#include <sys/socket.h>

namespace cppwebsocket::httpd {

namespace {

std::string packet_of(std::uint64_t id, std::string_view line) {
  std::string packet(sizeof id, '\0');
  std::memcpy(packet.data(), &id, sizeof id);
  packet.append(line.substr(0, longest_log_line));
  packet.back() = '\n';
  return packet;
}

}  // namespace

LogSender::LogSender(int socket, runtime::ChildCount& counts, std::function<void()> lost)
    : socket_(socket), counts_(counts), lost_(std::move(lost)) {}

void LogSender::send(std::uint64_t id, std::string_view line) noexcept {
  try {
    std::string packet = packet_of(id, line);
    runtime::add_shared(counts_.log_lines);
    std::lock_guard lock(mutex_);
    if (kept_.empty() && ::send(socket_, packet.data(), packet.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return;
    if (kept_bytes_ + packet.size() <= most_kept) return keep(std::move(packet));
  } catch (...) {  // no memory
  }
  runtime::add_shared(counts_.log_lines_lost);
  lost_();
}

// With the lock.
void LogSender::keep(std::string&& packet) {
  const std::size_t size = packet.size();
  kept_.push_back(std::move(packet));
  kept_bytes_ += size;
  if (!std::exchange(has_thread_, true)) {
    sigset_t all, before;  // httpd's signals are for httpd's threads
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    std::thread([this] { send_kept(); }).detach();
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  changed_.notify_one();
}

// The thread, which ends with the process.
void LogSender::send_kept() noexcept {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return !kept_.empty(); });
    const std::string packet = kept_.front();
    lock.unlock();
    while (::send(socket_, packet.data(), packet.size(), MSG_NOSIGNAL) < 0 && errno == EINTR) {
    }
    lock.lock();
    kept_bytes_ -= packet.size();
    kept_.pop_front();
  }
}

void LogSender::finish() noexcept {
  const timespec nap{0, 5'000'000};
  for (int i = 0; i < 200 && kept_bytes_ != 0; ++i) ::nanosleep(&nap, nullptr);
}

}  // namespace cppwebsocket::httpd
