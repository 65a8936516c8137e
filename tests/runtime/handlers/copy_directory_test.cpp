// Where the copies of handlers lie, who gets at them, how long they stay, and what happens where
// they cannot be made.
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/handlers/handler_files.hpp"

namespace cppwebsocket::testing {
namespace {

using runtime::Lookup;
using ::testing::HasSubstr;

constexpr auto same_user = static_cast<uid_t>(-1);
constexpr auto same_group = static_cast<gid_t>(-1);

mode_t mode_of(const fs::path& path) {
  struct stat status {};
  EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
  return status.st_mode & 07777;
}

class Copies : public HandlerFiles {
 protected:
  std::string place() const { return (top_ / "place").string(); }
  std::string problem_of(const std::string& directory) {
    try {
      runtime::CopyDirectory made(directory, same_user, same_group);
    } catch (const std::exception& error) {
      return error.what();
    }
    return {};
  }
  // The directory of a process that ends without a word.
  fs::path left_by_a_dead_one() {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      const runtime::CopyDirectory made(place(), same_user, same_group);
      std::ofstream(made.path() + "/left.1.so") << "left";
      ::_exit(::write(ends[1], made.path().data(), made.path().size()) < 0);
    }
    std::string path(4096, 0);
    path.resize(static_cast<std::size_t>(::read(ends[0], path.data(), path.size())));
    ::close(ends[0]);
    ::close(ends[1]);
    ::waitpid(child, nullptr, 0);
    return path;
  }
  std::size_t entries() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(place()), fs::directory_iterator()));
  }
};

// --- whose they are ------------------------------------------------------------------------------

TEST_F(Copies, EachProcessHasADirectoryThatOthersCannotFind) {
  const runtime::CopyDirectory one(place(), same_user, same_group),
      two(place(), same_user, same_group);
  EXPECT_EQ(mode_of(place()), 0711u);
  EXPECT_EQ(mode_of(one.path()), 0700u);
  EXPECT_NE(one.path(), two.path());
  EXPECT_EQ(fs::path(one.path()).filename().string().size(), 32u);
}

TEST_F(Copies, APlaceThatOthersCouldListOrChangeIsRefused) {
  make_directory("open", 0777);
  make_directory("listed", 0755);
  make_directory("sticky", 01777);  // as /tmp is
  make_directory("mine", 0711);
  EXPECT_THAT(problem_of((top_ / "open/place").string()), HasSubstr("others may write to"));
  EXPECT_THAT(problem_of((top_ / "listed").string()), HasSubstr("others may list"));
  EXPECT_THAT(problem_of((top_ / "missing/place").string()), HasSubstr("No such file"));
  EXPECT_EQ(problem_of((top_ / "sticky/place").string()), "");
  EXPECT_EQ(problem_of((top_ / "mine").string()), "");
}

TEST_F(Copies, APlaceThatBelongsToAnotherUserIsRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can make one";
  make_directory("other", 0711);
  ASSERT_EQ(::chown((top_ / "other").c_str(), 65534, 65534), 0);
  EXPECT_THAT(problem_of((top_ / "other").string()), HasSubstr("another user"));
  EXPECT_THAT(problem_of((top_ / "other/place").string()), HasSubstr("another user"));
}

TEST_F(Copies, ThoseOfALaterUserAreHis) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give one away";
  const runtime::CopyDirectory made(place(), 65534, 65534);
  struct stat status {};
  ASSERT_EQ(::stat(made.path().c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, 65534u);
  ASSERT_EQ(::stat(place().c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, 0u);
}

// --- how long they stay --------------------------------------------------------------------------

TEST_F(Copies, OneGoesWithTheLastWhoUsesIt) {
  install("one", "root/echo_wsh.so");
  auto old = find("/echo").handler;
  EXPECT_EQ(copies(), 1u);
  install("two", "root/echo_wsh.so");
  find("/echo");
  EXPECT_EQ(copies(), 2u);
  old.reset();
  EXPECT_EQ(copies(), 1u);
  fs::remove(top_ / "root/echo_wsh.so");
  find("/echo");
  EXPECT_EQ(copies(), 0u);
}

TEST_F(Copies, OneOfAFileThatIsNotUsedDoesNotStay) {
  write("root/text_wsh.so", "no object");
  install("one", "root/part_wsh.so");
  fs::resize_file(top_ / "root/part_wsh.so", 3000);
  EXPECT_THAT(find("/text").problem, HasSubstr("not a shared object"));
  EXPECT_THAT(find("/part").problem, HasSubstr("not complete"));
  EXPECT_EQ(copies(), 0u);
}

TEST_F(Copies, SomeOfTheDeadAreKeptAndAllOfTheLiving) {
  const runtime::CopyDirectory living(place(), same_user, same_group);
  std::vector<fs::path> dead;
  for (std::size_t i = 0; i < runtime::CopyDirectory::kept_of_dead + 3; ++i) {
    dead.push_back(left_by_a_dead_one());
    const timespec ages[] = {{static_cast<time_t>(i), 0}, {static_cast<time_t>(i), 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, dead.back().c_str(), ages, 0), 0);
  }
  const runtime::CopyDirectory next(place(), same_user, same_group);
  EXPECT_TRUE(fs::exists(living.path()));
  EXPECT_TRUE(fs::exists(dead.back() / "left.1.so"));
  EXPECT_FALSE(fs::exists(dead.front()));
  EXPECT_EQ(entries(), runtime::CopyDirectory::kept_of_dead + 2);
}

TEST_F(Copies, WhatADeadProcessHasLeftLeadsNowhere) {
  std::ofstream(top_ / "precious") << "kept";
  make_directory("beside");
  std::ofstream(top_ / "beside/precious") << "kept";
  for (std::size_t i = 0; i < runtime::CopyDirectory::kept_of_dead + 2; ++i) {
    const fs::path dead = left_by_a_dead_one();
    fs::create_symlink(top_ / "precious", dead / "file.so");
    fs::create_symlink(top_ / "beside", dead / "directory.so");
    if (i == 0) fs::create_directory(dead / "below");
  }
  fs::create_symlink(top_ / "beside", fs::path(place()) / std::string(32, 'a'));
  fs::create_directory(fs::path(place()) / "of somebody else");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(problem_of(place()), "");
  EXPECT_TRUE(fs::exists(top_ / "precious"));
  EXPECT_TRUE(fs::exists(top_ / "beside/precious"));
  EXPECT_TRUE(fs::exists(fs::path(place()) / "of somebody else"));
}

// --- where they cannot be made -------------------------------------------------------------------

TEST_F(Copies, AHandlerIsLoadedFromMemoryWhereNoFileCanBeAndThatIsSaidOnce) {
  std::vector<std::string> said;
  copies_.set_report([&said](std::string_view text) { said.emplace_back(text); });
  fs::remove(copies_.path());
  install("one", "root/one_wsh.so");
  install("two", "root/two_wsh.so");
  EXPECT_EQ(number_of(find("/one").handler), 4001);
  EXPECT_EQ(number_of(find("/two").handler), 4002);
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(said[0], copies_.path() + "/one_wsh.1.so: No such file or directory");
}

TEST_F(Copies, ALibraryWithoutADirectoryLoadsFromMemory) {
  runtime::HandlerLibrary library;
  install("one", "root/one_wsh.so");
  EXPECT_EQ(number_of(library.find(root_, "/one").handler), 4001);
}

// --- what a copy cannot have
// -----------------------------------------------------------------------

TEST_F(Copies, WhatRefersToItsOwnDirectoryIsRefused) {
  const std::string path = "-fno-gnu-unique -Wl,-rpath,";
  for (const std::string& each : {path + "'$ORIGIN/lib'", path + "/opt:'${ORIGIN}'",
                                  path + "'$ORIGIN' -Wl,--disable-new-dtags"}) {
    build("origin", good_table(1), each);
    install("origin", "root/origin_wsh.so");
    const Lookup found = find("/origin");
    EXPECT_FALSE(found.handler) << each;
    EXPECT_THAT(found.problem, HasSubstr("$ORIGIN"));
  }
  build("whole", good_table(4001), path + "/opt/lib");
  install("whole", "root/origin_wsh.so");
  EXPECT_EQ(number_of(find("/origin").handler), 4001);
}

TEST_F(Copies, WhatWasBuiltWithASanitizerThatIsNotHereIsRefused) {
  for (const auto& [symbol, name] : {std::pair("__asan_init", "AddressSanitizer"),
                                     std::pair("__tsan_init", "ThreadSanitizer")}) {
    if (::dlsym(RTLD_DEFAULT, symbol)) continue;  // these tests are built with it
    build("sanitized", good_table(1) + "extern \"C\" void " + symbol + "();\nstruct S { S() { " +
                           symbol + "(); } } s;\n");
    install("sanitized", "root/sanitized_wsh.so");
    const Lookup found = find("/sanitized");
    EXPECT_FALSE(found.handler);
    EXPECT_THAT(found.problem, HasSubstr(name));
    EXPECT_THAT(found.problem, HasSubstr("serve --sanitize"));
  }
}

TEST_F(Copies, TheirPlaceIsNotTold) {
  build("needy",
        good_table(1) + "extern \"C\" void nowhere();\nstruct S { S() { nowhere(); } } s;\n");
  install("needy", "root/needy_wsh.so");
  const Lookup found = find("/needy");
  EXPECT_THAT(found.problem,
              HasSubstr(root_.directory + "/needy_wsh.so: undefined symbol: nowhere"));
  EXPECT_THAT(found.problem, ::testing::Not(HasSubstr(copies_.path())));
}

}  // namespace
}  // namespace cppwebsocket::testing
