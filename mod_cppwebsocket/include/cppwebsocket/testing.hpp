// Runs a handler without a server: include this in a test, beside whatever test framework you like.
//
//   #include <cppwebsocket/testing.hpp>
//   using namespace cppwebsocket;
//
//   int main(int, char** arguments) {
//     testing::Server server(arguments[1]);      // chat_wsh.so, as a server would open it
//     testing::Client ann(server, "/chat"), bob(server, "/chat");
//     ann.open();
//     bob.open();
//     ann.send("hello");
//     bob.expect("hello");                       // raises testing::Failure, which says what came instead
//     server.advance(std::chrono::seconds(30));  // time is the server's own
//     bob.close(4000);
//     bob.expect_close(4000);
//   }
//
// Nothing waits: each call returns once the handlers, of either style, wait for something that only the test
// can bring about. But a handler may wait for a descriptor, which is a real one: while it does, expect() and receive()
// wait, too, for what others make of it, up to 30 s. What real clients do to a server is not here: limits, wire formats, handshakes that are
// refused before the handler is asked. Thread: one.
#pragma once

#include <cppwebsocket/testing/client.hpp>
#include <cppwebsocket/testing/work.hpp>
