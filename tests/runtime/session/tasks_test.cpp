// The handler's side of a session alone: coroutines that wait for operations, and no session.
#include "runtime/session/tasks.hpp"

#include <gmock/gmock.h>

#include <stdexcept>
#include <string>

#include "runtime/session/remote_control.hpp"
#include "runtime/support/fake_loop.hpp"

namespace cppwebsocket::testing {
namespace {

using namespace std::chrono_literals;
using detail::Operation;
using detail::OperationKind;
using runtime::Tasks;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct TasksTest : ::testing::Test {
  // Waits for an operation of `kind`, and notes how that ends.
  Task<> wait(OperationKind kind, std::string name) {
    Operation operation(kind);
    struct Awaiter {
      Tasks& tasks;
      Operation& operation;
      bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<> waiting) {
        operation.waiting = waiting;
        tasks.wait(operation);
      }
      void await_resume() { operation.rethrow_error(); }
    };
    try {
      co_await Awaiter{tasks, operation};
      seen.push_back(name + " goes on");
    } catch (const ConnectionTerminatedException& e) {
      seen.push_back(name + " raises: " + e.what());
    }
  }
  void end_with(const char* why) {
    ASSERT_TRUE(tasks.end(std::make_exception_ptr(ConnectionTerminatedException(why))));
    while (Operation* operation = tasks.next_to_tell()) tasks.complete(*operation, loop);
  }

  FakeLoop loop;
  Tasks tasks;
  std::vector<std::string> seen;
};

struct Tell {  // when its frame goes
  std::vector<std::string>& seen;
  ~Tell() { seen.push_back("frame gone"); }
};

TEST_F(TasksTest, ATaskThatHasReturnedIsTakenOnceAndItsFrameIsGone) {
  const auto task = [](std::vector<std::string>& seen) -> Task<> {
    const Tell tell{seen};
    throw std::runtime_error("oh");
    co_return;
  };
  tasks.start_main(task(seen));
  EXPECT_TRUE(tasks.may_have_ended());
  const auto ended = tasks.take_ended();
  ASSERT_TRUE(ended);
  EXPECT_TRUE(ended->is_main);
  EXPECT_THROW(std::rethrow_exception(ended->error), std::runtime_error);
  EXPECT_THAT(seen, ElementsAre("frame gone"));
  EXPECT_FALSE(tasks.take_ended());
  EXPECT_TRUE(tasks.are_done());
}

TEST_F(TasksTest, AreDoneWhenTheMainOneAllBesideItAndTheThreadHaveEnded) {
  tasks.start_main(wait(OperationKind::close, "main"));
  tasks.start_beside(wait(OperationKind::recovery, "beside"));
  tasks.thread_started();
  tasks.complete(*tasks.first(OperationKind::recovery), loop);
  const auto beside = tasks.take_ended();
  ASSERT_TRUE(beside);
  EXPECT_FALSE(beside->is_main);
  EXPECT_FALSE(tasks.take_ended());
  tasks.complete(*tasks.first(OperationKind::close), loop);
  EXPECT_TRUE(tasks.take_ended());
  EXPECT_FALSE(tasks.are_done());
  tasks.thread_ended();
  EXPECT_TRUE(tasks.are_done());
}

TEST_F(TasksTest, FindTheOneOfAKindThatWaitsLongest) {
  EXPECT_EQ(tasks.first(OperationKind::send), nullptr);
  tasks.start_main(wait(OperationKind::close, "close"));
  tasks.start_beside(wait(OperationKind::send, "first"));
  tasks.start_beside(wait(OperationKind::send, "second"));
  EXPECT_EQ(tasks.senders_waiting(), 2u);
  tasks.complete(*tasks.first(OperationKind::send), loop);
  EXPECT_EQ(tasks.senders_waiting(), 1u);
  EXPECT_THAT(seen, ElementsAre("first goes on"));
  end_with("over");
}

TEST_F(TasksTest, EachWaitRaisesTheReasonOfTheEndAndNoOtherReasonCounts) {
  tasks.start_main(wait(OperationKind::publication, "main"));
  tasks.start_beside(wait(OperationKind::recovery, "beside"));
  end_with("first");
  EXPECT_FALSE(tasks.end(std::make_exception_ptr(ConnectionTerminatedException("second"))));
  EXPECT_THAT(seen, ElementsAre("main raises: first", "beside raises: first"));
  EXPECT_THROW(tasks.require_not_ended(), ConnectionTerminatedException);
  Operation late(OperationKind::recovery);
  EXPECT_THROW(tasks.wait_for(late), ConnectionTerminatedException);
}

TEST_F(TasksTest, ACloseIsToldOfAnyEndAndAPublicationOfACleanOne) {
  tasks.start_main(wait(OperationKind::close, "close"));
  tasks.start_beside(wait(OperationKind::publication, "publication"));
  tasks.start_beside(wait(OperationKind::recovery, "recovery"));
  tasks.set_clean_end(true);
  end_with("closed");
  EXPECT_THAT(seen, ElementsAre("close goes on", "publication goes on", "recovery raises: closed"));
}

TEST_F(TasksTest, WhatAnEndResumesMayStartFurtherTasks) {
  const auto nest = [](TasksTest& test) -> Task<> {
    co_await test.wait(OperationKind::recovery, "outer");
    test.tasks.start_beside(test.wait(OperationKind::recovery, "inner"));
  };
  tasks.start_main(nest(*this));
  end_with("over");
  EXPECT_THAT(seen, ElementsAre("outer raises: over", "inner raises: over"));
  EXPECT_TRUE(tasks.take_ended());
  EXPECT_TRUE(tasks.take_ended());
  EXPECT_TRUE(tasks.are_done());
}

TEST_F(TasksTest, AHandlerThatHasNeverReceivedHasComeToTheClose) {
  EXPECT_TRUE(tasks.has_come_to_close());
  tasks.inbox().push("one");
  EXPECT_TRUE(tasks.has_come_to_close());
  EXPECT_EQ(tasks.try_receive()->text(), "one");
  EXPECT_FALSE(tasks.has_come_to_close());  // it may answer, and receive again
  EXPECT_EQ(tasks.try_receive(), std::nullopt);
}

TEST_F(TasksTest, AStopTokenThatIsAskedForAfterTheEndIsRequested) {
  tasks.request_stop();  // nobody has one
  const std::stop_token before = tasks.stop_token();
  EXPECT_FALSE(before.stop_requested());
  tasks.request_stop();
  EXPECT_TRUE(before.stop_requested());
  Tasks others;
  others.end(std::make_exception_ptr(ConnectionTerminatedException("over")));
  EXPECT_TRUE(others.stop_token().stop_requested());
}

}  // namespace
}  // namespace cppwebsocket::testing
