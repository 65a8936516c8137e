// A child's connections that go through httpd's filters: how many there may be, because each holds
// a thread, and their last words when httpd stops without grace.
//
// At SIGTERM and SIGHUP, event and worker close the sockets of all workers before they say so to
// any module, and then mod_http2 drops its connections. So each connection here has a second
// descriptor, and when the stop is told we put it in the place of the one that was closed, and
// hold up the other modules' stop until the clients know.
#pragma once

#include <httpd.h>

#include <apr_network_io.h>

#include <condition_variable>
#include <cstddef>
#include <list>
#include <mutex>
#include <string>
#include <vector>

namespace cppwebsocket::httpd {

class FilterConnections {
 public:
  explicit FilterConnections(std::size_t most) noexcept : most_(most) {}

  // A place, for as long as it lives. Thread: the request's.
  class Place {
   public:
    Place() = default;
    ~Place();
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

   private:
    friend class FilterConnections;
    FilterConnections* all_ = nullptr;
    apr_socket_t* socket_ = nullptr;  // the client's: of an HTTP/2 stream, its connection's
    int spare_ = -1;                  // another descriptor of it
  };

  // Returns why there is none, or an empty text. Thread: any.
  std::string take(Place& place, conn_rec* c);

  // In child_stopping, of a stop without grace: before the sessions are told, and then to let their
  // last bytes pass, for a bounded time. Not in a signal handler. Thread: the child's main thread.
  void open_again() noexcept;
  void finish() noexcept;

 private:
  void leave(Place& place) noexcept;

  const std::size_t most_;
  std::mutex mutex_;
  std::condition_variable left_;
  std::list<Place*> places_;  // GUARDED_BY(mutex_)
  std::vector<int> opened_;   // descriptors of the sockets that were opened again
};

}  // namespace cppwebsocket::httpd
