// ws://host/gallery/postgresql?CHANNEL sends a browser what PostgreSQL notifies on that channel, and notifies what the
// browser sends: so with whatever else says `NOTIFY news, 'hello'`, a trigger for one. Nothing here blocks its thread.
// SetEnv DATABASE "host=/run/postgresql dbname=app" says where the database is (libpq's words; an address or a
// socket, for looking up a name blocks). A connection to the database for each browser is for hundreds of
// them; for more, one of them listens (Channel::try_lead, see ticker_wsh.cpp) and publishes to a channel.
// cppwebsocket-libs: libpq
#include <libpq-fe.h>
#include <memory>
#include <stdexcept>
#include <cppwebsocket/handler.hpp>
#include <cppwebsocket/wait.hpp>
using namespace cppwebsocket;

struct Free {
  void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
  void operator()(PGresult* result) const noexcept { PQclear(result); }
  void operator()(void* memory) const noexcept { PQfreemem(memory); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

static void check(bool is_well, PGconn* database) {
  if (!is_well) throw std::runtime_error(PQerrorMessage(database));
}

static Task<> connect(Request& request, PGconn* database) {
  check(PQstatus(database) != CONNECTION_BAD, database);
  for (auto next = PGRES_POLLING_WRITING; next != PGRES_POLLING_OK; next = PQconnectPoll(database)) {
    check(next != PGRES_POLLING_FAILED, database);
    const int socket = PQsocket(database);  // may be another one each time
    if (next == PGRES_POLLING_READING)
      co_await request.readable(socket);
    else
      co_await request.writable(socket);
  }
  check(PQsetnonblocking(database, 1) == 0, database);
}

static Task<> run(Request& request, PGconn* database, std::string command) {
  check(PQsendQuery(database, command.c_str()), database);
  while (PQflush(database) == 1) co_await request.writable(PQsocket(database));
  for (;;) {
    while (PQisBusy(database)) {
      co_await request.readable(PQsocket(database));
      check(PQconsumeInput(database), database);
    }
    const Owned<PGresult> result(PQgetResult(database));
    if (!result) co_return;
    check(PQresultStatus(result.get()) == PGRES_COMMAND_OK, database);
  }
}

void web_socket_do_extra_handshake(Request& request) {
  request.user_data() = std::string(request.env("DATABASE").value_or(""));
}

Task<> web_socket_transfer_data(Request& request) {
  const Owned<PGconn> owned(PQconnectStart(std::any_cast<std::string>(request.user_data()).c_str()));
  PGconn* const database = owned.get();
  const auto log = [](void* to, const char* text) { static_cast<Request*>(to)->log(LogLevel::info, text); };
  PQsetNoticeProcessor(database, log, &request);
  co_await connect(request, database);
  const std::string name(request.ws_query());
  const Owned<char> channel(PQescapeIdentifier(database, name.data(), name.size()));
  check(channel != nullptr, database);
  co_await run(request, database, std::string("LISTEN ") + channel.get());
  for (;;) {
    while (const Owned<PGnotify> news{PQnotifies(database)}) co_await msgutil::send_message(request, news->extra);
    auto first = co_await when_any(request, msgutil::receive_message(request), request.readable(PQsocket(database)));
    if (first.index() == 1) {
      check(PQconsumeInput(database), database);
    } else if (const auto& message = std::get<0>(first)) {
      const Owned<char> text(PQescapeLiteral(database, message->payload().data(), message->size()));
      check(text != nullptr, database);
      co_await run(request, database, std::string("NOTIFY ") + channel.get() + ", " + text.get());
    } else {
      co_return;
    }
  }
}
