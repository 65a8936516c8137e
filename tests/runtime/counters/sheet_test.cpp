// The counters that all children share: names, pages, what outlives a child, and what a hostile one can do to a reader.
#include "runtime/counters/sheet.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>

#include <sys/mman.h>

namespace cppwebsocket::runtime {
namespace {

using namespace std::chrono_literals;

class SheetTest : public ::testing::Test {
 protected:
  static constexpr std::size_t seats = 3, reactors = 2;

  SheetTest() : memory_(::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {}
  ~SheetTest() { ::munmap(memory_, size_); }

  const std::size_t size_ = Sheet::bytes(seats, reactors);
  void* const memory_;
  Sheet sheet_{memory_, seats, reactors};
};

TEST_F(SheetTest, AHandlerHasOneSlotForEachWay) {
  const auto echo = sheet_.slot_of("echo_wsh.so", Way::tcp);
  EXPECT_NE(echo, 0);
  EXPECT_EQ(sheet_.slot_of("echo_wsh.so", Way::tcp), echo);
  EXPECT_NE(sheet_.slot_of("echo_wsh.so", Way::tls), echo);
  EXPECT_NE(sheet_.slot_of("echo_wsh.s", Way::tcp), echo);
  const Sheet other(memory_, seats, reactors);  // another child's
  ASSERT_TRUE(other.name(echo));
  EXPECT_EQ(other.name(echo)->handler, "echo_wsh.so");
  EXPECT_EQ(other.name(echo)->way, Way::tcp);
}

TEST_F(SheetTest, WhoeverHasNoRoomIsCountedWithTheOthers) {
  for (std::size_t i = 1; i < most_handlers; ++i) EXPECT_EQ(sheet_.slot_of(std::to_string(i), Way::tcp), i);
  EXPECT_EQ(sheet_.slot_of("one more", Way::tcp), 0);
  EXPECT_EQ(sheet_.slot_of("7", Way::tcp), 7);
  EXPECT_EQ(sheet_.name(0)->handler, "(others)");
}

TEST_F(SheetTest, ALongNameIsCut) {
  const std::string name(300, 'x');
  const auto slot = sheet_.slot_of(name, Way::tcp);
  EXPECT_EQ(sheet_.slot_of(name, Way::tcp), slot);
  EXPECT_EQ(sheet_.name(slot)->handler, name.substr(0, 120));
}

TEST_F(SheetTest, ANameIsReadAsPrintableText) {
  EXPECT_EQ(sheet_.name(sheet_.slot_of("caf\xc3\xa9_wsh.so", Way::tcp))->handler, "caf\xc3\xa9_wsh.so");
  EXPECT_EQ(sheet_.name(sheet_.slot_of("caf\xe9\n_wsh.so", Way::tcp))->handler, "caf??_wsh.so");
  const std::string cut = std::string(119, 'x') + "\xc3\xa9";
  EXPECT_EQ(sheet_.name(sheet_.slot_of(cut, Way::tcp))->handler, std::string(119, 'x') + "?");
}

TEST_F(SheetTest, NobodyHasOpenConnectionsInASeatThatIsTakenAndItsCountsGoOn) {
  Page page = sheet_.take(1);
  ASSERT_EQ(page.reactors, reactors);
  page.columns[1].used = 1;
  add(page.columns[1].handlers[5].open, 3);
  add(page.columns[1].handlers[5].opened, 9);
  page = sheet_.take(1);
  EXPECT_EQ(page.columns[1].handlers[5].open, 0u);
  EXPECT_EQ(page.columns[1].handlers[5].opened, 9u);
  EXPECT_EQ(sheet_.page(0).columns[1].handlers[5].opened, 0u);
}

TEST_F(SheetTest, ThereIsNoPageBeyondTheSeats) { EXPECT_EQ(sheet_.take(seats).columns, nullptr); }

TEST_F(SheetTest, NamesOfAHostileChildAreBoundedBytes) {
  sheet_.slot_of("a", Way::tcp);
  std::memset(memory_, 0xff, most_handlers * 64);
  for (std::size_t i = 0; i < most_handlers + 5; ++i) {
    if (const auto name = sheet_.name(i)) {
      EXPECT_LE(name->handler.size(), 120u);
    }
  }
  EXPECT_LT(sheet_.slot_of("b", Way::tls), most_handlers);
}

TEST(PlaceOf, IsThatOfTheCodeOrOfItsThousand) {
  EXPECT_EQ(counted_codes[place_of(1001)], 1001);
  EXPECT_EQ(counted_codes[place_of(3007)], 3000);
  EXPECT_EQ(counted_codes[place_of(4999)], 4000);
  EXPECT_EQ(counted_codes[place_of(1015)], 1006);
}

TEST(TimeHistogramTest, CountsEachTimeInItsBucketOnly) {
  TimeHistogram times;
  times.note(50us);
  times.note(51us);
  times.note(-1s);
  times.note(1h);
  EXPECT_EQ(times.buckets[0], 2u);
  EXPECT_EQ(times.buckets[1], 1u);
  EXPECT_EQ(times.all, 4u);
  EXPECT_EQ(times.nanoseconds, 3'600'000'101'000u);
}

}  // namespace
}  // namespace cppwebsocket::runtime
