#include "runtime/session/tasks.hpp"

#include <algorithm>
#include <utility>

#include "runtime/loop/blocking_pool.hpp"
#include "runtime/loop/prefetch.hpp"
#include "runtime/session/connection.hpp"
#include "runtime/session/outside.hpp"
#include "runtime/session/remote_control.hpp"

namespace cppwebsocket::runtime {

using detail::Operation;
using detail::OperationKind;

Tasks::Tasks() = default;
Tasks::~Tasks() = default;

Tasks::Seldom& Tasks::seldom() {
  if (!seldom_) seldom_ = std::make_unique<Seldom>();
  return *seldom_;
}

// A function in the pool, and its way back, which has its memory before it is called.
class Tasks::PoolCall final : public Posted {
 public:
  PoolCall(Tasks& tasks, detail::PoolOperation& operation, Connection& connection) noexcept
      : tasks_(tasks), operation_(operation), connection_(connection) {}

  void make(const std::shared_ptr<PoolCall>& self) noexcept {
    operation_.call(operation_);
    self_ = self;
    connection_.loop().post(*this);
  }
  void run() noexcept override {
    const auto self = std::move(self_);
    if (tasks_.main_returned_ && !operation_.error) operation_.error = tasks_.end_reason_;
    connection_.turn([&] { operation_.waiting.resume(); });
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
  pending_.push_back(operation);
  if (operation.kind == OperationKind::send) ++senders_waiting_;
}

void Tasks::complete(Operation& operation, EventLoop& loop) noexcept {
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
    case OperationKind::outside:
      break;
  }
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
  Operation* const operation = pending_.front();
  if (!operation) return nullptr;
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
  if (inbox_.empty()) return std::nullopt;
  has_received_ = true;
  return inbox_.pop();
}

bool Tasks::begin(detail::ReceiveOperation& operation, Connection& connection) {
  if (receiver()) throw BadOperationException("a receive is already waiting");
  has_received_ = true;
  if (!inbox_.empty()) return true;
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

std::optional<Message> Tasks::take_received(protocol::Protocol& protocol) noexcept {
  if (arrives_) {
    arrives_ = false;
    return protocol.take_message();
  }
  if (!inbox_.empty()) return inbox_.pop();
  return std::nullopt;
}

bool Tasks::begin(detail::SleepOperation& operation, std::chrono::nanoseconds duration,
                  Connection& connection) {
  require_not_ended();
  duration = std::max(duration, std::chrono::nanoseconds(0));  // in the next round
  wait(operation);
  using std::chrono::ceil, std::chrono::milliseconds;
  const detail::TimePoint now = connection.loop().now();
  const auto longest = detail::TimePoint::max() - now - milliseconds(1);
  if (duration < longest) operation.timer.deadline = now + ceil<milliseconds>(duration);
  start_timer(operation.timer, operation, connection);
  return false;
}

// Not in pending_: the function cannot be interrupted. The waiting task keeps the session alive.
void Tasks::begin(detail::PoolOperation& operation, Connection& connection) {
  connection.loop().call_pool().run(
      [call = std::make_shared<PoolCall>(*this, operation, connection)]() noexcept {
        call->make(call);
      });
}

// Nor this, but what completes it is asked to do so soon: it may refer to the coroutine's locals until then.
void Tasks::begin(detail::OutsideOperation& operation, Connection& connection) {
  require_not_ended();
  begin_outside(operation, connection.loop(), [this, &operation, &connection] {
    seldom_->outside.remove(operation);
    if (ended_) operation.error = end_reason_;
    connection.turn([&] { operation.waiting.resume(); });
  });
  seldom().outside.push_back(operation);
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
