// How a child leaves httpd before httpd would have it leave. The MPMs event, worker and prefork end a child in order that
// cannot accept connections (for want of descriptors, they suppose), and start another in its place: so a child that is to
// leave refuses to accept, in its own process alone.
#pragma once

namespace cppwebsocket::httpd {

class Child;

// Has this process accept no connection any more, so that httpd ends it: when it next tries to, and when its open HTTP
// requests are done. Of further groups of listeners, of which httpd does
// not tell, the process goes on. Thread: any.
void accept_no_more() noexcept;

// This child accepts no connection any more, and its WebSockets drain at once as they do at a graceful restart. A connection
// to ourselves has httpd notice. False, and nothing is done, where httpd has other listeners than it tells of
// (ListenCoresBucketsRatio). Again does nothing. Thread: any.
bool begin_drain(Child& child) noexcept;

}  // namespace cppwebsocket::httpd
