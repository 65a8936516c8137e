// What strangers and busy channels cannot make the store forget.
#include "channels/store/past.hpp"
#include "channels/store/reader.hpp"

#include "channels/support/channel_story.hpp"

namespace cppwebsocket::testing {
namespace {

using namespace channels;

constexpr int rooms = 50;
constexpr int names = 20'000;  // five times what the table has room for
constexpr std::uint16_t stranger = 1;

Record by(std::uint16_t publisher, Record record) {
  record.publisher = publisher;
  return record;
}

std::uint16_t author_of(int number) { return static_cast<std::uint16_t>(100 + number); }
std::string room(int number) { return "room/" + std::to_string(number); }

class Kept : public ::testing::Test {
 protected:
  void fill_rooms(ChannelStore& store, int messages = 3) {
    for (int n = 0; n < messages; ++n)
      for (int i = 0; i < rooms; ++i)
        store.publish(room(i), by(author_of(i), message(room(i) + " says " + std::to_string(n), 10)));
  }
  void expect_rooms(int messages = 3) {
    int whole = 0;
    for (int i = 0; i < rooms; ++i) {
      Texts all;
      for (int n = 0; n < messages; ++n) all.push_back(room(i) + " says " + std::to_string(n));
      whole += texts(ann_.history(room(i), std::nullopt, 100)) == all;
    }
    EXPECT_EQ(whole, rooms);
  }
  std::uint64_t ring_bytes() const { return memory_->ring_words() * 8; }

  std::unique_ptr<ChannelMemory> memory_ = ChannelMemory::create(1 << 20, 4);
  ChannelStore ann_{*memory_};
  ChannelStore bob_{*memory_};
  Story story_;
};

TEST_F(Kept, IsNotPushedOutByNamesThatAreOnlyListenedTo) {
  fill_rooms(ann_);
  const Position silent = ann_.publish("without a history", message("a")).position;
  ChannelReader reader(bob_, 0);
  for (int i = 0; i < names; ++i) reader.unfollow(reader.follow(std::to_string(i), nullptr));
  expect_rooms();
  EXPECT_EQ(ann_.position("without a history"), silent);
  EXPECT_EQ(ann_.counters().channels, memory_->entry_count());
  EXPECT_EQ(ann_.publish("new", message("a")).result, StoreResult::stored);
}

TEST_F(Kept, IsGivenUpAfterWhatHasNeitherMembersNorHistory) {
  fill_rooms(ann_);
  ChannelReader reader(bob_, 0);
  for (int i = 0; i < rooms; ++i) {
    ann_.publish("with members/" + std::to_string(i), message("a"));
    reader.follow("with members/" + std::to_string(i), nullptr);
  }
  for (int i = 0; i < names; ++i) ann_.publish(std::to_string(i), message("a"));
  EXPECT_GT(ann_.counters().evicted, 0u);
  expect_rooms();
  for (int i = 0; i < rooms; ++i)
    EXPECT_EQ(ann_.position("with members/" + std::to_string(i)).offset, 1u);
}

TEST_F(Kept, IsNotPushedOutByABusyChannel) {
  fill_rooms(ann_);
  for (int i = 0; i < 50'000; ++i)
    ann_.publish("busy", by(stranger, message("message " + std::to_string(i), 100)));
  expect_rooms();
  EXPECT_EQ(ann_.history("busy", std::nullopt, 1'000).records.size(), 100u);
}

TEST_F(Kept, IsNotPushedOutByABusyChannelThatWantsAll) {
  fill_rooms(ann_);
  for (const std::size_t size : {std::size_t{1}, std::size_t{500}, ann_.largest_payload()}) {
    for (std::uint64_t bytes = 0; bytes < 20 * ring_bytes(); bytes += size + 88)
      ann_.publish("busy", message(std::string(size, 'x'), 1'000'000));
    expect_rooms();
  }
}

TEST_F(Kept, IsNotPushedOutByOneWhoPublishesInManyChannels) {
  fill_rooms(ann_);
  for (int i = 0; i < names; ++i)
    ann_.publish(std::to_string(i), by(stranger, message(std::string(i % 200, 'x'), 10)));
  expect_rooms();
  for (int n = 0; n < 30; ++n)
    for (int i = 0; i < 500; ++i)
      ann_.publish("mine/" + std::to_string(i), by(stranger, message(std::string(100, 'x'), 100)));
  expect_rooms();
}

TEST_F(Kept, OfABusyChannelIsItsShareAtLeast) {
  const std::string text(200, 'x');
  fill_rooms(ann_);
  for (int i = 0; i < 1'000; ++i) ann_.publish("busy", message(text, 1'000'000));
  for (int i = 0; i < 10'000; ++i) ann_.publish("other", message(text, 1'000'000));
  const auto history = ann_.history("busy", std::nullopt, 1'000'000);
  const std::size_t bytes = history.records.size() * (text.size() + 88);
  EXPECT_GT(bytes, ChannelStore::share(*memory_) - 300);
  EXPECT_LE(bytes, ChannelStore::share(*memory_));
  ASSERT_FALSE(history.records.empty());
  EXPECT_EQ(history.records.back().position.offset, 1'000u);
}

TEST_F(Kept, CanBeResumedFromWhereTheClientWas) {
  Position at{};
  for (int n = 0; n < 5; ++n) {
    const Stored stored = (n % 2 ? ann_ : bob_).publish("room", message(std::to_string(n), 10));
    if (n == 1) at = stored.position;
  }
  for (int i = 0; i < 50'000; ++i) (i % 2 ? ann_ : bob_).publish("busy", message("x", 100));
  EXPECT_TRUE(ann_.history("room", at, 100).complete);
  EXPECT_EQ(texts(ann_.history("room", at, 100)), (Texts{"2", "3", "4"}));
  EXPECT_EQ(ann_.publish("room", message("5", 10)).position, (Position{at.epoch, 6}));
  EXPECT_EQ(texts(bob_.history("room", at, 100)), (Texts{"2", "3", "4", "5"}));
}

TEST_F(Kept, IsNotGivenToMembersAgain) {
  ChannelReader reader(bob_, 0);
  reader.follow(room(1), nullptr);
  fill_rooms(ann_, 2);
  while (reader.read(story_, 100)) {
  }
  EXPECT_EQ(story_.take(), (Texts{"room/1 says 0", "room/1 says 1"}));
  for (int i = 0; i < 20'000; ++i) {
    ann_.publish("busy", message("x", 100));
    reader.read(story_, 1'000);
  }
  expect_rooms(2);
  EXPECT_EQ(story_.take(), Texts{});
}

TEST_F(Kept, IsReadInPiecesThatWereFoundBefore) {
  const Position first = ann_.publish("room", message("0", 10)).position;
  for (int n = 1; n < 4; ++n) ann_.publish("room", message(std::to_string(n), 10));
  Past past(ann_, "room");
  const Past::Piece piece = past.after(first);
  for (int i = 0; i < 20'000; ++i) ann_.publish("busy", message("x", 100));
  bool is_first = true;
  Texts found;
  for (const Record& each : past.read(piece, is_first)) found.push_back(each.message.payload());
  EXPECT_EQ(found, (Texts{"1", "2", "3"}));
}

TEST_F(Kept, IsKeptByTheNextChildInTheSeat) {
  {
    ChannelStore eve(*memory_);
    fill_rooms(eve);
    for (int i = 0; i < 500; ++i) eve.publish("busy", message(std::string(i % 7, 'x'), 100));
  }
  ChannelStore mal(*memory_);
  EXPECT_EQ(mal.seat(), 2u);
  for (int i = 0; i < 20'000; ++i) mal.publish("busy", message("x", 100));
  expect_rooms();
}

TEST_F(Kept, IsNotCopiedOnceItHasExpired) {
  Record old = message("old", 10, 60);
  old.time_ms = 1'000;
  ann_.publish("room", old);
  for (int i = 0; i < 20'000; ++i) ann_.publish("busy", message("x", 100, 60));
  const auto seen = ann_.table().find(channel_key(memory_->secret(), "room"));
  const auto at = shared::Location::of(seen->state.last);
  EXPECT_FALSE(memory_->ring(at.seat, at.ring).read(at.position));
}

// Where a window of the table has nothing else.
TEST_F(Kept, IsGivenUpLastAndThenItIsSaid) {
  std::vector<std::pair<StoreNews, std::string>> news;
  const auto memory = ChannelMemory::create(1 << 20, 1);
  ChannelStore store(*memory, [&](StoreNews which, const std::string& text) {
    news.emplace_back(which, text);
  });
  ChannelReader reader(store, 0);
  reader.follow("room", nullptr);
  store.publish("room", message("a"));
  reader.read(story_, 100);
  EXPECT_EQ(story_.take(), Texts{"a"});
  const Position before = store.position("room");
  std::vector<std::string> led;  // leave it no place but those that leaders have
  for (int i = 0; i < 100'000 && store.position("room") == before; ++i) {
    if (store.try_lead(std::to_string(i))) led.push_back(std::to_string(i));
  }
  ASSERT_NE(store.position("room"), before);
  store.publish("any", message("a"));
  ASSERT_EQ(news.size(), 1u);
  EXPECT_EQ(news[0].first, StoreNews::given_up);
  EXPECT_TRUE(news[0].second.starts_with("1 channels")) << news[0].second;

  for (const std::string& each : led) store.stop_leading(each);
  for (std::uint32_t i = 0; i < ChannelTable::lease; ++i) reader.renew(story_);
  EXPECT_EQ(story_.take(), Texts{"gap 1-0"});
  store.publish("room", message("b"));
  reader.read(story_, 1'000);
  EXPECT_EQ(story_.take(), Texts{"b"});
}

TEST_F(Kept, IsMissedByMembersWhoWereNotToldBefore) {
  ChannelReader reader(bob_, 0);
  reader.follow("room", nullptr);
  ann_.publish("room", message("a"));
  reader.read(story_, 100);
  const auto key = channel_key(memory_->secret(), "room");
  ann_.table().begin_anew(key, ann_.position("room").epoch + 1);
  ann_.publish("room", message("b"));
  reader.renew(story_);
  reader.read(story_, 100);
  EXPECT_EQ(story_.take(), (Texts{"a", "gap 1-0", "b"}));
}

TEST(KeptWithItsUser, ACopyHasTheUserToo) {
  const auto memory = ChannelMemory::create(ChannelMemory::least_bytes(2), 2);
  ChannelStore store(*memory);
  Record record = message("hello", 10);
  record.remarks = "ann";
  store.publish("quiet", record);
  const auto state = [&] { return store.table().find(channel_key(memory->secret(), "quiet"))->state; };
  const auto before = state();
  for (int i = 0; i < 2'000; ++i) store.publish("busy", message("x", 10));
  ASSERT_NE(state(), before) << "it was not copied";
  const StoredHistory history = store.history("quiet", std::nullopt, 10);
  ASSERT_EQ(history.records.size(), 1u);
  EXPECT_EQ(history.records[0].remarks, "ann");
  EXPECT_EQ(history.records[0].message.payload(), "hello");
}

}  // namespace
}  // namespace cppwebsocket::testing
