// Connections that end because the child stops: goodbye, then Close 1001.
#include <gmock/gmock.h>

#include <atomic>
#include <stdexcept>
#include <thread>

#include "runtime/support/session_end_fixture.hpp"

namespace cppwebsocket::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_F(SessionEnd, GoAwayClosesWith1001AndTellsTheHandler) {
  Connection& connection = open(noting());
  connection.session->go_away(loop_.now());
  EXPECT_THAT(connection.take_words(), ElementsAre("close:1001"));
  EXPECT_THAT(seen_, ElementsAre("terminated 1001"));
  receive(connection, client_close(1001));
  EXPECT_TRUE(connection.peer->write_ended);
  lose(connection);
  EXPECT_TRUE(connection.gone);
}

TEST_F(SessionEnd, GoAwayInTheMiddleOfAClosingHandshakeSendsNoSecondClose) {
  Connection& connection =
      open([](Request& request) -> Task<> { co_await msgutil::close_connection(request, 4000); });
  connection.session->go_away(loop_.now());
  EXPECT_THAT(connection.take_words(), ElementsAre("close:4000"));
}

TEST_F(SessionEnd, AHandlerThatIgnoresGoAwayKeepsItsSessionUntilItEnds) {
  std::atomic<bool> go_on = false;
  Connection& connection = open([&](Request& request) -> Task<> {
    co_await request.run_blocking([&] {
      while (!go_on) std::this_thread::yield();
    });
  });
  connection.session->go_away(loop_.now());
  receive(connection, client_close(1001));
  lose(connection);
  EXPECT_TRUE(connection.peer->closed);
  EXPECT_FALSE(connection.gone);
  go_on = true;
  EXPECT_TRUE(loop_.run_until([&] { return connection.gone.load(); }));
}

TEST_F(SessionEnd, GoAwayLaterServesOnUntilThen) {
  Connection& connection = open(echo);
  connection.session->go_away(loop_.now() + 10s);
  loop_.advance(9999ms);
  receive(connection, client_text("still here"));
  EXPECT_THAT(connection.take_words(), ElementsAre("text:still here"));
  loop_.advance(1ms);
  EXPECT_THAT(connection.take_words(), ElementsAre("close:1001"));
}

TEST_F(SessionEnd, GoAwayNowCutsAWaitShort) {
  Connection& connection = open(echo);
  connection.session->go_away(loop_.now() + 10s);
  connection.session->go_away(loop_.now());
  EXPECT_THAT(connection.take_words(), ElementsAre("close:1001"));
  receive(connection, client_close(1001));
  loop_.advance(10s);
  EXPECT_EQ(connection.peer->output, "");
}

TEST_F(SessionEnd, APeerWhoseCloseIsUnreadWhenTheServerStopsGetsItsClose) {
  Connection& connection = open([](Request& request) -> Task<> {
    co_await msgutil::receive_message(request);
    co_await request.sleep_for(1h);
  });
  receive(connection, client_text("a") + client_text("b") + client_close());
  connection.session->go_away(loop_.now() + 1s);
  loop_.advance(1s);
  EXPECT_THAT(connection.take_words(), ElementsAre("close:1001"));
  EXPECT_TRUE(connection.peer->write_ended);
}

TEST_F(SessionEnd, WhoIsCutOffIsToldNothingMore) {
  Connection& silent = open(noting());
  silent.session->go_away(loop_.now());
  Connection& answering = open(noting());
  answering.session->go_away(loop_.now());
  receive(answering, client_close(1001));
  EXPECT_TRUE(silent.session->cut_off());
  EXPECT_FALSE(answering.session->cut_off());
  EXPECT_TRUE(silent.peer->closed);
  EXPECT_TRUE(answering.peer->closed);
}

// --- web_socket_going_away -----------------------------------------------------------------------

TEST_F(SessionEnd, TheHandlerSaysGoodbyeBeforeTheClose) {
  std::stop_token token;
  Connection& connection = open({.transfer =
                                     [&](Request& request) {
                                       token = request.stop_token();
                                       return note_all(request);
                                     },
                                 .going_away = [&](Request& request) -> Task<> {
                                   co_await msgutil::send_message(request, "one moment");
                                   co_await request.sleep_for(1s);
                                   EXPECT_FALSE(token.stop_requested());
                                   co_await msgutil::send_message(request, "bye");
                                 }});
  connection.session->go_away(loop_.now());
  EXPECT_THAT(connection.take_words(), ElementsAre("text:one moment"));
  receive(connection, client_text("oh"));
  EXPECT_THAT(seen_, ElementsAre("oh"));
  loop_.advance(1s);
  EXPECT_THAT(connection.take_words(), ElementsAre("text:bye", "close:1001"));
  EXPECT_THAT(seen_, ElementsAre("oh", "terminated 1001"));
  EXPECT_TRUE(token.stop_requested());
  EXPECT_THAT(log_.lines(), IsEmpty());
}

TEST_F(SessionEnd, AGoodbyeThatTakesTooLongIsCutShort) {
  bool ended = false;
  struct Note {
    bool& ended;
    ~Note() { ended = true; }
  };
  Connection& connection = open({.transfer = noting(),
                                 .going_away = [&](Request& request) -> Task<> {
                                   const Note note{ended};
                                   co_await request.sleep_for(1h);
                                 },
                                 .limits = {.close_timeout = 3s}});
  connection.session->go_away(loop_.now());
  loop_.advance(2999ms);
  EXPECT_THAT(connection.take_words(), IsEmpty());
  loop_.advance(1ms);
  EXPECT_THAT(connection.take_words(), ElementsAre("close:1001"));
  EXPECT_TRUE(ended);
  EXPECT_THAT(log_.lines(), IsEmpty());
}

TEST_F(SessionEnd, TheLastCallDoesNotWaitForAGoodbye) {
  Connection& connection =
      open({.transfer = noting(),
            .going_away = [](Request& request) -> Task<> { co_await request.sleep_for(1h); }});
  connection.session->go_away(loop_.now());
  connection.session->go_away_now();
  EXPECT_THAT(connection.take_words(), ElementsAre("close:1001"));
  EXPECT_THAT(seen_, ElementsAre("terminated 1001"));
}

struct Raising {
  const char* name;
  Task<> (*going_away)(Request&);
  const char* logged;
};

class GoodbyeThatRaises : public SessionEnd, public ::testing::WithParamInterface<Raising> {};

TEST_P(GoodbyeThatRaises, IsLoggedAndTheCloseIs1001) {
  Connection& connection = open({.transfer = noting(), .going_away = GetParam().going_away});
  connection.session->go_away(loop_.now());
  EXPECT_THAT(connection.take_words(), ElementsAre("close:1001"));
  EXPECT_THAT(log_.lines(), ElementsAre(HasSubstr(GetParam().logged)));
}

INSTANTIATE_TEST_SUITE_P(Hooks, GoodbyeThatRaises,
                         ::testing::Values(Raising{"Coroutine",
                                                   [](Request&) -> Task<> {
                                                     throw std::runtime_error("in the goodbye");
                                                     co_return;
                                                   },
                                                   "in the goodbye"},
                                           Raising{"AnythingAndNoCoroutine",
                                                   [](Request&) -> Task<> { throw 76; },
                                                   "web_socket_going_away"}),
                         [](const auto& info) { return info.param.name; });

TEST_F(SessionEnd, AClientThatClosesDuringTheGoodbyeIsAnswered) {
  Connection& connection =
      open({.transfer = noting(), .going_away = [](Request& request) -> Task<> {
              co_await request.sleep_for(1s);
              co_await msgutil::send_message(request, "too late");
            }});
  connection.session->go_away(loop_.now());
  receive(connection, client_close(4000));
  EXPECT_THAT(connection.take_words(), ElementsAre("close:4000"));
  EXPECT_THAT(seen_, ElementsAre("end 4000"));
  lose(connection);
  EXPECT_TRUE(connection.gone);
  EXPECT_THAT(log_.lines(), IsEmpty());
}

TEST_F(SessionEnd, NoGoodbyeToAClientThatIsClosing) {
  Connection& connection = open({.transfer = [](Request&) -> Task<> { co_return; },
                                 .going_away = [](Request& request) -> Task<> {
                                   co_await msgutil::send_message(request, "bye");
                                 }});
  connection.session->go_away(loop_.now());
  EXPECT_THAT(connection.take_words(), ElementsAre("close:1000"));
  EXPECT_THAT(log_.lines(), IsEmpty());
}

TEST_F(SessionEnd, ABlockingHandlerSaysGoodbyeBesideItsMainFunction) {
  std::thread::id main_thread, goodbye_thread;
  Connection& connection = open({.blocking_transfer =
                                     [&](BlockingRequest& request) {
                                       main_thread = std::this_thread::get_id();
                                       try {
                                         msgutil::receive_message(request);
                                       } catch (const ConnectionTerminatedException&) {
                                         seen_.push_back("told");
                                       }
                                     },
                                 .blocking_going_away =
                                     [&](BlockingRequest& request) {
                                       goodbye_thread = std::this_thread::get_id();
                                       request.sleep_for(1ms);
                                       msgutil::send_message(request, "bye");
                                     }});
  connection.session->go_away(loop_.now());
  ASSERT_TRUE(loop_.run_until([&] { return connection.peer->output.size() >= 5 + 4; }));
  EXPECT_THAT(connection.take_words(), ElementsAre("text:bye", "close:1001"));
  lose(connection);
  ASSERT_TRUE(loop_.run_until([&] { return connection.gone.load(); }));
  EXPECT_THAT(seen_, ElementsAre("told"));
  EXPECT_NE(main_thread, goodbye_thread);
}

TEST_F(SessionEnd, ABlockingGoodbyeThatRaisesIsLoggedAndTheCloseIs1001) {
  Connection& connection = open(
      {.blocking_transfer = [](BlockingRequest& request) { msgutil::receive_message(request); },
       .blocking_going_away =
           [](BlockingRequest&) { throw std::runtime_error("in the goodbye"); }});
  connection.session->go_away(loop_.now());
  ASSERT_TRUE(loop_.run_until([&] { return !connection.peer->output.empty(); }));
  EXPECT_THAT(connection.take_words(), ElementsAre("close:1001"));
  EXPECT_THAT(log_.lines(), ElementsAre(HasSubstr("in the goodbye")));
}

TEST_F(SessionEnd, ABlockingGoodbyeThatTakesTooLongIsCutShort) {
  Connection& connection = open(
      {.blocking_transfer = [](BlockingRequest& request) { msgutil::receive_message(request); },
       .blocking_going_away =
           [&](BlockingRequest& request) {
             try {
               request.sleep_for(1h);
             } catch (const ConnectionTerminatedException&) {
               seen_.push_back("told");
             }
           },
       .limits = {.close_timeout = 3s}});
  connection.session->go_away(loop_.now());
  loop_.advance(3s);
  EXPECT_THAT(connection.take_words(), ElementsAre("close:1001"));
  lose(connection);
  ASSERT_TRUE(loop_.run_until([&] { return connection.gone.load(); }));
  EXPECT_THAT(seen_, ElementsAre("told"));
}

// --- nothing that was accepted is lost
// -------------------------------------------------------------

TEST_F(SessionEnd, WhatASenderAcceptedGoesOutBeforeTheClose) {
  Sender sender;
  Connection& connection = open([&](Request& request) -> Task<> {
    sender = request.sender();
    co_await note_all(request);
  });
  EXPECT_EQ(sender.send("last"), SendResult::accepted);  // the loop has not seen it yet
  connection.session->go_away(loop_.now());
  EXPECT_THAT(connection.take_words(), ElementsAre("text:last", "close:1001"));
  EXPECT_EQ(sender.send("late"), SendResult::closed);
}

TEST_F(SessionEnd, WhatASenderAcceptedBeforeItsHandlerReturnsIsSent) {
  Connection& connection = open([](Request& request) -> Task<> {
    EXPECT_EQ(request.sender().send("last"), SendResult::accepted);
    co_return;
  });
  EXPECT_THAT(connection.take_words(), ElementsAre("text:last", "close:1000"));
}

TEST_F(SessionEnd, WhatASenderAcceptedBeforeThePeersCloseIsAnsweredIsSent) {
  Sender sender;
  Connection& connection = open([&](Request& request) -> Task<> {
    sender = request.sender();
    co_await note_all(request);
  });
  connection.peer->send(client_close());
  EXPECT_EQ(sender.send("last"), SendResult::accepted);
  connection.session->on_ready(true, false, false);
  EXPECT_THAT(connection.take_words(), ElementsAre("text:last", "close:1000"));
}

TEST_F(SessionEnd, WhatABlockingHandlerHasSentGoesOutBeforeTheClose) {
  std::atomic<bool> sent = false;
  Connection& connection = open_blocking([&](BlockingRequest& request) {
    msgutil::send_message(request, "one", false);
    msgutil::send_message(request, "two");
    sent = true;
    try {
      msgutil::receive_message(request);
    } catch (const ConnectionTerminatedException&) {
    }
    EXPECT_THROW(msgutil::send_message(request, "late"), ConnectionTerminatedException);
  });
  while (!sent) std::this_thread::yield();
  connection.session->go_away(loop_.now());  // the loop may not have seen them yet
  EXPECT_THAT(connection.take_words(), ElementsAre("text…:one", "more:two", "close:1001"));
}

}  // namespace
}  // namespace cppwebsocket::testing
