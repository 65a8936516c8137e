#include "channels/store/memory.hpp"

#include "channels/store/chain.hpp"
#include "channels/store/ring.hpp"
#include "channels/store/table.hpp"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <new>
#include <stdexcept>
#include <system_error>

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

namespace cppwebsocket::channels {

namespace {

using namespace shared;

constexpr std::size_t least_ring = 16 << 10;  // bytes
constexpr std::size_t page = 4096;

std::size_t fixed_bytes(unsigned seats) noexcept { return sizeof(Header) + seats * sizeof(Seat); }

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

pid_t pid_of(std::uint64_t owner) noexcept { return static_cast<pid_t>(owner & 0xffffffff); }

std::uint64_t seconds() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<std::uint64_t>(now.tv_sec);
}

void write_to(int eventfd) noexcept {
  const std::uint64_t one = 1;
  // It fails only if the eventfd is full, and then it is readable anyway.
  [[maybe_unused]] const auto written = ::write(eventfd, &one, sizeof one);
}

}  // namespace

std::size_t ChannelMemory::least_bytes(unsigned seats) noexcept {
  const std::size_t most = fixed_bytes(seats) + seats * 2 * least_ring;
  return (most + most / 3 + page) / page * page;
}

std::unique_ptr<ChannelMemory> ChannelMemory::create(std::size_t bytes, unsigned seats) {
  if (seats == 0 || seats > most_seats || bytes < least_bytes(seats))
    throw std::invalid_argument("channels for " + std::to_string(seats) + " children need " +
                                std::to_string(least_bytes(seats)) + " bytes or more");
  std::unique_ptr<ChannelMemory> made(new ChannelMemory(seats));
  made->bytes_ = (bytes + page - 1) / page * page;
  made->mapped_ = ::mmap(nullptr, made->bytes_, PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (made->mapped_ == MAP_FAILED) fail("mmap");

  // Fresh pages are zero, which is what every word but the following shall be.
  auto* at = static_cast<std::byte*>(made->mapped_);
  made->header_ = new (at) Header;
  made->seat_ = reinterpret_cast<Seat*>(at += sizeof(Header));
  made->entries_ = reinterpret_cast<Entry*>(at += seats * sizeof(Seat));
  made->entry_count_ = made->bytes_ / 4 / sizeof(Entry);
  made->words_ = reinterpret_cast<Word*>(at += made->entry_count_ * sizeof(Entry));
  const std::size_t left =
      made->bytes_ - static_cast<std::size_t>(at - static_cast<std::byte*>(made->mapped_));
  made->ring_words_ = left / sizeof(Word) / (2 * seats);

  std::uint64_t random[3];
  if (::getrandom(random, sizeof random, 0) != sizeof random) fail("getrandom");
  made->secret_[0] = random[0];
  made->secret_[1] = random[1];
  made->header_->made = random[2] >> 2 | 1;
  for (unsigned i = 0; i < seats; ++i) {
    for (RingMarks& marks : made->seat_[i].rings) marks.head = marks.reserved = made->ring_words_;
    const int eventfd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (eventfd < 0) fail("eventfd");
    made->eventfds_.push_back(eventfd);
  }
  return made;
}

ChannelMemory::ChannelMemory(unsigned seats) : seats_(seats), locks_(seats) {}

ChannelMemory::~ChannelMemory() {
  for (const int eventfd : eventfds_) ::close(eventfd);
  if (mapped_ && mapped_ != MAP_FAILED) ::munmap(mapped_, bytes_);
}

std::uint64_t ChannelMemory::sum(Counter ChildCounters::*counter) const noexcept {
  std::uint64_t all = header_->ended.*counter;
  for (unsigned i = 0; i < used_seats(); ++i) all += seat_[i].counters.*counter;
  return all;
}

unsigned ChannelMemory::used_seats() const noexcept {
  const std::uint64_t used = header_->used_seats.load(std::memory_order_seq_cst);
  return static_cast<unsigned>(std::min<std::uint64_t>(used, seats_));
}

unsigned ChannelMemory::taken_seats() const noexcept {
  unsigned taken = 0;
  for (unsigned i = 0; i < used_seats(); ++i) taken += pid_of(seat_[i].owner) != 0;
  return taken;
}

std::optional<unsigned> ChannelMemory::seat_of(std::uint64_t origin) const noexcept {
  if (origin == 0) return {};
  for (unsigned i = 0; i < used_seats(); ++i)
    if (seat_[i].origin.load(std::memory_order_acquire) == origin) return i;
  return {};
}

bool ChannelMemory::is_alive(std::uint64_t origin) const noexcept {
  const auto seat = seat_of(origin);
  return seat && locks_.is_held(*seat);
}

Ring ChannelMemory::ring(unsigned seat, unsigned part) const noexcept {
  return Ring(seat_[seat].rings[part], words_ + (2 * std::size_t{seat} + part) * ring_words_,
              ring_words_);
}

// --- seats
// ------------------------------------------------------------------------------------------

int ChannelMemory::claim(std::uint64_t origin) noexcept {
  RareLock lock(locks_);
  if (!lock) return -1;
  free_dead_seats_locked();
  for (unsigned i = 0; i < seats_; ++i) {
    if (!locks_.hold(i)) continue;
    Seat& seat = seat_[i];
    seat.sleeping = seat.generation = seat.leaving = seat.told = seat.door = 0;
    if (used_seats() <= i) header_->used_seats = i + 1;
    // The owner first: an origin without one would never be freed.
    seat.owner = ((seat.owner >> 32) + 1) << 32 | static_cast<std::uint32_t>(::getpid());
    seat.origin = origin;
    return static_cast<int>(i);
  }
  return -1;
}

// Without the lock it stays as it is: the next who looks finds that nobody holds it.
void ChannelMemory::release(unsigned seat) noexcept {
  RareLock lock(locks_);
  if (lock) vacate(seat);
  locks_.let_go(seat);
}

void ChannelMemory::vacate(unsigned seat) noexcept {
  Seat& left = seat_[seat];
  left.origin = 0;
  left.owner = left.owner >> 32 << 32;
  for_each_counter([&](const NamedCounter& each) {
    const std::uint64_t counted = (left.counters.*each.counter).exchange(0);
    if (!each.now) header_->ended.*each.counter += counted;
  });
}

void ChannelMemory::free_dead_seats() noexcept {
  RareLock lock(locks_);
  if (lock) free_dead_seats_locked();
}

void ChannelMemory::look_for_the_dead() noexcept {
  const std::uint64_t now = seconds();
  if (header_->looked.exchange(now) != now) free_dead_seats();
}

void ChannelMemory::free_dead_seats_locked() noexcept {
  for (unsigned i = 0; i < used_seats(); ++i) {
    if (pid_of(seat_[i].owner) == 0 || !locks_.hold(i)) continue;
    free_seat(i);
    locks_.let_go(i);
  }
}

// For who holds both locks.
void ChannelMemory::free_seat(unsigned seat) noexcept {
  recover(seat);
  vacate(seat);
  ++header_->reclaimed;
  alarm();
}

// A record that is linked will be looked for by all who follow its channel, so it is made known, as
// its writer would have done next. One that is not never was published.
void ChannelMemory::recover(unsigned seat) noexcept {
  for (const unsigned part : {quick, kept}) {
    Ring dead = ring(seat, part);
    if (!dead.has_unannounced()) continue;
    const std::uint64_t at = dead.head();
    const std::uint64_t here = Location{seat, part, at}.packed();
    const auto record = dead.read(at);
    if (!record) continue;
    const auto channel = ChannelTable(*this).find(record->key);
    if (!channel || channel->epoch != record->position.epoch) continue;
    std::size_t budget = all_words();
    Chain chain(*this, record->key, record->position, channel->state.last,
                channel->state.offset + 1, budget);
    while (chain.link() != here && chain.next()) {
    }
    if (chain.link() == here) dead.announce(at + record->total_words());
  }
}

// --- waking
// -----------------------------------------------------------------------------------------

// A reader first notes that it sleeps and then looks once more for records; whoever publishes first
// announces and then looks for sleepers. All of it is sequentially consistent: one sees the other.
void ChannelMemory::wake_all() const noexcept {
  const unsigned words = (used_seats() + 63) / 64;
  for (unsigned i = 0; i < words; ++i) {
    if (header_->sleepers[i].load(std::memory_order_seq_cst) == 0) continue;
    for (std::uint64_t bits = header_->sleepers[i].exchange(0); bits != 0; bits &= bits - 1)
      wake(i * 64 + static_cast<unsigned>(__builtin_ctzll(bits)));
  }
}

void ChannelMemory::wake(unsigned seat) const noexcept {
  if (seat < seats_ && seat_[seat].sleeping.load(std::memory_order_seq_cst) != 0 &&
      seat_[seat].sleeping.exchange(0) != 0)
    write_to(eventfds_[seat]);
}

void ChannelMemory::alarm() const noexcept {
  for (unsigned i = 0; i < used_seats(); ++i) write_to(eventfds_[i]);
}

}  // namespace cppwebsocket::channels
