#include "runtime/session/handler_threads.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

#include <cppwebsocket/exceptions.hpp>

namespace cppwebsocket::runtime {

namespace {
std::atomic<std::uint64_t> last_handler{0};
}

constinit thread_local HandlerThreads::Thread* HandlerThreads::here_ = nullptr;

HandlerThreads::HandlerThreads(std::function<void()> wake)
    : handler_(++last_handler), wake_(std::move(wake)) {}

// --- their lives ------------------------------------------------------------------------------------

// Counted as long as anybody has it.
class HandlerThreads::Counted {
 public:
  explicit Counted(HandlerThreads& all) : thread_{.all = &all} {}
  ~Counted() { end(); }

  Thread& thread() noexcept { return thread_; }
  void end() noexcept {
    if (auto* const all = std::exchange(thread_.all, nullptr)) all->remove(thread_);
  }

 private:
  Thread thread_;
};

void HandlerThreads::run_main(const std::function<void()>& function) {
  Thread main{.all = this, .spawned = false};
  here_ = &main;
  function();
  here_ = nullptr;
  wait_for_all();  // until then it is their parent
}

std::function<void()> HandlerThreads::add(std::function<void(std::stop_token)> body,
                                          Bound bound, std::uint64_t* number) {
  const auto counted = std::make_shared<Counted>(*this);
  Thread& thread = counted->thread();
  {
    std::lock_guard lock(mutex_);
    if (is_to_end()) throw ConnectionTerminatedException("this thread is to end");
    threads_.push_back(&thread);
    thread.parent = own_thread();
    thread.number = ++last_number_;
    thread.bound = bound;
    if (number) *number = thread.number;
  }
  return [this, counted, body = std::move(body)]() mutable {
    here_ = &counted->thread();
    {
      const std::stop_callback with_the_connection(
          stop_.get_token(), [&thread = *here_] { thread.stop.request_stop(); });
      body(here_->stop.get_token());
      body = nullptr;  // what it holds is the handler's, which may be gone once we are counted off
    }
    here_ = nullptr;
    counted->end();
  };
}

// What came from it is now its parent's, as if that had spawned it in its place.
void HandlerThreads::remove(Thread& thread) noexcept {
  std::lock_guard lock(mutex_);
  std::erase(threads_, &thread);
  for (Thread* each : threads_)
    if (each->parent == &thread) {
      each->parent = thread.parent;
      each->number = thread.number;
      each->bound = thread.bound;
    }
  ended_.notify_all();
}

void HandlerThreads::wait_for_all() {
  std::unique_lock lock(mutex_);
  ended_.wait(lock, [&] { return threads_.empty(); });
}

// --- their ends -------------------------------------------------------------------------------------

const HandlerThreads::Thread* HandlerThreads::child_of(const Thread* ancestor,
                                                       const Thread& thread) noexcept {
  const Thread* child = &thread;
  while (child->parent && child->parent != ancestor) child = child->parent;
  return child->parent == ancestor ? child : nullptr;
}

template <typename Predicate>
void HandlerThreads::end_all(Predicate picks) noexcept {
  const auto is_one = [picks, here = own_thread()](const Thread* each) {
    const Thread* const child = child_of(here, *each);
    return child && picks(*child);
  };
  any_to_end_ = true;
  std::unique_lock lock(mutex_);
  for (;;) {
    const auto next = std::find_if(threads_.begin(), threads_.end(), [&](const Thread* each) {
      return is_one(each) && !each->end.stop_requested();
    });
    if (next == threads_.end()) break;
    std::stop_source end = (*next)->end, stop = (*next)->stop;
    lock.unlock();  // the handler's own callbacks run here
    end.request_stop();
    stop.request_stop();
    wake_();
    lock.lock();
  }
  ended_.wait(lock, [&] { return std::none_of(threads_.begin(), threads_.end(), is_one); });
}

void HandlerThreads::end(std::uint64_t number) noexcept {
  end_all([number](const Thread& child) { return child.number == number; });
}

void HandlerThreads::end_since(const Moment& moment) noexcept {
  if (!here_ || here_->all->handler_ != moment.handler) return;
  here_->all->end_all([last = moment.last_spawned](const Thread& child) {
    return child.number > last && child.bound == Bound::connection;
  });
}

bool HandlerThreads::is_to_end() const noexcept {
  if (!any_to_end_) return false;
  const Thread* const here = own_thread();
  return here && here->end.stop_requested();
}

std::stop_token HandlerThreads::end_token() {
  return here_ ? here_->end.get_token() : std::stop_token();
}

HandlerThreads::Moment HandlerThreads::now() const {
  std::lock_guard lock(mutex_);
  return {handler_, last_number_};
}

std::stop_token HandlerThreads::stop_token() const {
  const Thread* const here = own_thread();
  return here && here->spawned ? here->stop.get_token() : stop_.get_token();
}

}  // namespace cppwebsocket::runtime
