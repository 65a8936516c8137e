// The tests of <cppwebsocket/asio.hpp>, for each of the Asios: included by a file that has chosen
// one and that says what SUITE is. Real sockets of the loopback interface.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>

#include <cppwebsocket/asio.hpp>
#include <cppwebsocket/msgutil.hpp>
#include <cppwebsocket/testing.hpp>

namespace cppwebsocket::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Tcp = asio::ip::tcp;

// What clients ask of the handler, and where to.
unsigned short port = 0;
std::atomic<int> waiting{0};  // that have come to what they wait for
std::thread::id handler_thread;

Task<> echo_by_way_of(Request& request, Tcp::socket& socket) {
  while (auto message = co_await msgutil::receive_message(request)) {
    co_await asio::async_write(socket, asio::buffer(message->payload()),
                               resume_in(request, socket));
    std::string answer(message->size(), '\0');
    const std::size_t count =
        co_await asio::async_read(socket, asio::buffer(answer), resume_in(request, socket));
    handler_thread = std::this_thread::get_id();
    co_await msgutil::send_message(request, answer.substr(0, count));
  }
}

Task<> read_for_ever(Request& request, std::shared_ptr<Tcp::socket> socket) {
  std::string bytes(100, '\0');
  ++waiting;
  co_await asio::async_read(*socket, asio::buffer(bytes), resume_in(request, *socket));
}

Task<> obey(Request& request) {
  const std::string word(request.ws_query());
  const auto socket = std::make_shared<Tcp::socket>(io_context());
  const Tcp::endpoint endpoint(asio::ip::address_v4::loopback(), port);
  if (word == "timer") {
    asio::steady_timer timer(io_context(), std::chrono::milliseconds(1));
    co_await timer.async_wait(resume_in(request, timer));
    co_await msgutil::send_message(request, "rung");
    co_return;
  }
  if (word == "with error") {
    const auto error =
        co_await socket->async_connect(endpoint, resume_with_error_in(request, *socket));
    const std::string text = error == asio::error::connection_refused ? "refused" : error.message();
    co_await msgutil::send_message(request, text);
    char byte[1];
    const auto [second, count] = co_await socket->async_read_some(
        asio::buffer(byte), resume_with_error_in(request, *socket));
    co_await msgutil::send_message(request, second && count == 0 ? "bad" : "good");
    co_return;
  }
  co_await socket->async_connect(endpoint, resume_in(request, *socket));
  if (word == "echo") co_await echo_by_way_of(request, *socket);
  if (word == "read") co_await read_for_ever(request, socket);
  if (word == "spawn") {
    request.spawn(read_for_ever(request, socket));
    while (auto message = co_await msgutil::receive_message(request)) {
    }
  }
}

const HandlerTable& table() noexcept {
  static const HandlerTable made = [] {
    HandlerTable table{};
    table.abi = handler_abi;
    table.size = sizeof(HandlerTable);
    table.toolchain = handler_toolchain;
    table.do_extra_handshake = [](Request&) {};
    table.transfer_data = &obey;
    table.channels = &cppwebsocket::detail::channel_service;
    table.before_unload = &cppwebsocket::detail::before_unload;
    return table;
  }();
  return made;
}

struct SUITE : ::testing::Test {
  explicit SUITE() : acceptor_(io_context(), {asio::ip::address_v4::loopback(), 0}) {
    port = acceptor_.local_endpoint().port();
    waiting = 0;
  }
  ~SUITE() override { acceptor_.close(); }  // before the context, which goes with the server

  Server server{&table};
  Tcp::acceptor acceptor_;
};

TEST_F(SUITE, ResultsComeBackToTheConnectionsThread) {
  Client client(server, "/?echo");
  std::thread peer([this] {
    Tcp::socket socket = acceptor_.accept();
    std::string bytes(5, '\0');
    for (int i = 0; i < 2; ++i) {
      asio::read(socket, asio::buffer(bytes));
      asio::write(socket, asio::buffer(bytes));
    }
  });
  client.open();
  client.send("hello");
  server.wait_until([&] { return client.received().size() == 1; });
  client.send("again");
  server.wait_until([&] { return client.received().size() == 2; });
  client.expect("hello");
  client.expect("again");
  EXPECT_EQ(handler_thread, std::this_thread::get_id());
  peer.join();
  client.close();
  client.expect_close(1000);
}

TEST_F(SUITE, ATimerOfAsioRings) {
  Client client(server, "/?timer");
  client.open();
  server.wait_until([&] { return client.has_ended(); });
  client.expect("rung");
}

TEST_F(SUITE, ErrorsAreRaisedOrPartOfTheResult) {
  acceptor_.close();
  Client raising(server, "/?read");
  raising.open();
  server.wait_until([&] { return raising.has_ended(); });
  try {
    raising.rethrow();
    ADD_FAILURE() << "nothing was raised";
  } catch (const AsioError& error) {
    EXPECT_EQ(error.code(), asio::error::connection_refused);
  }
  Client told(server, "/?with error");
  told.open();
  server.wait_until([&] { return told.has_ended(); });
  told.expect("refused");
  told.expect("bad");
  told.rethrow();
}

TEST_F(SUITE, WhatWaitsIsCancelledWithTheConnection) {
  for (const char* target : {"/?read", "/?spawn"}) {
    waiting = 0;
    Client client(server, target);
    client.open();
    server.wait_until([] { return waiting == 1; });
    client.lose();  // which returns once the operation is over
    EXPECT_TRUE(client.has_ended());
    EXPECT_EQ(client.running_tasks(), 0u);
    EXPECT_THROW(client.rethrow(), ConnectionTerminatedException) << target;
  }
}

TEST_F(SUITE, WhatWaitsIsCancelledWhenTheHandlerReturns) {
  Client client(server, "/?spawn");
  client.open();
  server.wait_until([] { return waiting == 1; });
  client.close();
  EXPECT_EQ(client.running_tasks(), 0u);
  client.expect_close(1000);
}

TEST_F(SUITE, ManyWaitAtATime) {
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 50; ++i) {
    clients.push_back(std::make_unique<Client>(server, "/?read"));
    clients.back()->open();
  }
  server.wait_until([] { return waiting == 50; });
  for (const auto& each : clients) each->lose();
  for (const auto& each : clients) EXPECT_EQ(each->running_tasks(), 0u);
}

TEST_F(SUITE, TheContextBeginsAnewWhenItHasGone) {
  acceptor_.close();
  for (int i = 0; i < 3; ++i) {
    Server another(&table);
    Client client(another, "/?timer");
    client.open();
    another.wait_until([&] { return client.has_ended(); });
    client.expect("rung");
  }
}

}  // namespace
}  // namespace cppwebsocket::testing
