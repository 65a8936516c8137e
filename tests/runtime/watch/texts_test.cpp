// What reports are made of: lines without memory, names of code without locks.
#include <gtest/gtest.h>

#include <string>

#include <stdlib.h>
#include <unistd.h>

#include "runtime/watch/code_place.hpp"
#include "runtime/watch/signal_text.hpp"
#include "runtime/watch/subject_text.hpp"

namespace cppwebsocket::testing {
namespace {

using runtime::SignalText;

std::string name_of(std::string_view mangled) {
  SignalText text;
  runtime::add_function_name(mangled, text);
  return std::string(text.view());
}

TEST(SignalText, HasNumbersWithoutSnprintf) {
  SignalText text;
  text.add_number(0).add(" ").add_number(18'446'744'073'709'551'615u).add(" ").add_number(7, 3);
  text.add(" ").add_hex(0).add(" ").add_hex(0xdeadbeef);
  EXPECT_EQ(text.view(), "0 18446744073709551615 007 0x0 0xdeadbeef");
}

TEST(SignalText, TellsTheTimeAsHttpdDoes) {
  const auto told = [](std::int64_t seconds, std::int64_t offset) {
    SignalText text;
    text.add_time(seconds, 42, offset);
    return std::string(text.view());
  };
  EXPECT_EQ(told(0, 0), "Thu Jan 01 00:00:00.000042 1970");
  EXPECT_EQ(told(951'782'400, 0), "Tue Feb 29 00:00:00.000042 2000");
  EXPECT_EQ(told(1'709'251'199, 0), "Thu Feb 29 23:59:59.000042 2024");
  EXPECT_EQ(told(1'709'251'199, 3'600), "Fri Mar 01 00:59:59.000042 2024");
  EXPECT_EQ(told(4'102'444'799, 0), "Thu Dec 31 23:59:59.000042 2099");
}

TEST(SignalText, CutsWhatItHasNoRoomFor) {
  SignalText text;
  for (int i = 0; i < 100; ++i) text.add(std::string(100, 'x'));
  EXPECT_EQ(text.view().size(), SignalText::capacity - 1);
}

TEST(SignalText, WritesNoLineThatAClientCouldForge) {
  SignalText text;
  text.add_escaped("/a\n[crit] \x1b\xff\\");
  EXPECT_EQ(text.view(), "/a\\x0a[crit] \\x1b\\xff\\x5c");
}

TEST(SignalText, WritesALine) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  SignalText text;
  text.add("told").write_line(ends[1]);
  char got[16];
  EXPECT_EQ(std::string(got, static_cast<std::size_t>(::read(ends[0], got, sizeof got))), "told\n");
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(FunctionName, HasNamespacesAndClassesButNoArguments) {
  EXPECT_EQ(name_of("_Z24web_socket_transfer_dataRN12cppwebsocket7RequestE"), "web_socket_transfer_data");
  EXPECT_EQ(name_of("_ZN4harm9spin_hereENSt6chrono8durationIlSt5ratioILl1ELl1000EEEE"), "harm::spin_here");
  EXPECT_EQ(name_of("_ZN12_GLOBAL__N_1L5crashEi"), "(anonymous)::crash");
  EXPECT_EQ(name_of("_ZL5crashi"), "crash");
  EXPECT_EQ(name_of("_ZNK3foo3Bar3getEv"), "foo::Bar::get");
  EXPECT_EQ(name_of("_ZN3foo3BarC2Ei"), "foo::Bar::Bar");
  EXPECT_EQ(name_of("_ZN3foo3BarD1Ev"), "foo::Bar::~Bar");
  EXPECT_EQ(name_of("_ZNSt6vectorIiSaIiEE2atEm"), "std::vector::at");
  EXPECT_EQ(name_of("_ZSt9terminatev"), "std::terminate");
  EXPECT_EQ(name_of("_ZZ5outervENKUlvE_clEv"), "outer");
}

TEST(FunctionName, OfAKindThatItDoesNotKnowIsToldAsItIs) {
  for (const char* mangled : {"main", "_Z", "_ZN", "_ZN3foo", "_Zpl1A1B", "_ZN99999999999999999999x", "_ZN3fooIE"})
    EXPECT_EQ(name_of(mangled), mangled);
}

[[gnu::noinline]] void a_function_of_this_test() { asm volatile(""); }

TEST(CodePlace, IsFoundInThisProgramsOwnTable) {
  runtime::CodePlace place;
  const void* const address = reinterpret_cast<const void*>(&a_function_of_this_test);
  runtime::find_code(address, false, place);
  SignalText text;
  runtime::add_code_place(place, address, text);
  EXPECT_TRUE(std::string(text.view()).find("a_function_of_this_test (") != std::string::npos) << text.view();
}

TEST(CodePlace, IsFoundInALibraryThatHasOnlyExportedNames) {
  runtime::CodePlace place;
  runtime::find_code(reinterpret_cast<const void*>(&::free), false, place);
  EXPECT_NE(place.path, "");
}

TEST(CodePlace, WhereNoFileIsThereIsAnAddress) {
  runtime::CodePlace place;
  runtime::find_code(reinterpret_cast<const void*>(0x10), false, place);
  SignalText text;
  runtime::add_code_place(place, reinterpret_cast<const void*>(0x10), text);
  EXPECT_EQ(text.view(), "0x10");
}

TEST(SubjectText, NamesHandlerVersionConnectionAndResource) {
  SignalText text, without;
  runtime::add_subject({"a/b_wsh.so", "2026-11-30T18:21:35Z", "/a/b", 12}, text);
  runtime::add_subject({}, without);
  EXPECT_EQ(text.view(), "handler a/b_wsh.so (2026-11-30T18:21:35Z) #12 /a/b");
  EXPECT_EQ(without.view(), "no handler");
}

}  // namespace
}  // namespace cppwebsocket::testing
