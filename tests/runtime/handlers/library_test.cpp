// From a resource to a handler: names, files that may not be used or are broken, and files that
// come, change and go. The handlers are compiled here, by the compiler that built the tests.
#include "runtime/handlers/library.hpp"

#include <chrono>
#include <filesystem>
#include <thread>

#include <sys/resource.h>

#include "runtime/handlers/handler_files.hpp"

namespace cppwebsocket::testing {
namespace {

using runtime::HandlerRoot;
using runtime::Lookup;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// --- names ---------------------------------------------------------------------------------------

TEST(HandlerFileOf, AppendsTheSuffixAndKeepsDirectories) {
  const HandlerRoot root;
  EXPECT_EQ(handler_file_of(root, "/echo"), "echo_wsh.so");
  EXPECT_EQ(handler_file_of(root, "/foo/bar"), "foo/bar_wsh.so");
  EXPECT_EQ(handler_file_of(root, "/a.b/c..d/...e"), "a.b/c..d/...e_wsh.so");
  EXPECT_EQ(handler_file_of(root, "/日本"), "日本_wsh.so");
}

TEST(HandlerFileOf, RefusesWhatNoFileCanHave) {
  const HandlerRoot root;
  for (std::string_view resource :
       {"", "/", "echo", "//", "//echo", "/foo//bar", "/foo/", "/..", "/../echo", "/foo/../bar",
        "/foo/..", "/.", "/./echo", "/foo/./bar"})
    EXPECT_EQ(handler_file_of(root, resource), "") << resource;
  EXPECT_EQ(handler_file_of(root, std::string_view("/ec\0ho", 6)), "");
  EXPECT_EQ(handler_file_of(root, std::string_view("/echo\0", 6)), "");
}

TEST(HandlerFileOf, ResolvesAnAliasOnce) {
  HandlerRoot root;
  root.aliases = {
      {"/old", "/foo/bar"}, {"/", "/home"}, {"/foo/bar", "/elsewhere"}, {"/bad", "/../x"}};
  EXPECT_EQ(handler_file_of(root, "/old"), "foo/bar_wsh.so");
  EXPECT_EQ(handler_file_of(root, "/"), "home_wsh.so");
  EXPECT_EQ(handler_file_of(root, "/old/more"), "old/more_wsh.so");
  EXPECT_EQ(handler_file_of(root, "/bad"), "");
}

// --- files ---------------------------------------------------------------------------------------

class HandlerLibrary : public HandlerFiles {};

TEST_F(HandlerLibrary, FindsAHandlerAndItsName) {
  install("one", "root/foo/bar_wsh.so");
  const Lookup found = find("/foo/bar");
  ASSERT_TRUE(found.handler) << found.problem;
  EXPECT_EQ(found.handler->name(), "foo/bar_wsh.so");
  EXPECT_EQ(number_of(found.handler), 4001);
  EXPECT_FALSE(found.handler->is_blocking());
  EXPECT_EQ(found.problem, "");
  EXPECT_EQ(found.file, root_.directory + "/foo/bar_wsh.so");
}

TEST_F(HandlerLibrary, WhatIsNotThereIsNoProblem) {
  for (const char* resource : {"/echo", "/foo/bar", "/../echo", "/"}) {
    const Lookup found = find(resource);
    EXPECT_FALSE(found.handler);
    EXPECT_EQ(found.problem, "");
    EXPECT_FALSE(found.newly_seen);
  }
}

TEST_F(HandlerLibrary, SeesEachVersionOnce) {
  install("one", "root/echo_wsh.so");
  EXPECT_TRUE(find("/echo").newly_seen);
  EXPECT_FALSE(find("/echo").newly_seen);
  EXPECT_EQ(find("/echo").handler, find("/echo").handler);
  install("two", "root/echo_wsh.so");
  EXPECT_TRUE(find("/echo").newly_seen);
  EXPECT_FALSE(find("/echo").newly_seen);
}

TEST_F(HandlerLibrary, AReplacedFileTakesEffectAndTheOldOneStaysUsable) {
  install("one", "root/echo_wsh.so");
  auto old = find("/echo").handler;
  install("two", "root/echo_wsh.so");
  EXPECT_EQ(number_of(find("/echo").handler), 4002);
  EXPECT_EQ(number_of(old), 4001);
}

TEST_F(HandlerLibrary, AFileOverwrittenInPlaceHarmsNobody) {
  install("one", "root/echo_wsh.so");
  auto old = find("/echo").handler;
  std::ofstream(top_ / "root/echo_wsh.so", std::ios::trunc) << "overwritten";
  EXPECT_EQ(number_of(old), 4001);
  EXPECT_NE(find("/echo").problem, "");
}

TEST_F(HandlerLibrary, AVersionThatCannotBeLoadedLeavesThePreviousOne) {
  install("one", "root/echo_wsh.so");
  find("/echo");
  for (const char* text : {"half", "half of a file"}) {
    write("root/echo_wsh.so.new", text);
    fs::rename(top_ / "root/echo_wsh.so.new", top_ / "root/echo_wsh.so");
    const Lookup found = find("/echo");
    EXPECT_EQ(number_of(found.handler), 4001);
    EXPECT_THAT(found.problem, HasSubstr("cannot be loaded"));
    EXPECT_TRUE(found.newly_seen);
    EXPECT_FALSE(find("/echo").newly_seen);
  }
  install("two", "root/echo_wsh.so");
  const Lookup mended = find("/echo");
  EXPECT_EQ(number_of(mended.handler), 4002);
  EXPECT_EQ(mended.problem, "");
}

TEST_F(HandlerLibrary, AVersionThatMayNotBeUsedEndsThePreviousOne) {
  install("one", "root/echo_wsh.so");
  find("/echo");
  install("two", "root/echo_wsh.so", 0666);
  EXPECT_FALSE(find("/echo").handler);
}

TEST_F(HandlerLibrary, AFailureThatPassesIsTriedAgain) {
  install("one", "root/echo_wsh.so");
  find("/echo");
  install("two", "root/echo_wsh.so");
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit none = before;
  none.rlim_cur = 3;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const Lookup failed = find("/echo");
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_THAT(failed.problem, HasSubstr("Too many open files"));
  EXPECT_EQ(number_of(failed.handler), 4001);
  EXPECT_EQ(number_of(find("/echo").handler), 4001);  // not at every look
  std::this_thread::sleep_for(std::chrono::milliseconds(1010));
  const Lookup again = find("/echo");
  EXPECT_EQ(number_of(again.handler), 4002);
  EXPECT_EQ(again.problem, "");
}

TEST_F(HandlerLibrary, ARemovedFileIsGoneAndMayComeBack) {
  install("one", "root/echo_wsh.so");
  auto old = find("/echo").handler;
  fs::remove(top_ / "root/echo_wsh.so");
  EXPECT_FALSE(find("/echo").handler);
  EXPECT_EQ(number_of(old), 4001);
  install("two", "root/echo_wsh.so");
  const Lookup again = find("/echo");
  EXPECT_TRUE(again.newly_seen);
  EXPECT_EQ(number_of(again.handler), 4002);
}

TEST_F(HandlerLibrary, AVersionIsUnmappedWithItsLastOwner) {
  install("one", "root/unmapped_wsh.so");
  auto old = find("/unmapped").handler;
  const std::size_t once = mapped("unmapped_wsh.so");
  EXPECT_GT(once, 0u);
  install("two", "root/unmapped_wsh.so");
  find("/unmapped");
  EXPECT_GT(mapped("unmapped_wsh.so"), once);
  old.reset();
  EXPECT_EQ(mapped("unmapped_wsh.so"), once);
  fs::remove(top_ / "root/unmapped_wsh.so");
  find("/unmapped");
  EXPECT_EQ(mapped("unmapped_wsh.so"), 0u);
}

TEST_F(HandlerLibrary, AnObjectThatCannotBeUnmappedIsReplacedAllTheSame) {
  const std::string unique =
      "struct U { static inline int n = 0; ~U() { ++n; } };\n"
      "template <typename T> T& once() { static T t; return t; }\n"
      "__attribute__((visibility(\"default\"))) U& u() { return once<U>(); }\n";
  build("unique_one", handler_source(4011) + unique, "-fgnu-unique -fvisibility=default");
  build("unique_two", handler_source(4012) + unique, "-fgnu-unique -fvisibility=default");
  install("unique_one", "root/unique_wsh.so");
  EXPECT_EQ(number_of(find("/unique").handler), 4011);
  for (int i = 0; i < 3; ++i) {
    install(i % 2 ? "unique_one" : "unique_two", "root/unique_wsh.so");
    EXPECT_EQ(number_of(find("/unique").handler), i % 2 ? 4011 : 4012);
  }
}

TEST_F(HandlerLibrary, ANameMayBeLong) {
  const std::string directory(100, 'd');
  const std::string path =
      directory + "/" + directory + "/" + directory + "/" + std::string(100, 'n');
  install("one", "root/" + path + "_wsh.so");
  for (fs::path each = top_ / "root" / path; each != top_ / "root"; each = each.parent_path())
    if (fs::is_directory(each)) fs::permissions(each, static_cast<fs::perms>(0755));
  const Lookup found = find("/" + path);
  EXPECT_TRUE(found.handler) << found.problem;
}

TEST_F(HandlerLibrary, HandlersBuiltWithUniqueSymbolsAreNotMixedUp) {
  build("plain_one", handler_source(4021), "-fgnu-unique");
  build("plain_two", handler_source(4022), "-fgnu-unique");
  install("plain_one", "root/one_wsh.so");
  install("plain_two", "root/two_wsh.so");
  EXPECT_EQ(number_of(find("/one").handler), 4021);
  EXPECT_EQ(number_of(find("/two").handler), 4022);
}

// --- broken files --------------------------------------------------------------------------------

struct Broken {
  const char* name;
  const char* table;    // its fields, or "" for none
  const char* problem;  // part of what is said
};

const std::string other_abi = "handler ABI " + std::to_string(handler_abi + 1) + ", this server has " +
                              std::to_string(handler_abi) + ": rebuild";
const Broken broken[] = {
    {"NoTable", "", "does not export cppwebsocket_handler"},
    {"OtherAbi",
     "handler_abi + 1, sizeof(HandlerTable), handler_toolchain, &handshake, nullptr, nullptr",
     other_abi.c_str()},
    {"OtherSize", "handler_abi, 8, handler_toolchain, &handshake, nullptr, nullptr", "rebuild"},
    {"OtherToolchain", "handler_abi, sizeof(HandlerTable), \"a compiler of 1998\", &handshake",
     "built with a compiler of 1998, this server with lib"},
    {"NoToolchain", "handler_abi, sizeof(HandlerTable), nullptr, &handshake", "rebuild"},
    {"NoFunctions", "handler_abi, sizeof(HandlerTable), handler_toolchain, &handshake",
     "does not name the handler's functions"},
};

class BrokenHandler : public HandlerLibrary, public ::testing::WithParamInterface<Broken> {};

TEST_P(BrokenHandler, IsRefusedWithAReasonThatHelps) {
  const Broken& each = GetParam();
  build(each.name, *each.table ? table_source(each.table) : "int unrelated;\n");
  install(each.name, "root/broken_wsh.so");
  install("one", "root/good_wsh.so");
  const Lookup found = find("/broken");
  EXPECT_FALSE(found.handler);
  EXPECT_THAT(found.problem, HasSubstr(each.problem));
  EXPECT_TRUE(found.newly_seen);
  const Lookup again = find("/broken");
  EXPECT_EQ(again.problem, found.problem);
  EXPECT_FALSE(again.newly_seen);
  EXPECT_TRUE(find("/good").handler);
}

INSTANTIATE_TEST_SUITE_P(All, BrokenHandler, ::testing::ValuesIn(broken),
                         [](const auto& info) { return info.param.name; });

TEST_F(HandlerLibrary, BlankAndTextFilesAreRefused) {
  for (const char* text : {"", "#!/bin/sh\necho hello\n",
                           "\x7f"
                           "ELF and no more"}) {
    write("root/broken_wsh.so", text);
    const Lookup found = find("/broken");
    EXPECT_FALSE(found.handler);
    EXPECT_THAT(found.problem, HasSubstr("cannot be loaded"));
  }
}

TEST_F(HandlerLibrary, AFileThatIsCutOffAnywhereIsRefused) {
  install("one", "root/good_wsh.so");
  const fs::path whole = built_ / "one.so";
  const auto size = static_cast<std::size_t>(fs::file_size(whole));
  std::string bytes(size, '\0');
  std::ifstream(whole, std::ios::binary).read(bytes.data(), static_cast<std::streamsize>(size));
  for (int eighth = 0; eighth < 8; ++eighth) {
    write("root/broken_wsh.so", std::string_view(bytes).substr(0, size * eighth / 8 + 1));
    const Lookup found = find("/broken");
    // Without its last part, which only debuggers read, it may be whole enough to be used.
    EXPECT_EQ(found.handler == nullptr, !found.problem.empty());
    if (found.handler) {
      EXPECT_EQ(number_of(found.handler), 4001);
      EXPECT_GE(eighth, 4);
    }
  }
}

TEST_F(HandlerLibrary, AFileThatNeedsAMissingSymbolIsRefused) {
  build("missing", good_table(1) +
                       "extern \"C\" void nobody_has_this();\n"
                       "struct Start { Start() { nobody_has_this(); } } start;\n");
  install("missing", "root/broken_wsh.so");
  EXPECT_THAT(find("/broken").problem, HasSubstr("nobody_has_this"));
}

TEST_F(HandlerLibrary, ABrokenFileThatIsMendedWorks) {
  write("root/echo_wsh.so", "not yet");
  EXPECT_FALSE(find("/echo").handler);
  install("one", "root/echo_wsh.so");
  const Lookup found = find("/echo");
  EXPECT_TRUE(found.handler) << found.problem;
  EXPECT_TRUE(found.newly_seen);
}

TEST_F(HandlerLibrary, ADirectoryIsNoHandler) {
  make_directory("root/dir_wsh.so");
  EXPECT_THAT(find("/dir").problem, HasSubstr("not a regular file"));
}

// --- who may have written it ---------------------------------------------------------------------

TEST_F(HandlerLibrary, WhatOthersMayWriteIsRefused) {
  for (int mode : {0664, 0646, 0666}) {
    install("one", "root/echo_wsh.so", mode);
    const Lookup found = find("/echo");
    EXPECT_FALSE(found.handler);
    EXPECT_THAT(found.problem, HasSubstr("may write to")) << mode;
  }
  fs::permissions(top_ / "root/echo_wsh.so", static_cast<fs::perms>(0600));
  EXPECT_TRUE(find("/echo").handler);
}

TEST_F(HandlerLibrary, WhatLiesInADirectoryThatOthersMayWriteIsRefused) {
  install("one", "root/a/b/echo_wsh.so");
  make_directory("root/a", 0755);
  EXPECT_TRUE(find("/a/b/echo").handler);
  for (const char* directory : {"root", "root/a", "root/a/b"}) {
    make_directory(directory, 0775);
    const Lookup found = find("/a/b/echo");
    EXPECT_FALSE(found.handler);
    EXPECT_THAT(found.problem, HasSubstr("may write to " + (top_ / directory).string()));
    make_directory(directory, 0755);
    EXPECT_TRUE(find("/a/b/echo").handler);
  }
}

TEST_F(HandlerLibrary, WhatChangesAboutAUsedFileIsSeen) {
  for (const char* directory : {"root", "root/sub"}) {
    install("one", "root/sub/echo_wsh.so");
    ASSERT_TRUE(find("/sub/echo").handler);
    ASSERT_TRUE(find("/sub/echo").handler);
    fs::permissions(top_ / directory, static_cast<fs::perms>(0775));
    EXPECT_THAT(find("/sub/echo").problem, HasSubstr("may write to")) << directory;
    fs::permissions(top_ / directory, static_cast<fs::perms>(0755));
    EXPECT_TRUE(find("/sub/echo").handler);
  }
  fs::permissions(top_ / "root/sub/echo_wsh.so", static_cast<fs::perms>(0666));
  EXPECT_THAT(find("/sub/echo").problem, HasSubstr("may write to"));
  fs::permissions(top_ / "root/sub/echo_wsh.so", static_cast<fs::perms>(0644));
  EXPECT_TRUE(find("/sub/echo").handler);
  fs::rename(top_ / "root/sub", top_ / "elsewhere");
  fs::create_directory_symlink(top_ / "elsewhere", top_ / "root/sub");
  EXPECT_THAT(find("/sub/echo").problem, HasSubstr("outside of WebSocketHandlerRoot"));
  fs::remove(top_ / "root/sub");
  EXPECT_EQ(find("/sub/echo").file, "");
}

TEST_F(HandlerLibrary, ALinkInADirectoryThatOthersMayWriteIsRefused) {
  install("one", "elsewhere/one.so");
  make_directory("root/open", 0777);
  fs::create_symlink("../../elsewhere/one.so", top_ / "root/open/echo_wsh.so");
  root_.allow_outside = true;
  EXPECT_THAT(find("/open/echo").problem, HasSubstr("may write to"));
}

TEST_F(HandlerLibrary, ALinkOutOfTheRootNeedsPermission) {
  install("one", "elsewhere/one.so");
  fs::create_symlink("../elsewhere/one.so", top_ / "root/echo_wsh.so");
  fs::create_directory_symlink("../elsewhere", top_ / "root/sub");
  install("one", "elsewhere/two_wsh.so");
  for (const char* resource : {"/echo", "/sub/two"}) {
    root_.allow_outside = false;
    EXPECT_THAT(find(resource).problem, HasSubstr("outside of WebSocketHandlerRoot"));
    root_.allow_outside = true;
    EXPECT_TRUE(find(resource).handler) << find(resource).problem;
  }
}

TEST_F(HandlerLibrary, ADirectoryWhoseNameOnlyBeginsLikeTheRootIsOutside) {
  install("one", "root-evil/one.so");
  fs::create_symlink("../root-evil/one.so", top_ / "root/echo_wsh.so");
  EXPECT_THAT(find("/echo").problem, HasSubstr("outside of WebSocketHandlerRoot"));
}

TEST_F(HandlerLibrary, ALinkWithinTheRootIsFine) {
  install("one", "root/real/one_wsh.so");
  fs::create_symlink("real/one_wsh.so", top_ / "root/echo_wsh.so");
  EXPECT_TRUE(find("/echo").handler) << find("/echo").problem;
}

TEST_F(HandlerLibrary, TheRootMayBeALinkAndMayEndWithASlash) {
  install("one", "root/sub/echo_wsh.so");
  fs::create_directory_symlink("root", top_ / "link");
  for (const char* name : {"link", "link/", "root/"}) {
    root_.directory = (top_ / name).string();
    EXPECT_TRUE(find("/sub/echo").handler) << name << ": " << find("/sub/echo").problem;
  }
}

TEST_F(HandlerLibrary, ALinkToNowhereIsAProblem) {
  fs::create_symlink("nowhere.so", top_ / "root/echo_wsh.so");
  const Lookup found = find("/echo");
  EXPECT_FALSE(found.handler);
  EXPECT_NE(found.problem, "");
  EXPECT_TRUE(found.newly_seen);
  EXPECT_FALSE(find("/echo").newly_seen);
}

// --- scan ----------------------------------------------------------------------------------------

TEST_F(HandlerLibrary, ScanLooksAtEveryHandlerInOrder) {
  install("one", "root/zebra_wsh.so");
  install("two", "root/ant_wsh.so");
  install("one", "root/mid/bee_wsh.so");
  write("root/broken_wsh.so", "broken");
  write("root/README.txt", "no handler");
  write("root/libother.so", "no handler");
  std::vector<std::string> names;
  for (const Lookup& each : library_.scan(root_))
    names.push_back(each.file.substr(root_.directory.size() + 1) +
                    (each.handler ? "" : ": " + each.problem.substr(0, 20)) +
                    (each.newly_seen ? "" : " again"));
  EXPECT_THAT(names, ElementsAre("ant_wsh.so", "broken_wsh.so: it cannot be loaded:",
                                 "mid/bee_wsh.so", "zebra_wsh.so"));
  EXPECT_FALSE(find("/ant").newly_seen);
}

TEST_F(HandlerLibrary, ScanLetsGoOfWhatIsGone) {
  install("one", "root/ant_wsh.so");
  install("two", "root/bee_wsh.so");
  const std::weak_ptr<const runtime::Handler> ant = find("/ant").handler;
  ASSERT_FALSE(ant.expired());
  std::filesystem::remove(root_.directory + "/ant_wsh.so");
  const auto all = library_.scan(root_);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_TRUE(all.front().file.ends_with("/bee_wsh.so"));
  EXPECT_TRUE(ant.expired());
}

TEST_F(HandlerLibrary, ScanOfNothingIsEmpty) {
  EXPECT_THAT(library_.scan(root_), IsEmpty());
  root_.directory += "/nowhere";
  EXPECT_THAT(library_.scan(root_), IsEmpty());
}

}  // namespace
}  // namespace cppwebsocket::testing
