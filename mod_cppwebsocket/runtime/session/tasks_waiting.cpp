// Tasks: waiting for descriptors and for each other, and giving up.
#include "runtime/session/tasks.hpp"

#include "runtime/session/connection.hpp"
#include "runtime/session/descriptor_wait.hpp"
#include "runtime/session/outside.hpp"

namespace cppwebsocket::runtime {

using detail::Operation;
using detail::OperationKind;

namespace {

std::exception_ptr given_up() noexcept {
  try {
    detail::Branches::raise_cancelled();
  } catch (...) {
    return std::current_exception();
  }
}

}  // namespace

void Tasks::begin(detail::DescriptorOperation& operation, Connection& connection) {
  require_may_wait();
  DescriptorWait::begin(operation, connection);
  wait(operation);
  if (operation.timer.deadline != detail::TimePoint::max())
    start_timer(operation.timer, operation, connection);
}

// Not in pending_, but what completes it is asked to do so soon: it may refer to the coroutine's locals until then.
void Tasks::begin(detail::OutsideOperation& operation, Connection& connection) {
  require_may_wait();
  operation.branch = seldom().branches.current();
  begin_outside(operation, connection.loop(), [this, &operation, &connection] {
    seldom_->outside.remove(operation);
    if (ended_)
      operation.error = end_reason_;
    else if (seldom_->branches.is_cancelled(operation.branch))
      operation.error = given_up();
    connection.turn([&] { resume(operation); });
  });
  seldom_->outside.push_back(operation);
}

// Not in pending_: it waits for its branches, which hear of the end themselves.
void Tasks::wait_for_all(Operation& group) noexcept {
  group.branch = seldom_->branches.current();
}

void Tasks::wake(Operation& operation, EventLoop& loop) noexcept {
  if (operation.kind != OperationKind::group) take_out(operation, loop);
  seldom_->woken.push_back(operation);
  ++seldom_->woken_count;
}

void Tasks::resume_woken() noexcept {
  Operation* const operation = seldom_->woken.front();
  if (!operation) return;
  seldom_->woken.remove(*operation);
  --seldom_->woken_count;
  if (main_returned_) operation->error = end_reason_;
  resume(*operation);
}

void Tasks::cancel(std::uint16_t branch, Connection& connection) noexcept {
  detail::Branches& branches = seldom_->branches;
  branches.cancel(branch);
  for (Operation* each = seldom_->woken.front(); each; each = each->next)
    if (!each->error && each->kind == OperationKind::event && branches.is_cancelled(each->branch))
      each->error = given_up();  // a queue takes back what it gave
  for (Operation* each = pending_.front(); each;) {
    Operation& operation = *each;
    each = each->next;
    if (!branches.is_cancelled(operation.branch)) continue;
    operation.error = given_up();
    wake(operation, connection.loop());
    if (operation.kind == OperationKind::publication || operation.kind == OperationKind::recovery)
      connection.wire().guests().tell_given_up(operation);
  }
  for (Operation* each = seldom_->outside.front(); each; each = each->next)
    if (branches.is_cancelled(each->branch)) cancel_outside(*each);
}

bool Tasks::is_given_up(Operation& operation) const noexcept {
  if (!seldom_ || !seldom_->branches.is_cancelled(seldom_->branches.current())) return false;
  operation.error = given_up();
  return true;
}

}  // namespace cppwebsocket::runtime
