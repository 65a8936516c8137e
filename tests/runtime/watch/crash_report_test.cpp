// Crashes, in processes of their own.
#include "runtime/watch/crash_report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <thread>

#include <unistd.h>

#include "runtime/watch/watched_thread.hpp"

namespace cppwebsocket::testing {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

const volatile bool for_ever = true;
int overflow_in_test(const volatile char* before) {
  volatile char room[4096];
  room[0] = before ? before[0] : 'x';
  return for_ever ? overflow_in_test(room) + room[0] : 0;
}
void write_to_nowhere() {
  static int* volatile nowhere = nullptr;
  *nowhere = 1;
}
void raise_in_test() { throw std::runtime_error("of no use"); }
void raise_in_noexcept() noexcept { raise_in_test(); }

// On a thread that works for a handler.
template <typename Function>
void crash_in_handler(Function function) {
  runtime::CrashReport::install(STDERR_FILENO, "TAG");
  std::thread([&] {
    const runtime::Subject subject{"bad_wsh.so", "1", "/bad", 7};
    runtime::WatchedThread::here();
    const runtime::WatchedThread::Turn now(subject);
    function();
  }).join();
}

class CrashReport : public ::testing::Test {
  void SetUp() override {
    if (sanitized) GTEST_SKIP() << "a sanitizer has reports of its own";
  }
};

TEST_F(CrashReport, NamesHandlerAndFunctions) {
  EXPECT_EXIT(crash_in_handler(write_to_nowhere), ::testing::KilledBySignal(SIGSEGV),
              "TAG: SIGSEGV at 0x0 in handler bad_wsh.so \\(1\\) #7 /bad\n.*TAG:   0: .*write_to_nowhere \\(");
}

TEST_F(CrashReport, OfAStackThatHasOverflowed) {
  EXPECT_EXIT(crash_in_handler([] { overflow_in_test(nullptr); }), ::testing::KilledBySignal(SIGSEGV),
              "TAG: SIGSEGV at 0x[0-9a-f]+ in handler bad_wsh.so .*\n.*overflow_in_test");
}

TEST_F(CrashReport, OfAnExceptionThatNobodyCatches) {
  EXPECT_EXIT(crash_in_handler(raise_in_noexcept), ::testing::KilledBySignal(SIGABRT),
              "TAG: SIGABRT \\(std::terminate after std::runtime_error: of no use\\) in handler bad_wsh.so");
}

TEST_F(CrashReport, OfASignalThatWasSent) {
  EXPECT_EXIT(crash_in_handler([] { std::raise(SIGFPE); }), ::testing::KilledBySignal(SIGFPE),
              "TAG: SIGFPE in handler bad_wsh.so");
}

TEST_F(CrashReport, CallsWhoWasThereBefore) {
  EXPECT_EXIT(
      {
        std::signal(SIGSEGV, [](int) {
          constexpr char text[] = "the former\n";
          [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text, sizeof text - 1);
          ::_exit(3);
        });
        crash_in_handler(write_to_nowhere);
      },
      ::testing::ExitedWithCode(3), "TAG: SIGSEGV.*\n(.*\n)*the former");
}

TEST_F(CrashReport, SaysNothingOfThreadsThatRunNoHandler) {
  EXPECT_EXIT(
      {
        runtime::CrashReport::install(STDERR_FILENO, "TAG");
        write_to_nowhere();
      },
      ::testing::KilledBySignal(SIGSEGV), ::testing::Not(::testing::HasSubstr("TAG")));
}

}  // namespace
}  // namespace cppwebsocket::testing
