// What co-await-faults refuses: the lines that say so, and no other.
#include <cppwebsocket/handler.hpp>
using namespace cppwebsocket;

Task<bool> ask(Request& request, std::string text, std::function<void()> then = {});

Task<> conditions(Request& request) {
  while (co_await ask(request, "a")) break;                       // refused
  if (!co_await ask(request, "a")) co_return;                     // refused
  if (request.is_https() && co_await ask(request, "a")) co_return;  // refused
  for (; co_await ask(request, "a");) break;                      // refused
  switch (co_await ask(request, "a")) { default: break; }         // refused
  do {
  } while (co_await ask(request, "a"));                           // refused
  while (auto message = co_await msgutil::receive_message(request)) break;
  while (const auto message = co_await msgutil::receive_message(request)) break;
  while (std::optional<Message> message{co_await msgutil::receive_message(request)}) break;
  if (const bool answer = co_await ask(request, "a"); answer) co_return;
  for (int i = 0; i < 3; ++i) co_await ask(request, "if (co_await it)");
  if (request.is_https()) co_await ask(request, "a");
}

Task<> temporaries(Request& request, bool good) {
  co_await ask(request, good ? "yes" : "no");                     // refused
  co_await ask(request, "a", [request = &request] {});            // refused
  co_await ask(request, {'a', 'b'});                              // refused
  const bool answer = co_await ask(request, std::string{"a"});    // refused
  const std::string text = good ? "yes" : "no";
  co_await ask(request, text);
  co_await ask(request, std::string("what? {a} [b]"));
  co_await request.run_blocking([&] { return good ? 1 : 2; });
  std::vector<std::string> texts(1);
  co_await ask(request, texts[0]);
  /* co_await ask(request, good ? "yes" : "no"); */
  const int number = answer ? 1 : 2;
  request.spawn([&request, number]() -> Task<> { co_await ask(request, std::to_string(number)); });
}
