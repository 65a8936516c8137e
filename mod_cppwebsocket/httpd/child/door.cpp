#include "httpd/child/door.hpp"

#include "runtime/loop/descriptor.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace cppwebsocket::httpd {

namespace {

using channels::ChannelMemory;
using runtime::Descriptor;
using std::chrono::milliseconds, std::chrono::steady_clock;

constexpr milliseconds longest_talk{2'000};  // of one who asks, reading his question and taking the answer
constexpr int waiting_askers = 64;
constexpr std::size_t name_at = offsetof(sockaddr_un, sun_path) + 1;  // behind the NUL of an abstract name

// --- names --------------------------------------------------------------------------------------

// The kernel's are of five digits. What another child has noted may be anything, and is no more than a name.
std::uint64_t packed(const sockaddr_un& address, socklen_t size) noexcept {
  std::uint64_t word = 0;
  if (size > name_at && size - name_at <= sizeof word) std::memcpy(&word, address.sun_path + 1, size - name_at);
  return word;
}

socklen_t unpack(std::uint64_t word, sockaddr_un& address) noexcept {
  address = {};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, &word, sizeof word);
  return static_cast<socklen_t>(name_at + ::strnlen(address.sun_path + 1, sizeof word));
}

// --- who is there -------------------------------------------------------------------------------

pid_t child_in(const ChannelMemory& memory, unsigned seat) noexcept {
  return static_cast<pid_t>(memory.seat(seat).owner & 0xffffffff);
}

// None if it is of another user.
std::optional<pid_t> peer_of(int socket) noexcept {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.uid != ::geteuid()) return std::nullopt;
  return peer.pid;
}

bool has_seat(const ChannelMemory& memory, pid_t process) noexcept {
  for (unsigned i = 0; i < memory.used_seats(); ++i)
    if (process > 0 && child_in(memory, i) == process) return true;
  return false;
}

// --- one talk -----------------------------------------------------------------------------------

int left(steady_clock::time_point end) noexcept {
  const auto time = std::chrono::ceil<milliseconds>(end - steady_clock::now());
  return static_cast<int>(std::max<std::int64_t>(time.count(), 0));
}

bool wait_for(int socket, short events, steady_clock::time_point end) noexcept {
  pollfd waited{socket, events, 0};
  int ready = 0;
  do ready = ::poll(&waited, 1, left(end));
  while (ready < 0 && errno == EINTR);
  return ready > 0;
}

// Up to its end, which is not in it; none if it is too long or does not come.
std::optional<std::string> read_line(int socket, steady_clock::time_point end) {
  std::string line;
  char piece[4096];
  while (line.size() <= longest_question && wait_for(socket, POLLIN, end)) {
    const ssize_t size = ::recv(socket, piece, sizeof piece, MSG_DONTWAIT);
    if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) break;
    if (size > 0) line.append(piece, static_cast<std::size_t>(size));
    if (const std::size_t at = line.find('\n'); at != line.npos) return line.substr(0, at);
  }
  return std::nullopt;
}

void write_all(int socket, std::string_view text, steady_clock::time_point end) noexcept {
  while (!text.empty() && wait_for(socket, POLLOUT, end)) {
    const ssize_t size = ::send(socket, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (size < 0 && errno != EAGAIN && errno != EINTR) return;
    if (size > 0) text.remove_prefix(static_cast<std::size_t>(size));
  }
}

// --- for those who ask this child ---------------------------------------------------------------

void answer_one(const ChannelMemory& memory, int socket,
                const std::function<std::string(std::string_view)>& answer) noexcept {
  try {
    const auto peer = peer_of(socket);
    if (!peer || !has_seat(memory, *peer)) return;
    const auto question = read_line(socket, steady_clock::now() + longest_talk);
    if (question) write_all(socket, answer(*question), steady_clock::now() + longest_talk);
  } catch (...) {  // no memory: who asked sees that nothing comes
  }
}

[[noreturn]] void serve(const ChannelMemory& memory, int listening,
                        const std::function<std::string(std::string_view)>& answer) noexcept {
  for (;;) {
    const Descriptor asking(::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC));
    if (asking.get() >= 0)
      answer_one(memory, asking.get(), answer);
    else if (errno != EINTR && errno != ECONNABORTED)  // no descriptors: later
      std::this_thread::sleep_for(milliseconds(100));
  }
}

void check(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
}

// --- for this child, which asks others ----------------------------------------------------------

// A talk with one of them.
struct Talk {
  Descriptor socket;
  std::string_view unsent;
  Reply reply;

  bool is_over() const noexcept { return socket.get() < 0; }
  void end(const char* why) {
    socket = Descriptor(-1);
    reply.why = why;
    if (!reply.why.empty()) reply.text.clear();
  }
};

Talk begin_talk(const ChannelMemory& memory, unsigned seat, std::string_view question) {
  Talk talk{Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)), question, {}};
  talk.reply.child = child_in(memory, seat);
  const std::uint64_t name = memory.seat(seat).door;
  sockaddr_un address;
  const socklen_t size = unpack(name, address);
  if (talk.is_over() || name == 0)
    talk.end("cannot be asked, because it has no socket (see CWS0112)");
  else if (::connect(talk.socket.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0)
    talk.end(errno == EAGAIN ? "is being asked by too many others" : "does not listen");
  else if (peer_of(talk.socket.get()) != talk.reply.child)
    talk.end("is not who listens at its socket");
  return talk;
}

void go_on(Talk& talk) {
  if (!talk.unsent.empty()) {
    const ssize_t size = ::send(talk.socket.get(), talk.unsent.data(), talk.unsent.size(), MSG_NOSIGNAL);
    if (size > 0) talk.unsent.remove_prefix(static_cast<std::size_t>(size));
    if (size < 0 && errno != EAGAIN && errno != EINTR) talk.end("has refused the question");
    return;
  }
  char piece[16 << 10];
  const ssize_t size = ::recv(talk.socket.get(), piece, sizeof piece, 0);
  if (size > 0) {
    talk.reply.text.append(piece, static_cast<std::size_t>(size));
    if (talk.reply.text.size() > longest_answer) talk.end("has answered too much");
  } else if (size == 0) {
    talk.end(talk.reply.text.empty() ? "has not answered" : "");
  } else if (errno != EAGAIN && errno != EINTR) {
    talk.end("has not answered");
  }
}

}  // namespace

void open_door(ChannelMemory& memory, unsigned seat, std::function<std::string(std::string_view)> answer) {
  Descriptor listening(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  check(listening.get(), "socket(AF_UNIX)");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  check(::bind(listening.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(sa_family_t)), "bind");
  check(::listen(listening.get(), waiting_askers), "listen");
  socklen_t size = sizeof address;
  check(::getsockname(listening.get(), reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
  sigset_t all, before;  // httpd's signals are for httpd's threads
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread([&memory, listening = std::move(listening), answer = std::move(answer)] {
    serve(memory, listening.get(), answer);
  }).detach();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  memory.seat(seat).door = packed(address, size);
}

std::vector<Reply> ask_children(const ChannelMemory& memory, const std::vector<unsigned>& seats,
                                std::string_view question, milliseconds time) {
  const auto end = steady_clock::now() + time;
  std::vector<Talk> talks;
  talks.reserve(seats.size());
  for (const unsigned seat : seats) talks.push_back(begin_talk(memory, seat, question));
  std::vector<pollfd> waited;
  std::vector<Talk*> waiting;
  for (;;) {
    waited.clear();
    waiting.clear();
    for (Talk& talk : talks) {
      if (talk.is_over()) continue;
      waiting.push_back(&talk);
      waited.push_back({talk.socket.get(), static_cast<short>(talk.unsent.empty() ? POLLIN : POLLOUT), 0});
    }
    const int most = left(end);
    if (waiting.empty() || most == 0) break;
    if (::poll(waited.data(), waited.size(), most) <= 0) continue;
    for (std::size_t i = 0; i < waiting.size(); ++i)
      if (waited[i].revents != 0) go_on(*waiting[i]);
  }
  std::vector<Reply> replies;
  for (Talk& talk : talks) {
    if (!talk.is_over()) talk.end("has not answered in time");
    replies.push_back(std::move(talk.reply));
  }
  return replies;
}

}  // namespace cppwebsocket::httpd
