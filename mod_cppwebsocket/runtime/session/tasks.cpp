#include "runtime/session/tasks.hpp"

#include <algorithm>
#include <utility>

#include "runtime/loop/blocking_pool.hpp"
#include "runtime/loop/prefetch.hpp"
#include "runtime/session/connection.hpp"
#include "runtime/session/descriptor_wait.hpp"
#include "runtime/session/outside.hpp"
#include "runtime/session/remote_control.hpp"
#include "runtime/watch/watched_thread.hpp"

namespace cppwebsocket::runtime {

using detail::Operation;
using detail::OperationKind;

Tasks::Tasks() = default;
Tasks::~Tasks() = default;

Tasks::Seldom& Tasks::seldom() {
  if (!seldom_) seldom_ = std::make_unique<Seldom>();
  return *seldom_;
}

Pin& Tasks::make_pin(Connection& connection) {
  seldom().pin = std::make_unique<Pin>(connection, connection.loop().pins());
  return *seldom_->pin;
}

void Tasks::set_term(bool by_rule, detail::TimePoint at, Close&& close) {
  auto& terms = seldom().terms;
  if (!terms) terms = std::make_unique<Terms>();
  Term& term = by_rule ? terms->by_rule : terms->by_handler;
  term.at = at;
  term.close = std::move(close);
}

// A function in the pool, and its way back, which has its memory before it is called.
class Tasks::PoolCall final : public Posted {
 public:
  PoolCall(Tasks& tasks, detail::PoolOperation& operation, Connection& connection) noexcept
      : tasks_(tasks), operation_(operation), connection_(connection) {}

  void make(const std::shared_ptr<PoolCall>& self) noexcept {
    {
      const WatchedThread::Turn now(&connection_);
      operation_.call(operation_);
    }
    self_ = self;
    connection_.loop().post(*this);
  }
  void run() noexcept override {
    const auto self = std::move(self_);
    if (tasks_.main_returned_ && !operation_.error) operation_.error = tasks_.end_reason_;
    connection_.turn([&] { tasks_.resume(operation_); });
  }
  void drop() noexcept override { self_.reset(); }

 private:
  Tasks& tasks_;
  detail::PoolOperation& operation_;
  Connection& connection_;
  std::shared_ptr<PoolCall> self_;  // while it is posted
};

// --- coroutines --------------------------------------------------------------------------------

void Tasks::start_main(Task<> task) {
  main_ = detail::RootTask(std::move(task));
  ++count_;
  main_.start();
}

void Tasks::start_beside(Task<> task) {
  const detail::RootTask& root = seldom().beside.emplace_back(std::move(task));
  ++count_;
  const detail::Branches::Entered none(seldom_->branches, 0);
  root.start();
}

std::optional<Tasks::Ended> Tasks::take_ended() noexcept {
  if (main_.has_ended()) return end_of(main_, true);
  if (!seldom_) return std::nullopt;
  auto& beside = seldom_->beside;
  const auto ended =
      std::find_if(beside.begin(), beside.end(), [](const auto& task) { return task.has_ended(); });
  if (ended == beside.end()) return std::nullopt;
  detail::RootTask task = std::move(*ended);
  beside.erase(ended);
  return end_of(task, false);
}

// The frame's locals may do anything as they go, so the task is not in our hands any more.
std::optional<Tasks::Ended> Tasks::end_of(detail::RootTask& task, bool is_main) noexcept {
  Ended ended{task.take_error(), is_main};
  task = detail::RootTask();
  --count_;
  if (is_main) main_returned_ = true;
  return ended;
}

// --- operations --------------------------------------------------------------------------------

void Tasks::wait(Operation& operation) noexcept {
  if (seldom_) operation.branch = seldom_->branches.current();
  pending_.push_back(operation);
  if (operation.kind == OperationKind::send) ++senders_waiting_;
}

void Tasks::complete(Operation& operation, EventLoop& loop) noexcept {
  take_out(operation, loop);
  resume(operation);
}

// It does not wait any more.
void Tasks::take_out(Operation& operation, EventLoop& loop) noexcept {
  pending_.remove(operation);
  switch (operation.kind) {
    case OperationKind::receive:
      if (auto* timer = static_cast<detail::ReceiveOperation&>(operation).timer)
        loop.disarm(*timer);
      break;
    case OperationKind::sleep:
      loop.disarm(static_cast<detail::SleepOperation&>(operation).timer);
      break;
    case OperationKind::send:
      --senders_waiting_;
      break;
    case OperationKind::close:
    case OperationKind::pool:
    case OperationKind::publication:
    case OperationKind::recovery:
    case OperationKind::event:
    case OperationKind::group:
    case OperationKind::outside:
      break;
    case OperationKind::descriptor:
      DescriptorWait::end(static_cast<detail::DescriptorOperation&>(operation), loop);
      break;
  }
}

void Tasks::resume(Operation& operation) noexcept {
  if (!seldom_) return operation.waiting.resume();
  const detail::Branches::Entered entered(seldom_->branches, operation.branch);
  operation.waiting.resume();
}

void Tasks::fetch() const noexcept { prefetch(pending_.front(), sizeof(detail::ReceiveOperation)); }

void Tasks::start_timer(detail::OperationTimer& timer, Operation& operation,
                        Connection& connection) {
  timer.session = &connection;
  timer.operation = &operation;
  timer.fire = [](detail::TimerNode& node) {
    auto& over = static_cast<detail::OperationTimer&>(node);
    auto& connection = *static_cast<Connection*>(over.session);
    connection.turn([&] {
      if (over.operation->kind == OperationKind::receive)
        over.operation->error =
            std::make_exception_ptr(TimeoutException("nothing received in time"));
      connection.complete(*over.operation);
    });
  };
  connection.loop().arm(timer, timer.deadline);
}

// --- the end -----------------------------------------------------------------------------------

bool Tasks::end(std::exception_ptr reason) noexcept {
  if (ended_) return false;
  ended_ = true;
  end_reason_ = std::move(reason);
  if (seldom_) cancel_all(seldom_->outside);
  return true;
}

Operation* Tasks::next_to_tell() noexcept {
  Operation* operation = pending_.front();
  if (!operation) return nullptr;
  if (clean_end_)  // who hears of it, in a when_any, hears it before what would end that otherwise
    for (const OperationKind each : {OperationKind::publication, OperationKind::receive})
      if (Operation* const told = first(each); told && told->branch != 0) operation = told;
  const OperationKind kind = operation->kind;
  const bool hears_of_clean_end =
      kind == OperationKind::receive || kind == OperationKind::publication;
  if (main_returned_ || (kind != OperationKind::close && !(hears_of_clean_end && clean_end_)))
    operation->error = end_reason_;
  if (kind == OperationKind::receive) end_received_ = clean_end_;
  return operation;
}

// --- what the handler asks for -----------------------------------------------------------------

std::optional<Message> Tasks::try_receive() {
  if (!inbox_.has(false)) return std::nullopt;
  has_received_ = true;
  return inbox_.pop();
}

bool Tasks::begin(detail::ReceiveOperation& operation, Connection& connection) {
  if (receiver()) throw BadOperationException("a receive is already waiting");
  if (seldom_) seldom_->branches.require_not_cancelled();
  has_received_ = true;
  if (!operation.in_fragments && inbox_.first_exceeds(connection.limits().max_message_size))
    connection.ending().fail_too_big();
  else if (inbox_.has(operation.in_fragments))
    return true;
  connection.ending().answer_waiting_close();
  if (ended_) {
    if (!clean_end_) std::rethrow_exception(end_reason_);
    if (end_received_) throw BadOperationException("receive_message after the end was received");
    end_received_ = true;
    return true;
  }
  wait(operation);
  if (operation.timer && operation.timer->deadline != detail::TimePoint::max())
    start_timer(*operation.timer, operation, connection);
  return false;
}

std::optional<Message> Tasks::take_received(const detail::ReceiveOperation& operation,
                                            protocol::Protocol& protocol) noexcept {
  if (arrives_) {
    arrives_ = false;
    return protocol.take_message();
  }
  if (inbox_.has(operation.in_fragments)) return inbox_.pop();
  return std::nullopt;
}

bool Tasks::begin(detail::SleepOperation& operation, std::chrono::nanoseconds duration,
                  Connection& connection) {
  require_may_wait();
  duration = std::max(duration, std::chrono::nanoseconds(0));  // in the next round
  wait(operation);
  using std::chrono::ceil, std::chrono::milliseconds;
  // From this call on, however long ago the round has begun: who sleeps until a time must not come before it.
  const EventLoop& loop = connection.loop();
  const detail::TimePoint now = duration.count() == 0 ? loop.now() : loop.clock();
  const auto longest = detail::TimePoint::max() - now - milliseconds(1);
  if (duration < longest) operation.timer.deadline = now + ceil<milliseconds>(duration);
  start_timer(operation.timer, operation, connection);
  return false;
}

// Not in pending_: the function cannot be interrupted. The waiting task keeps the session alive.
void Tasks::begin(detail::PoolOperation& operation, Connection& connection) {
  if (seldom_) operation.branch = seldom_->branches.current();
  connection.loop().call_pool().run(
      [call = std::make_shared<PoolCall>(*this, operation, connection)]() noexcept {
        call->make(call);
      });
}

std::stop_token Tasks::stop_token() {
  std::stop_source& source = seldom().stop_source;
  if (!source.stop_possible()) {
    source = std::stop_source();
    if (ended_) source.request_stop();
  }
  return source.get_token();
}

Sender Tasks::sender(Connection& connection) {
  auto& remote = seldom().remote;
  if (!remote) remote = std::make_shared<RemoteControl>(connection);
  return Sender(remote);
}

}  // namespace cppwebsocket::runtime
