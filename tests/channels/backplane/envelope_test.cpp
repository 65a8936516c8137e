#include "channels/backplane/envelope.hpp"

#include <gtest/gtest.h>

namespace cppwebsocket::channels {
namespace {

Record a_record(RecordKind kind, Message message) {
  Record record{};
  record.kind = kind;
  record.message = std::move(message);
  record.origin = 0x77ab01;
  record.sequence = 12;
  record.time_ms = 1'700'000'000'000;
  record.bound = {50, 3600};
  return record;
}

TEST(Envelope, IsAsDocumented) {
  Record record = a_record(RecordKind::loose, "hello");
  record.bound = {};
  EXPECT_EQ(to_envelope(record, 0x9f3c), "1lt 9f3c 77ab01 12 1700000000000 0 0\nhello");
}

TEST(Envelope, ComesBackAsItWas) {
  for (const RecordKind kind :
       {RecordKind::loose, RecordKind::control, RecordKind::numbered, RecordKind::lost})
    for (const Message& message :
         {Message("héllo\n"), Message(), Message::binary(std::string("\0\xff\n=", 4))}) {
      const Record record = a_record(kind, kind == RecordKind::lost ? Message() : message);
      const auto back = parse_envelope(to_envelope(record, 7));
      ASSERT_TRUE(back);
      EXPECT_EQ(back->instance, 7u);
      EXPECT_EQ(back->record.kind, kind);
      EXPECT_EQ(back->record.message, record.message);
      EXPECT_EQ(back->record.origin, record.origin);
      EXPECT_EQ(back->record.sequence, record.sequence);
      EXPECT_EQ(back->record.time_ms, record.time_ms);
      EXPECT_EQ(back->record.bound.messages, 50u);
      EXPECT_EQ(back->record.bound.seconds, 3600u);
      EXPECT_EQ(back->record.position, Position{});
    }
}

TEST(Envelope, TakesTheLargestNumbers) {
  Record record = a_record(RecordKind::numbered, "x");
  record.origin = record.sequence = ~std::uint64_t{0};
  record.bound = {~std::uint32_t{0}, ~std::uint32_t{0}};
  const auto back = parse_envelope(to_envelope(record, ~std::uint64_t{0}));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->record.sequence, record.sequence);
  EXPECT_EQ(back->instance, ~std::uint64_t{0});
}

TEST(Envelope, HasAPositionInFrontOnceItIsNumbered) {
  const std::string bytes = to_envelope(a_record(RecordKind::numbered, "x"), 1);
  const auto numbered = parse_envelope("=5f3a-42\n" + bytes);
  ASSERT_TRUE(numbered);
  EXPECT_EQ(numbered->record.position, (Position{0x5f3a, 42}));
  EXPECT_FALSE(parse_envelope("=5f3a\n" + bytes));
  EXPECT_FALSE(parse_envelope("=5f3a-42" + bytes));
  EXPECT_FALSE(parse_envelope("=5f3a-42\n" + to_envelope(a_record(RecordKind::loose, "x"), 1)));
}

TEST(Envelope, CarriesTheUserWhereThereIsOne) {
  Record record = a_record(RecordKind::numbered, "hello");
  EXPECT_TRUE(to_envelope(record, 1).starts_with("1"));
  record.remarks = "\n ann";
  const std::string bytes = to_envelope(record, 1);
  EXPECT_TRUE(bytes.starts_with("2"));
  EXPECT_FALSE(other_envelope_version(bytes));
  const auto parsed = parse_envelope("=5f3a-42\n" + bytes);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->record.remarks, record.remarks);
  EXPECT_EQ(parsed->record.message.text(), "hello");
  record.kind = RecordKind::lost;
  record.message = {};
  EXPECT_TRUE(to_envelope(record, 1).starts_with("1"));
  for (const char* wrong : {"2lt 1 2 3 4 5 6\nx", "2lt 1 2 3 4 5 6 0\nx", "2lt 1 2 3 4 5 6 2\nx", "2ct 1 2 3 4 5 6 1\nax",
                            "2xt 1 2 3 4 5 6 1\na", "2lt 1 2 3 4 5 6 1 \nax", "1lt 1 2 3 4 5 6 1\nax",
                            "2lt 1 2 3 4 5 6 99999999999999999999\nx"})
    EXPECT_FALSE(parse_envelope(wrong)) << wrong;
  EXPECT_FALSE(parse_envelope("2lb 1 2 3 4 5 6 256\n" + std::string(300, 'x')));
}

TEST(Envelope, RefusesWhatItDidNotWrite) {
  for (const char* bytes :
       {"", "1", "01lt 1 2 3 4 5 6\nx", "hello", "{\"a\":1}", "1lt", "1lt\n", "1lt 1 2 3 4 5\nx", "1lt 1 2 3 4 5 6 7\nx",
        "1lx 1 2 3 4 5 6\nx", "1yt 1 2 3 4 5 6\nx", "1xt 1 2 3 4 5 6\nx", "1lt 1 2 3 4 5 6", "1lt  1 2 3 4 5 6\nx",
        "1lt 1 2 -3 4 5 6\nx", "1lt 1 2 3 4 5 4294967296\nx", "1lt 1 2 3 4 5 6 \nx",
        "1lt 12345678123456781 2 3 4 5 6\nx"})
    EXPECT_FALSE(parse_envelope(bytes)) << bytes;
}

TEST(Envelope, RefusesATextThatIsNotUtf8) {
  EXPECT_FALSE(parse_envelope("1lt 1 2 3 4 5 6\n\xff"));
  EXPECT_TRUE(parse_envelope("1lb 1 2 3 4 5 6\n\xff"));
}

TEST(Envelope, TellsOfAnotherVersion) {
  const std::string bytes = to_envelope(a_record(RecordKind::numbered, "x"), 1);
  EXPECT_FALSE(other_envelope_version(bytes));
  EXPECT_EQ(other_envelope_version(bytes.substr(1)), 0u);
  EXPECT_EQ(other_envelope_version("=5f3a-42\n" + bytes.substr(1)), 0u);
  EXPECT_EQ(other_envelope_version("1" + bytes), 11u);
  EXPECT_FALSE(parse_envelope(bytes.substr(1)));
  EXPECT_FALSE(parse_envelope("1" + bytes));
  for (const char* foreign : {"", "2", "hello", "2 others", "let it be\n", "=5f3a-42\n"})
    EXPECT_FALSE(other_envelope_version(foreign)) << foreign;
}

}  // namespace
}  // namespace cppwebsocket::channels
