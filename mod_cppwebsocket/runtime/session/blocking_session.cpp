#include "runtime/session/blocking_session.hpp"

#include <new>
#include <utility>

#include "runtime/loop/blocking_pool.hpp"
#include "runtime/watch/watched_thread.hpp"

namespace cppwebsocket::runtime {

BlockingSession::BlockingSession(Session& session) noexcept
    : BlockingRequest(session.record()), session_(session), threads_([this] { wake_all(); }) {}

// --- Thread: the session's -----------------------------------------------------------------------

void BlockingSession::start() {
  sender_ = session_.sender();
  session_.loop().connection_pool().run([this] { run_handler(); });
}

void BlockingSession::deliver(Message&& message) {
  {
    Lock lock(mutex_);
    ready_.push(std::move(message));
    ready_bytes_ = ready_.bytes();
    const bool enough = has_message(!gathers_);
    full_ = ready_.full() && enough;
    if (enough) asked_ = false;
  }
  received_.notify_one();  // without the lock, which the woken thread wants first of all
}

void BlockingSession::session_ended() {
  Lock lock(mutex_);
  ended_ = true;
  clean_end_ = session_.tasks().ended_cleanly();
  end_reason_ = session_.tasks().end_reason();
  received_.notify_one();
  changed_.notify_all();
}

bool BlockingSession::say_goodbye() {
  if (!session_.handler().table().blocking_going_away) return false;
  Lock lock(mutex_);
  if (over()) return false;
  session_.loop().call_pool().run(threads_.add([this](std::stop_token) { run_goodbye(); },
                                                  HandlerThreads::Bound::connection));
  return true;
}

bool BlockingSession::has_come_to_close() {
  Lock lock(mutex_);
  // A handler that has never received is not waited for; with messages ready, it may be about to.
  if (!has_message(!gathers_) && (asked_ || !receives_)) return true;
  close_behind_ = true;
  return false;
}

bool BlockingSession::offer_close() {
  Lock lock(mutex_);
  if (!session_.handler().table().blocking_passive_closing_handshake) return false;
  if (chosen_close_ || returned_) return false;
  if (!std::exchange(close_offered_, true)) {
    close_to_choose_ = true;
    received_.notify_one();
  }
  return true;
}

std::optional<Close> BlockingSession::chosen_close() {
  Lock lock(mutex_);
  return chosen_close_;
}

// What the one has said before the other comes first.
void BlockingSession::run() noexcept {
  session_.turn([this] {
    Lock lock(mutex_);
    posted_ = false;
    Errand errand = std::exchange(errand_, {});
    done_ = errand.handler_returned;
    session_.guarded([&] { deliver_outbox(std::move(lock)); });
    do_errand(errand);
  });
}

void BlockingSession::do_errand(Errand& errand) noexcept {
  Ending& ending = session_.ending();
  if (errand.answers_close && !session_.tasks().end_reason())
    session_.guarded([&] { ending.answer_peer_close(); });
  if (errand.close) session_.guarded([&] { ending.close_now(*errand.close); });
  if (errand.close_at)
    session_.guarded([&] { session_.close_at(errand.close_at->first, std::move(errand.close_at->second)); });
  if (errand.error) ending.report(errand.error);
  for (const std::exception_ptr& error : errand.more_errors) ending.report(error);
  if (errand.message_too_big) session_.guarded([&] { ending.fail_too_big(); });
  if (errand.goodbye_said) session_.guarded([&] { ending.leaving().close(session_); });
  if (!errand.handler_returned) return;
  session_.tasks().thread_ended();
  session_.guarded([&] { ending.task_ended(std::move(errand.handler_error), true); });
}

// --- Thread: the handler's -----------------------------------------------------------------------

// With the lock. The session is told for sure: that takes no memory. After the handler's last errand it
// may go at any time, and there is nothing left to do.
void BlockingSession::post_errand() noexcept {
  if (!done_ && !std::exchange(posted_, true)) session_.loop().post(static_cast<Posted&>(*this));
}

void BlockingSession::answer_close() noexcept {
  errand_.answers_close = true;
  post_errand();
}

void BlockingSession::close_at(std::chrono::system_clock::time_point when, Close close) {
  if (ready_state() == ReadyState::connecting) return session_.close_at(when, std::move(close));
  MessageRules::check_close(close);
  Lock lock(mutex_);
  errand_.close_at.emplace(when, std::move(close));
  post_errand();
}

void BlockingSession::thread_failed(std::exception_ptr error) noexcept {
  Lock lock(mutex_);
  try {
    if (errand_.error)
      errand_.more_errors.push_back(std::move(error));
    else
      errand_.error = std::move(error);
  } catch (const std::bad_alloc&) {  // the first one ends the connection anyway
  }
  post_errand();
}

void BlockingSession::must_not_wait_here(const char* what) const {
  if (session_.loop().runs_here())
    throw BadOperationException(std::string(what) +
                                " may wait, which a ping handler must not: it runs on the thread of "
                                "many connections. Let a thread of the handler's do it");
}

void BlockingSession::run_handler() noexcept {
  std::exception_ptr error;
  threads_.run_main([&] {
    try {
      const WatchedThread::Turn now(static_cast<Connection*>(&session_));
      session_.handler().table().blocking_transfer_data(*this);
    } catch (...) {
      error = std::current_exception();
    }
    {
      Lock lock(mutex_);
      returned_ = true;
    }
    wake_all();
    threads_.request_stop();
  });
  Lock lock(mutex_);
  errand_.handler_returned = true;
  errand_.handler_error = std::move(error);
  post_errand();
}

void BlockingSession::run_goodbye() noexcept {
  try {
    const WatchedThread::Turn now(static_cast<Connection*>(&session_));
    session_.handler().table().blocking_going_away(*this);
  } catch (...) {
    Leaving::report(std::current_exception(), session_);
  }
  Lock lock(mutex_);
  errand_.goodbye_said = true;
  post_errand();
}

std::uint64_t BlockingSession::start_thread(std::function<void(std::stop_token)> function,
                                            bool scoped) {
  if (ready_state() == ReadyState::connecting)
    throw BadOperationException("spawn works only once the connection is open");
  std::uint64_t number = 0;
  auto body = [this, function = std::move(function)](std::stop_token stop) {
    std::exception_ptr error;
    try {
      const WatchedThread::Turn now(static_cast<Connection*>(&session_));
      function(std::move(stop));
    } catch (...) {
      error = std::current_exception();
    }
    // Behind the catch, so that the session has the last word about it.
    if (error) thread_failed(std::move(error));
  };
  Lock lock(mutex_);
  if (over()) raise_end();
  using Bound = HandlerThreads::Bound;
  auto counted = threads_.add(std::move(body), scoped ? Bound::scope : Bound::connection, &number);
  lock.unlock();
  runtime::start_thread(std::move(counted));
  return number;
}

void BlockingSession::wake_all() {
  Lock lock(mutex_);
  received_.notify_all();
  changed_.notify_all();
}

void BlockingSession::raise_end() const {
  if (ended_) std::rethrow_exception(end_reason_);
  if (returned_) throw ConnectionTerminatedException("the handler has returned");
  throw ConnectionTerminatedException("this thread is to end");
}

void BlockingSession::sleep_for(std::chrono::nanoseconds duration) {
  must_not_wait_here("sleep_for");
  const detail::TimePoint end = detail::after(duration);
  Lock lock(mutex_);
  if (changed_.wait_until(lock, end, [&] { return over(); })) raise_end();
}

Sender BlockingSession::sender() {
  if (ready_state() == ReadyState::connecting)
    throw BadOperationException("sender works only once the connection is open");
  return sender_;
}

void BlockingSession::ask_for_message() {
  asked_ = true;
  if (std::exchange(close_behind_, false)) answer_close();
}

void BlockingSession::choose_close(Lock& lock) {
  close_to_choose_ = false;
  lock.unlock();
  std::optional<Close> chosen;
  try {
    chosen = session_.handler().table().blocking_passive_closing_handshake(*this);
    MessageRules::check_close(*chosen);
  } catch (const std::exception& e) {
    log(LogLevel::error,
        std::string("web_socket_passive_closing_handshake raised an exception: ") + e.what());
    chosen = Close(close_code::internal_error);
  } catch (...) {
    log(LogLevel::error, "web_socket_passive_closing_handshake raised no std::exception");
    chosen = Close(close_code::internal_error);
  }
  lock.lock();
  chosen_close_ = std::move(chosen);
  answer_close();
}

Message BlockingSession::take() {
  Message message = ready_.pop();
  ready_bytes_ = ready_.bytes();
  if (full_ && ready_.empty()) {  // not for each message of a peer that sends without pause
    full_ = false;
    post_errand();  // which reads on
  }
  return message;
}

// Or one that is too large to be gathered.
bool BlockingSession::has_message(bool in_fragments) const noexcept {
  return ready_.has(in_fragments) ||
         (!in_fragments && ready_.first_exceeds(limits().max_message_size));
}

void BlockingSession::refuse_too_big(Lock& lock) {
  errand_.message_too_big = true;
  post_errand();
  changed_.wait(lock, [&] { return over(); });
  raise_end();
}

std::optional<Message> BlockingSession::receive(
    std::optional<std::chrono::steady_clock::time_point> deadline, bool in_fragments) {
  if (ready_state() == ReadyState::connecting)
    throw BadOperationException("receive_message works only once the connection is open");
  Lock lock(mutex_);
  if (receiving_) throw BadOperationException("a receive is already waiting");
  receiving_ = receives_ = true;
  struct Done {
    bool& receiving;
    bool& gathers;
    ~Done() { receiving = gathers = false; }
  } done{receiving_, gathers_};
  for (;;) {
    if (threads_.is_to_end()) raise_end();
    if (has_message(in_fragments)) {
      if (in_fragments || ended_ || !ready_.first_exceeds(limits().max_message_size)) return take();
      refuse_too_big(lock);
    }
    if (ended_ && clean_end_) {
      if (end_received_) throw BadOperationException("receive_message after the end was received");
      end_received_ = true;
      return std::nullopt;
    }
    if (over()) raise_end();
    if (close_to_choose_) {
      choose_close(lock);
      continue;
    }
    must_not_wait_here("receive_message");
    gathers_ = !in_fragments;
    if (full_) {  // of a message that is here in part
      full_ = false;
      post_errand();
    }
    ask_for_message();
    const auto awake = [&] { return has_message(in_fragments) || over() || close_to_choose_; };
    if (!deadline)
      received_.wait(lock, awake);
    else if (!received_.wait_until(lock, *deadline, awake))
      throw TimeoutException("nothing received in time");
  }
}

std::optional<Message> BlockingSession::try_receive() {
  Lock lock(mutex_);
  receives_ = true;
  if (ready_.has(false)) return take();
  if (!over() && ready_state() != ReadyState::connecting) ask_for_message();
  return std::nullopt;
}

}  // namespace cppwebsocket::runtime
