// says: a task is awaited once: write when_any\(request, std::move\(task\), ...\)
#include <cppwebsocket/handler.hpp>
#include <cppwebsocket/wait.hpp>
using namespace cppwebsocket;

Task<> work(Request& request) { co_await request.yield(); }
void web_socket_do_extra_handshake(Request&) {}
Task<> web_socket_transfer_data(Request& request) {
  Task<> task = work(request);
  co_await when_any(request, task, request.sleep_for(std::chrono::seconds(1)));
}
