// Messages out of files, in both styles.
#include <cppwebsocket/send_file.hpp>

#include <gmock/gmock.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>

#include "runtime/support/session_fixture.hpp"
#include "runtime/support/threads.hpp"

namespace cppwebsocket::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A file without a name.
class File {
 public:
  explicit File(std::string_view content) : file_(std::tmpfile()) {
    EXPECT_EQ(std::fwrite(content.data(), 1, content.size(), file_.get()), content.size());
    std::fflush(file_.get());
  }
  int descriptor() const { return ::fileno(file_.get()); }

 private:
  struct Closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Closer> file_;
};

std::string content(std::size_t size) {
  std::string made;
  while (made.size() < size) made += std::to_string(made.size()) + " ";
  made.resize(size);
  return made;
}

enum class Style { coroutine, blocking };

class SendFile : public SessionFixture, public ::testing::WithParamInterface<Style>, protected Notes {
 protected:
  struct What {
    int descriptor = -1;
    std::uint64_t offset = 0;
    std::optional<std::uint64_t> length = std::nullopt;
    Message::Type type = Message::Type::binary;
  };
  // A handler that sends it, and then "sent".
  Connection& open_sender(What what, Script script = {}) {
    if (GetParam() == Style::coroutine)
      script.transfer = [=](Request& request) -> Task<> {
        co_await msgutil::send_file(request, what.descriptor, what.offset, what.length, what.type);
        co_await msgutil::send_message(request, "sent");
        co_await echo(request);
      };
    else
      script.blocking_transfer = [=](BlockingRequest& request) {
        msgutil::send_file(request, what.descriptor, what.offset, what.length, what.type);
        msgutil::send_message(request, "sent");
        blocking_echo(request);
      };
    return open(std::move(script));
  }
  // What a client got by the end: "binary:…", and the rest in words.
  Words outcome(Connection& connection) {
    EXPECT_TRUE(loop_.run_until([&] {
      const Words came = words(connection.peer->output);
      return std::any_of(came.begin(), came.end(), [](const std::string& each) {
        return each == "text:sent" || each.starts_with("close:");
      });
    }));
    Words all;
    std::string begun;
    for (const ServerFrame& frame : server_frames(connection.peer->output)) {
      if (frame.opcode == text && frame.payload == "sent") {
        all.emplace_back("sent");
      } else if (frame.opcode == close_frame) {
        if (!begun.empty()) all.push_back(begun + "…");
        all.push_back("close");
      } else if (frame.opcode <= binary) {
        if (frame.opcode != continuation) begun = frame.opcode == text ? "text:" : "binary:";
        begun += frame.payload;
        if (frame.fin) all.push_back(std::exchange(begun, {}));
      }
    }
    return all;
  }
};
INSTANTIATE_TEST_SUITE_P(BothStyles, SendFile, ::testing::Values(Style::coroutine, Style::blocking),
                         [](const auto& info) {
                           return info.param == Style::coroutine ? "Coroutine" : "Blocking";
                         });

TEST_P(SendFile, AllOfAFileIsOneMessage) {
  for (const std::size_t size : {0, 1, 65'535, 65'536, 65'537, 1'000'000}) {
    const std::string all = content(size);
    const File file(all);
    EXPECT_TRUE(outcome(open_sender({file.descriptor()})) == (Words{"binary:" + all, "sent"})) << size;
  }
}

TEST_P(SendFile, APartOfItIs) {
  const std::string all = content(300'000);
  const File file(all);
  EXPECT_TRUE(outcome(open_sender({file.descriptor(), 1000})) == (Words{"binary:" + all.substr(1000), "sent"}));
  EXPECT_TRUE(outcome(open_sender({file.descriptor(), 7, 200'000})) ==
              (Words{"binary:" + all.substr(7, 200'000), "sent"}));
  EXPECT_EQ(outcome(open_sender({file.descriptor(), 7, 0})), (Words{"binary:", "sent"}));
  EXPECT_EQ(outcome(open_sender({file.descriptor(), 300'001})), (Words{"binary:", "sent"}));
}

TEST_P(SendFile, ATextMayBeCutInACharacter) {
  std::string all = "x";
  while (all.size() < 200'000) all += "語";
  const File file(all);
  EXPECT_TRUE(outcome(open_sender({file.descriptor(), 0, {}, Message::Type::text})) ==
              (Words{"text:" + all, "sent"}));
}

TEST_P(SendFile, AFileThatIsShorterThanToldClosesInTheMiddle) {
  const std::string all = content(100'000);
  const File file(all);
  Connection& connection = open_sender({file.descriptor(), 0, 100'001});
  EXPECT_TRUE(outcome(connection) == (Words{"binary:" + all.substr(0, 65'536) + "…", "close"}));
  EXPECT_THAT(words(connection.peer->output).back(), HasSubstr("close:1011"));
  EXPECT_TRUE(log_.has("shorter"));
}

TEST_P(SendFile, WhatCannotBeReadSendsNothing) {
  Connection& connection = open_sender({-1});
  EXPECT_EQ(outcome(connection), Words{"close"});
  EXPECT_TRUE(log_.has("send_file: Bad file descriptor"));
}

TEST_P(SendFile, ATextThatIsNotUtf8ClosesWith1007) {
  const std::string all = std::string(70'000, 'x') + "\xff";
  const File file(all);
  Connection& connection = open_sender({file.descriptor(), 0, {}, Message::Type::text});
  outcome(connection);
  EXPECT_THAT(words(connection.peer->output).back(), HasSubstr("close:1007"));
}

TEST_P(SendFile, ASlowClientTakesItAsItLikes) {
  const std::string all = content(3'000'000);
  const File file(all);
  Connection& connection = open_sender({file.descriptor()});
  connection.peer->capacity = 0;
  std::size_t most = 0;
  ASSERT_TRUE(loop_.run_until([&] {
    connection.peer->capacity += 50'000;
    most = std::max(most, connection.session->buffered_amount());
    return connection.peer->output.ends_with("sent");
  }));
  EXPECT_TRUE(outcome(connection) == (Words{"binary:" + all, "sent"}));
  EXPECT_LT(most, 300'000U);
}

TEST_P(SendFile, PingsAreAnsweredInBetween) {
  const std::string all = content(1'000'000);
  const File file(all);
  Connection& connection = open_sender({file.descriptor()});
  ASSERT_TRUE(loop_.run_until([&] { return connection.peer->output.size() > 100'000; }));
  connection.peer->send(client_frame(ping, "x"));
  EXPECT_TRUE(outcome(connection) == (Words{"binary:" + all, "sent"}));
  EXPECT_TRUE(loop_.run_until([&] {
    const Words came = words(connection.peer->output);
    return std::find(came.begin(), came.end(), "pong:x") != came.end();
  }));
}

TEST_P(SendFile, AClientThatGoesEndsIt) {
  const File file(content(3'000'000));
  Connection& connection = open_sender({file.descriptor()});
  connection.peer->write_error = EPIPE;
  connection.peer->send(client_frame(ping, "x"));  // if all has been sent already, the answer meets it
  ASSERT_TRUE(loop_.run_until([&] { return connection.gone.load(); }));
}

}  // namespace
}  // namespace cppwebsocket::testing
