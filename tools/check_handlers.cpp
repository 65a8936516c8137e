// check-handlers DIR [--allow-outside] [--user NAME] [--no-handshake]: what the module would load from this
// WebSocketHandlerRoot and what it would refuse, by the module's own code, and what each handler says to a
// client. `cppwebsocket check` runs it.
#include <csignal>
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

#include <cppwebsocket/testing.hpp>

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

// What comes of the opening handshake of a client that sends nothing but what it must.
std::string handshake_of(const HandlerTable& table, const std::string& resource) {
  namespace fake = testing::detail;
  fake::Stage stage;
  fake::Channels channels{stage};
  *table.channels = &channels;
  try {
    if (table.transfer_data)
      fake::CoroutineConnection(stage, table, resource).shake_hands();
    else
      fake::BlockingConnection(stage, table, resource).shake_hands();
    return "101";
  } catch (const HandshakeException& error) {
    const bool is_error = error.status() >= 400 && error.status() <= 599;  // as the server has it
    return std::to_string(is_error ? error.status() : 403) + " " + error.what();
  } catch (const AbortedByUserException&) {
    return "drops the connection";
  } catch (const std::exception& error) {
    return "500, it raises: " + std::string(error.what());
  } catch (...) {
    return "500, it raises something that is no std::exception";
  }
}

// The same, by a process of its own: it may do anything.
void tell_handshake(const Handler& handler, const std::string& resource) {
  constexpr unsigned longest = 10;  // seconds
  std::printf("  handshake: ");
  std::fflush(stdout);
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGALRM, SIG_DFL);
    ::alarm(longest);
    std::printf("%s", handshake_of(handler.table(), resource).c_str());
    std::fflush(stdout);
    ::_exit(0);
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child)
    std::printf("it cannot start a process");
  else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
    std::printf("it takes longer than %u s", longest);
  else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    std::printf("it ends the process%s%s", WIFSIGNALED(status) ? ": " : "",
                WIFSIGNALED(status) ? ::strsignal(WTERMSIG(status)) : "");
}

int tell(const HandlerRoot& root, LoadNotes& notes, bool shakes_hands) {
  HandlerLibrary library(nullptr, &notes);
  int status = all_are_well;
  const auto found = library.scan(root);
  for (const Lookup& each : found) {
    const std::string resource = resource_of(each.file, root.directory);
    if (each.problem.empty()) {
      std::printf("loads    %s  (%s)", resource.c_str(),
                  each.handler->is_blocking() ? "blocking" : "coroutine");
      if (shakes_hands) tell_handshake(*each.handler, resource);
      std::printf("\n");
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
int tell_in_a_child(const HandlerRoot& root, LoadNotes& notes, const char* user, bool shakes_hands) {
  for (;;) {
    const pid_t child = ::fork();
    if (child < 0) return fail("it cannot start a process");
    if (child == 0) {
      if (*user && !become(user)) ::_exit(fail("it cannot become the user " + std::string(user)));
      const int status = tell(root, notes, shakes_hands);
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
  bool shakes_hands = true;
  for (int i = 1; i < count; ++i) {
    const std::string_view each = arguments[i];
    if (each == "--allow-outside")
      root.allow_outside = true;
    else if (each == "--no-handshake")
      shakes_hands = false;
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
  return tell_in_a_child(root, *new (shared) LoadNotes, user, shakes_hands);
}

}  // namespace
}  // namespace cppwebsocket::runtime

int main(int count, char** arguments) { return cppwebsocket::runtime::run(count, arguments); }
