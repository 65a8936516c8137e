// While a child starts, the MPMs' handler of SIGTERM and SIGHUP calls exit(), whatever the child is doing. In the middle of
// malloc() that ends it by SIGABRT or SIGSEGV, "corrupted double-linked list" for one. So these wait while one of these is
// there, as long as what this module does there takes.
// Thread: the child's main one.
#pragma once

#include <signal.h>

namespace cppwebsocket::httpd {

class StartHold {
 public:
  StartHold() noexcept {
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &ends, &before_);
  }
  ~StartHold() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  StartHold(const StartHold&) = delete;
  StartHold& operator=(const StartHold&) = delete;

 private:
  sigset_t before_;
};

}  // namespace cppwebsocket::httpd
