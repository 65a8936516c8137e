// Files that would end the process that loads them, or hold it up: not whole, of the wrong kind,
// made by another compiler's rules, and some that only a process which dies of them can tell.
#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <functional>
#include <future>
#include <new>
#include <random>

#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/handlers/file.hpp"
#include "runtime/handlers/handler_files.hpp"
#include "runtime/handlers/load_notes.hpp"
#include "runtime/handlers/shared_object.hpp"

namespace cppwebsocket::testing {
namespace {

using runtime::FileVersion;
using runtime::LoadNotes;
using runtime::Lookup;
using ::testing::HasSubstr;

// Runs `function` in a process of its own, which is left as a zombie, as a child of httpd is until
// its parent asks; what ended it, or 0.
int signal_that_ends(const std::function<void()>& function) {
  const pid_t child = ::fork();
  if (child == 0) {
    function();
    ::_exit(0);
  }
  siginfo_t info{};
  ::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT);
  return info.si_code == CLD_EXITED ? 0 : info.si_status;
}

struct SharedNotes {
  SharedNotes()
      : notes(*new (::mmap(nullptr, sizeof(LoadNotes), PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_ANONYMOUS, -1, 0)) LoadNotes) {}
  ~SharedNotes() { ::munmap(&notes, sizeof notes); }
  LoadNotes& notes;
};

class Loading : public HandlerFiles {
 protected:
  void TearDown() override {
    HandlerFiles::TearDown();
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
  }
  std::string bytes_of(const std::string& which) {
    if (!fs::exists(built_ / (which + ".so"))) build(which, handler_source(4001));
    std::ifstream file(built_ / (which + ".so"), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // What loading it ends with; the handler is asked, too.
  int signal_of_loading(std::string_view bytes) {
    write("root/part_wsh.so", bytes);
    return signal_that_ends([this] {
      if (const Lookup found = find("/part"); found.handler && number_of(found.handler) != 4001)
        ::abort();
    });
  }
};

// --- not whole -----------------------------------------------------------------------------------

TEST_F(Loading, AFileOfFullLengthOfWhichOnlyABeginningIsWrittenHarmsNobody) {
  const std::string whole = bytes_of("whole");
  for (std::size_t size = 0; size < whole.size(); size += 1024) {
    std::string part = whole;
    std::fill(part.begin() + static_cast<std::ptrdiff_t>(size), part.end(), 0);
    if (part == whole) continue;  // its last bytes are zero
    EXPECT_EQ(signal_of_loading(part), 0) << size << " bytes of " << whole.size();
    EXPECT_NE(runtime::problem_of_object(part), "") << size;
  }
}

TEST_F(Loading, AFileOfWhichAnyBlockIsMissingHarmsNobody) {
  const std::string whole = bytes_of("whole");
  for (const std::size_t block : {512u, 4096u})
    for (std::size_t at = 0; at < whole.size(); at += block) {
      std::string part = whole;
      const std::size_t size = std::min(block, whole.size() - at);
      std::memset(part.data() + at, 0, size);
      // What is missing may be of no use in a handler (names for debuggers) or be zero anyway.
      if (runtime::problem_of_object(part).empty()) {
        EXPECT_EQ(signal_of_loading(part), 0) << at;
      }
    }
}

TEST_F(Loading, AWholeFileHasNoProblemHoweverItWasLinked) {
  const std::pair<const char*, const char*> ways[] = {
      {"both_hashes", "-fno-gnu-unique -Wl,--hash-style=both"},
      {"old_hash", "-fno-gnu-unique -Wl,--hash-style=sysv"},
      {"one_segment", "-fno-gnu-unique -Wl,-z,noseparate-code -O2"},
      {"stripped", "-fno-gnu-unique -s -O2"},
      {"debuggable", "-fno-gnu-unique -g -O0"},
      {"unrelocated", "-fno-gnu-unique -Wl,-z,lazy -Wl,-z,norelro"}};
  for (const auto& [name, flags] : ways) {
    build(name, handler_source(4001), flags);
    install(name, "root/echo_wsh.so");
    const Lookup found = find("/echo");
    ASSERT_TRUE(found.handler) << name << ": " << found.problem;
    EXPECT_EQ(number_of(found.handler), 4001);
  }
}

TEST_F(Loading, OneWithoutSectionHeadersIsFine) {
  std::string bytes = bytes_of("whole");
  ElfW(Ehdr) head;
  std::memcpy(&head, bytes.data(), sizeof head);
  head.e_shoff = head.e_shnum = head.e_shstrndx = 0;
  std::memcpy(bytes.data(), &head, sizeof head);
  EXPECT_EQ(runtime::problem_of_object(bytes), "");
}

TEST_F(Loading, WhatIsNoObjectOfThisMachineIsNamed) {
  std::string other = bytes_of("whole");
  other[EI_CLASS] = sizeof(void*) == 8 ? ELFCLASS32 : ELFCLASS64;
  for (const std::string& bytes : {std::string(),
                                   std::string("\x7f"
                                               "ELF"),
                                   other})
    EXPECT_THAT(std::string(runtime::problem_of_object(bytes)), HasSubstr("not a shared object"));
}

// --- of the wrong kind ---------------------------------------------------------------------------

std::string problem_of_loading(const std::string& path) {
  LoadNotes notes;
  std::string problem;
  EXPECT_EQ(runtime::load_handler("x_wsh.so", path, {nullptr, notes, nullptr}, problem), nullptr);
  return problem;
}

TEST_F(Loading, WhatHasTakenTheFilesPlaceIsJudgedAgain) {
  install("one", "root/one_wsh.so", 0666);
  ASSERT_EQ(::mkfifo((top_ / "root/fifo_wsh.so").c_str(), 0644), 0);
  fs::create_symlink("one_wsh.so", top_ / "root/link_wsh.so");
  EXPECT_THAT(problem_of_loading(root_.directory + "/fifo_wsh.so"),
              HasSubstr("not a regular file"));
  EXPECT_THAT(problem_of_loading(root_.directory), HasSubstr("not a regular file"));
  EXPECT_THAT(problem_of_loading(root_.directory + "/link_wsh.so"), HasSubstr("cannot be read"));
  EXPECT_THAT(problem_of_loading(root_.directory + "/one_wsh.so"), HasSubstr("may write to it"));
}

TEST_F(Loading, AFileHasALargestSize) {
  install("one", "root/large_wsh.so");
  fs::resize_file(top_ / "root/large_wsh.so", runtime::most_handler_size + 1);
  EXPECT_THAT(find("/large").problem, HasSubstr("larger than 256 MiB"));
}

// --- by other rules ------------------------------------------------------------------------------

TEST_F(Loading, OneThatLaysOutTypesOtherwiseIsRefused) {
  const std::pair<const char*, const char*> ways[] = {
      {"-D_GLIBCXX_DEBUG", "with _GLIBCXX_DEBUG"},
      {"-D_GLIBCXX_USE_CXX11_ABI=0", "cxx11-abi=0"},
      {"-fshort-enums", "-fshort-enums"},
      {"-fpack-struct=4", "-fpack-struct"},
      {"-fpack-struct=4 -fshort-enums", "-fshort-enums, -fpack-struct"}};
  for (const auto& [flags, words] : ways) {
    build("otherwise", good_table(1), std::string("-fno-gnu-unique ") + flags);
    install("otherwise", "root/otherwise_wsh.so");
    const Lookup found = find("/otherwise");
    EXPECT_FALSE(found.handler) << flags;
    EXPECT_THAT(found.problem, HasSubstr(words));
    EXPECT_THAT(found.problem, HasSubstr("rebuild"));
  }
}

// --- what kills ----------------------------------------------------------------------------------

TEST_F(Loading, AFileThatHasEndedAProcessIsNotLoadedUntilItChanges) {
  build("killer", good_table(1) + "struct K { K() { __builtin_trap(); } } killer;\n");
  install("killer", "root/killer_wsh.so");
  SharedNotes shared;
  EXPECT_NE(signal_that_ends(
                [&] { runtime::HandlerLibrary(nullptr, &shared.notes).find(root_, "/killer"); }),
            0);
  for (int i = 0; i < 2; ++i) {  // in whichever process
    runtime::HandlerLibrary library(nullptr, &shared.notes);
    EXPECT_THAT(library.find(root_, "/killer").problem, HasSubstr("a process that loaded it died"));
    install("one", "root/good_wsh.so");
    EXPECT_TRUE(library.find(root_, "/good").handler);
  }
  runtime::HandlerLibrary library(nullptr, &shared.notes);
  install("one", "root/killer_wsh.so");
  EXPECT_TRUE(library.find(root_, "/killer").handler);
}

TEST_F(Loading, AFileThatWasLoadedWellIsNotBlamedForALaterDeath) {
  install("one", "root/echo_wsh.so");
  SharedNotes shared;
  EXPECT_NE(signal_that_ends([&] {
              runtime::HandlerLibrary(nullptr, &shared.notes).find(root_, "/echo");
              __builtin_trap();
            }),
            0);
  EXPECT_TRUE(runtime::HandlerLibrary(nullptr, &shared.notes).find(root_, "/echo").handler);
}

FileVersion version(std::uint64_t inode) {
  FileVersion made;
  made.inode = inode;
  return made;
}

TEST(LoadNotesOfFiles, OneProcessLoadsAVersionAtATime) {
  LoadNotes notes;
  EXPECT_EQ(notes.begin(version(1)), LoadNotes::Answer::begun);
  EXPECT_EQ(notes.begin(version(1)), LoadNotes::Answer::others);
  EXPECT_EQ(notes.begin(version(2)), LoadNotes::Answer::begun);
  notes.end(version(1));
  EXPECT_EQ(notes.begin(version(1)), LoadNotes::Answer::begun);
}

TEST(LoadNotesOfFiles, ADeathIsRememberedWhoeverHasThatNumberLater) {
  SharedNotes shared;
  signal_that_ends([&] { shared.notes.begin(version(1)); });
  EXPECT_EQ(shared.notes.begin(version(1)), LoadNotes::Answer::fatal);
  shared.notes.end(version(1));
  EXPECT_EQ(shared.notes.begin(version(1)), LoadNotes::Answer::fatal);
  EXPECT_EQ(shared.notes.begin(version(2)), LoadNotes::Answer::begun);
}

TEST(LoadNotesOfFiles, WhenAllPlacesAreTakenTheNewestIsKept) {
  SharedNotes shared;
  signal_that_ends([&] {
    for (std::uint64_t i = 1; i <= 1000; ++i) shared.notes.begin(version(i));
  });
  EXPECT_EQ(shared.notes.begin(version(1000)), LoadNotes::Answer::fatal);
  EXPECT_EQ(shared.notes.begin(version(1001)), LoadNotes::Answer::begun);
}

// --- what holds up -------------------------------------------------------------------------------

TEST_F(Loading, AFileThatTakesItsTimeHoldsUpNobodyElse) {
  const std::string fifo = (top_ / "fifo").string();
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  build("slow", "#include <fcntl.h>\n#include <unistd.h>\n" + good_table(4003) +
                    "struct Slow { Slow() { char c; int f = ::open(\"" + fifo +
                    "\", O_RDONLY); while (::read(f, &c, 1) > 0) {} ::close(f); } } slow;\n");
  install("one", "root/good_wsh.so");
  install("one", "root/slow_wsh.so");
  ASSERT_TRUE(find("/good").handler);
  ASSERT_EQ(number_of(find("/slow").handler), 4001);
  install("slow", "root/slow_wsh.so");
  auto slow = std::async(std::launch::async, [this] { return find("/slow"); });
  const int end = ::open(fifo.c_str(), O_WRONLY);  // waits until the constructor runs
  // Were they held up, these would wait for ever.
  EXPECT_TRUE(find("/good").handler);
  const Lookup meanwhile = find("/slow");  // after a second
  EXPECT_EQ(number_of(meanwhile.handler), 4001);
  EXPECT_THAT(meanwhile.problem, HasSubstr("still being loaded"));
  EXPECT_FALSE(meanwhile.newly_seen);
  ::close(end);
  EXPECT_EQ(number_of(slow.get().handler), 4003);
  EXPECT_EQ(number_of(find("/slow").handler), 4003);
}

TEST_F(Loading, WhoAsksForAFileThatIsLoadedWaitsForIt) {
  install("one", "root/echo_wsh.so");
  std::vector<std::future<Lookup>> all;
  for (int i = 0; i < 8; ++i)
    all.push_back(std::async(std::launch::async, [this] { return find("/echo"); }));
  int first = 0;
  for (auto& each : all) {
    const Lookup found = each.get();
    EXPECT_TRUE(found.handler) << found.problem;
    first += found.newly_seen;
  }
  EXPECT_EQ(first, 1);
}

}  // namespace
}  // namespace cppwebsocket::testing
