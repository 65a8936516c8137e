// Tests the handler without a server: @NAME@_test @NAME@_wsh.so
#include <cppwebsocket/testing.hpp>

#include <cstdio>

using namespace cppwebsocket;

namespace {

void everyone_gets_every_message(const char* file) {
  testing::Server server(file);
  testing::Client ann(server, "/@NAME@"), bob(server, "/@NAME@");
  ann.open();
  bob.open();
  ann.expect("welcome to @NAME@");
  bob.expect("welcome to @NAME@");
  ann.send("hello");
  ann.expect("hello");
  bob.expect("hello");
}

void a_close_is_answered(const char* file) {
  testing::Server server(file);
  testing::Client ann(server, "/@NAME@");
  ann.open();
  ann.close(1000);
  ann.expect_close(1000);
}

}  // namespace

int main(int, char** arguments) try {
  everyone_gets_every_message(arguments[1]);
  a_close_is_answered(arguments[1]);
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
