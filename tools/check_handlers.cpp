// check-handlers DIR [--allow-outside] [--user NAME]: what the module would load from this
// WebSocketHandlerRoot and what it would refuse, by the module's own code. `cppwebsocket check` runs it.
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <new>
#include <string>
#include <string_view>

#include <grp.h>
#include <pwd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/handlers/library.hpp"
#include "runtime/handlers/load_notes.hpp"

namespace cppwebsocket::runtime {
namespace {

constexpr int all_are_well = 0, one_is_refused = 1, cannot_check = 2;

int fail(const std::string& why) {
  std::fprintf(stderr, "cppwebsocket check: %s\n", why.c_str());
  return cannot_check;
}

// From here on with the rights of httpd's children.
bool become(const char* user) {
  const passwd* const entry = ::getpwnam(user);
  return entry && ::initgroups(user, entry->pw_gid) == 0 && ::setgid(entry->pw_gid) == 0 &&
         ::setuid(entry->pw_uid) == 0;
}

// "chat_wsh.so" → "/chat"
std::string resource_of(const std::string& file, const std::string& root) {
  const std::string name = file.substr(root.size());
  return name.substr(0, name.size() - std::string_view("_wsh.so").size());
}

int tell(const HandlerRoot& root, LoadNotes& notes) {
  HandlerLibrary library(nullptr, &notes);
  int status = all_are_well;
  const auto found = library.scan(root);
  for (const Lookup& each : found) {
    const std::string resource = resource_of(each.file, root.directory);
    if (each.problem.empty()) {
      std::printf("loads    %s  (%s)\n", resource.c_str(),
                  each.handler->is_blocking() ? "blocking" : "coroutine");
    } else {
      std::printf("refused  %s  %s\n", resource.c_str(), each.problem.c_str());
      status = one_is_refused;
    }
  }
  if (found.empty()) return fail("there is no *_wsh.so in " + root.directory);
  return status;
}

// The files' constructors run, and one of them may end the process. Then another one looks, to which the
// notes tell which file that was, as they do to httpd's children.
int tell_in_a_child(const HandlerRoot& root, LoadNotes& notes, const char* user) {
  for (;;) {
    const pid_t child = ::fork();
    if (child < 0) return fail("it cannot start a process");
    if (child == 0) {
      if (*user && !become(user)) ::_exit(fail("it cannot become the user " + std::string(user)));
      const int status = tell(root, notes);
      std::fflush(stdout);
      ::_exit(status);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    if (WIFEXITED(status)) return WEXITSTATUS(status);
  }
}

int run(int count, char** arguments) {
  HandlerRoot root;
  const char* user = "";
  for (int i = 1; i < count; ++i) {
    const std::string_view each = arguments[i];
    if (each == "--allow-outside")
      root.allow_outside = true;
    else if (each == "--user" && i + 1 < count)
      user = arguments[++i];
    else
      root.directory = std::filesystem::absolute(each).lexically_normal().string();
  }
  while (root.directory.size() > 1 && root.directory.ends_with('/')) root.directory.pop_back();
  if (!std::filesystem::is_directory(root.directory)) return fail("there is no directory " + root.directory);
  void* const shared = ::mmap(nullptr, sizeof(LoadNotes), PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return fail(std::strerror(errno));
  return tell_in_a_child(root, *new (shared) LoadNotes, user);
}

}  // namespace
}  // namespace cppwebsocket::runtime

int main(int count, char** arguments) { return cppwebsocket::runtime::run(count, arguments); }
