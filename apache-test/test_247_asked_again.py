"""Is who is here still allowed to be: WebSocketAuthCheck, and is_allowed() of handlers."""
import base64
import hashlib
import re
import time

import pytest

from harness import build, tls
from harness.end_points import Talk
from harness.event_stream import open_stream
from harness.h2_client import H2Session
from harness.raw import PING, close_frame, frame

# Asked about by a Lua script, which does what a file says and notes that it was asked.
SCRIPT = """
require "apache2"
function decide(r)
  local asked = io.open("{root}/asked/log", "a")
  asked:write((r.user or "-") .. " " .. r.uri .. "\\n")
  asked:close()
  local file = io.open("{root}/mode")
  local mode = file:read("*l")
  file:close()
  if mode == "slow" then os.execute("sleep 3") end
  if mode == "broken" then return apache2.AUTHZ_GENERAL_ERROR end
  if mode == "no" then return apache2.AUTHZ_DENIED end
  return apache2.AUTHZ_GRANTED
end
"""
CONFIG = """
LogLevel cppwebsocket:info
WebSocketChannelMemory 512M
<Location "/who">
  SetHandler websocket-subscribe
  WebSocketChannel news
  AuthType Basic
  AuthName who
  AuthUserFile "{root}/users"
  AuthGroupFile "{root}/groups"
  Require valid-user
  WebSocketAuthCheck 1s 4001
</Location>
<Location "/who/default">
  WebSocketAuthCheck 1s
</Location>
<Location "/publish">
  SetHandler websocket-publish
</Location>
<Location "/who/off">
  WebSocketAuthCheck Off
</Location>
<Location "/who/staff">
  Require group staff
</Location>
<Location "/who/many">
  SetHandler websocket-channels
</Location>
<Location "/who/echo">
  SetHandler None
</Location>
<Location "/who/echo_blocking">
  SetHandler None
</Location>
WebSocketAlias /who/echo /echo
WebSocketAlias /who/echo_blocking /echo_blocking
<Location "/keyed">
  SetHandler websocket-subscribe
  WebSocketChannel news
  Require expr "%{req:X-Key} == file('{root}/key')"
  WebSocketAuthCheck 1s
</Location>
RequestHeader unset X-Key
<Location "/keyed/gone">
  Require all granted
</Location>
RewriteEngine On
RewriteCond "{root}/closed" -f
RewriteRule "^/keyed/gone$" - [R=410]
<Directory "{root}/htdocs/rules">
  AllowOverride FileInfo
</Directory>
LuaAuthzProvider scripted "{root}/decide.lua" decide
<Location "/scripted">
  SetHandler websocket-subscribe
  WebSocketChannel news
  Require scripted
  WebSocketAuthCheck 2s
</Location>
<Location "/scripted/patient">
  WebSocketAuthCheck 1s 1013 unknown=3s
</Location>
<Location "/other">
  SetHandler websocket-subscribe
  WebSocketChannel news
  Require scripted
</Location>
<Location "/rooms">
  AuthType Basic
  AuthName who
  AuthUserFile "{root}/users"
  Require user ann
</Location>
<Location "/rooms/read">
  Require method GET
</Location>
<Location "/rooms/broken">
  Require scripted
</Location>
"""
MODULES = ("authz_groupfile", "lua")


def sha(password):
    return "{SHA}" + base64.b64encode(hashlib.sha1(password.encode()).digest()).decode()


def basic(user, password=None):
    word = f"{user}:{password or user}"
    return {"Authorization": "Basic " + base64.b64encode(word.encode()).decode()}


def expect_end(ws, code, within=3.0):
    """The Close comes in time; the client answers it."""
    began = time.monotonic()
    assert ws.read_close() == (code, "no longer allowed")
    assert time.monotonic() - began < within * (5 if build.SANITIZER else 1)
    ws.send(close_frame(code))
    ws.expect_eof()


class Asked(Talk):
    """An httpd whose users, groups and script are files."""

    CONFIG = CONFIG
    OPTIONS = {"modules": MODULES, "directories": ("asked", "htdocs/rules")}

    @pytest.fixture(scope="session")
    def handlers(self):
        names = ("allowed", "allowed_blocking")
        own = build.compile_all([build.TESTS / f"handlers/{name}_wsh.cpp" for name in names])
        return {**dict(zip(names, own)), **{name: build.HANDLERS / f"{name}_wsh.so" for name in ("echo", "echo_blocking")}}

    @pytest.fixture(autouse=True)
    def files(self, httpd):
        self.httpd = httpd
        (httpd.root / "asked").chmod(0o777)
        (httpd.root / "decide.lua").write_text(SCRIPT.replace("{root}", str(httpd.root)))
        (httpd.root / "closed").unlink(missing_ok=True)
        (httpd.root / "htdocs/rules/.htaccess").write_text('RewriteEngine On\nRewriteRule "^live$" "/who/default" [L]\n')
        self.write("key", "sesame")
        self.write("mode", "yes")
        self.write("groups", "staff: ann\n")
        self.users("ann", "bob")
        yield
        # Refused handshakes and the first questions of a browser's: httpd's own lines.
        httpd.allow_log("AH01617|AH01618|AH01630|AH01631|AH01797|AH01144")

    def write(self, name, text):
        path = self.httpd.root / name
        path.with_suffix(".new").write_text(text)
        path.with_suffix(".new").rename(path)

    def users(self, *names):
        self.write("users", "".join(f"{name}:{sha(name)}\n" for name in names))

    def asked(self):
        """How often the script was, since the last call."""
        log = self.httpd.root / "asked/log"
        count = len(log.read_text().splitlines()) if log.exists() else 0
        log.unlink(missing_ok=True)
        return count

    def lines_since(self, mark):
        return self.httpd.error_log.lines(mark)


class TestWithdrawn(Asked):
    def test_cws_247_a_removed_user_is_closed_and_nobody_else(self, httpd):
        with httpd.open("/who", headers=basic("ann")) as ann, httpd.open("/who", headers=basic("bob")) as bob, \
                httpd.open("/who/default", headers=basic("bob")) as bob_too, \
                httpd.open("/who/off", headers=basic("bob")) as unchecked:
            time.sleep(2.5)
            mark = httpd.error_log.mark()
            self.users("ann")
            expect_end(bob, 4001)
            expect_end(bob_too, 1008)
            httpd.expect_log(r'CWS0084: no longer allowed, .* 401; closing with 4001: connections: 1, user: "bob", from '
                             r"127\.0\.0\.1, /who$")
            time.sleep(1.5)
            said = "\n".join(self.lines_since(mark))
            assert "AH0" not in said and "[client" not in said and "[remote" not in said, said
            assert self.post(httpd, "news", "to all").status == 200
            assert ann.read_text() == unchecked.read_text() == "to all"
            assert httpd.ask("/who", headers=basic("bob")).status == 401

    def test_cws_247_all_kinds_of_connections(self, httpd):
        """A group that changes; channels, event streams, handlers of both styles."""
        many = {**basic("ann"), "Sec-WebSocket-Protocol": "channels.json"}
        with httpd.open("/who/staff", headers=basic("ann")) as staff, httpd.open("/who/many", headers=many) as channels, \
                open_stream(httpd, "/who/default", basic("ann")) as stream, \
                httpd.open("/who/echo", headers=basic("ann")) as echo, \
                httpd.open("/who/echo_blocking", headers=basic("ann")) as blocking:
            assert "welcome" in channels.read_text()
            assert "subscribed" in channels.read_text()
            assert echo.ask_text("x") == blocking.ask_text("x") == "x"
            self.write("groups", "staff: bob\n")
            expect_end(staff, 4001)
            time.sleep(1.2)
            assert echo.ask_text("x") == blocking.ask_text("x") == "x"
            self.users("bob")
            expect_end(channels, 4001)
            expect_end(echo, 4001)
            expect_end(blocking, 4001)
            with pytest.raises(EOFError):  # never an orderly end, which some clients take for the last word
                stream.connection.read_until(b"more")

    def test_cws_247_a_field_that_another_module_takes_away(self, httpd):
        with httpd.open("/keyed", headers={"X-Key": "sesame"}) as ws:
            time.sleep(2.2)
            ws.expect_silence(0.1)
            self.write("key", "another")
            expect_end(ws, 1008)

    def test_cws_247_what_a_directorys_rules_lead_to(self, httpd):
        with httpd.open("/rules/live", headers=basic("ann")) as ann, httpd.open("/rules/live", headers=basic("bob")) as bob:
            time.sleep(1.5)
            self.users("bob")
            expect_end(ann, 1008)
            time.sleep(1.2)
            bob.expect_silence(0.1)
            (httpd.root / "htdocs/rules/.htaccess").write_text('RewriteEngine On\nRewriteRule "^live$" "/elsewhere" [L]\n')
            bob.expect_silence(1.5)  # nothing forbids that
            (httpd.root / "htdocs/rules/.htaccess").write_text('RewriteEngine On\nRewriteRule "^live$" - [F]\n')
            expect_end(bob, 1008)

    def test_cws_247_an_address_that_is_gone(self, httpd):
        with httpd.open("/keyed/gone") as ws:
            self.write("closed", "")
            expect_end(ws, 1008)
            httpd.expect_log("CWS0084: .* 410; closing with 1008")


class TestScripted(Asked):
    OPTIONS = {**Asked.OPTIONS, "one_child": True}

    def test_cws_247_ten_connections_of_one_client_are_one_question(self, httpd, mpm):
        ten = [httpd.open("/scripted", headers={"Cookie": "a=b"}) for _ in range(10)]
        other = httpd.open("/scripted", headers={"Cookie": "c=d"})
        self.asked()
        time.sleep(6)
        assert 2 * 2 <= self.asked() <= 2 * 5
        self.write("mode", "no")
        for ws in (*ten, other):
            expect_end(ws, 1008)
        httpd.expect_log("CWS0084: .*connections: 10")
        time.sleep(0.5)
        assert self.asked() <= 4
        time.sleep(2.5)
        assert self.asked() == 0
        for ws in (*ten, other):
            ws.drop()

    def test_cws_247_what_cannot_be_found_out_is_told_once_and_closes_nobody(self, httpd):
        with httpd.open("/scripted") as ws, httpd.open("/scripted/patient") as patient:
            mark = httpd.error_log.mark()
            self.write("mode", "broken")
            httpd.expect_log("CWS0085: .* cannot be found out, for it would be answered with 500; left open: connections: 1")
            began = time.monotonic()
            expect_end(patient, 1013, within=6)
            assert 1.5 < time.monotonic() - began < 6
            httpd.expect_log("CWS0084: .* 500; closing with 1013")
            ws.expect_silence(3)
            lines = self.lines_since(mark)
            assert sum("CWS0085" in line and ":warn]" in line for line in lines) <= 1
            assert not [line for line in lines if "AH0" in line], lines
            self.write("mode", "yes")
            ws.expect_silence(3)

    def test_cws_247_a_slow_answer_holds_up_nothing(self, httpd, mpm):
        """More of them than there are threads for questions."""
        with httpd.open("/echo") as echo:
            slow = [httpd.open("/scripted", headers={"Cookie": f"n={i}"}) for i in range(12)]
            self.write("mode", "slow")
            self.asked()
            time.sleep(2.5)
            assert 4 <= self.asked() <= 8
            longest = 0.0
            for _ in range(40):
                began = time.monotonic()
                assert echo.ask_text("x") == "x"
                longest = max(longest, time.monotonic() - began)
                time.sleep(0.02)
            assert longest < 1
            if mpm != "prefork":  # whose only child is not free
                assert httpd.get("/index.html").status == 200
            self.write("mode", "yes")
            time.sleep(3.5)
            for ws in slow:
                ws.expect_silence(0.02)
                ws.drop()

    def test_cws_247_a_stop_does_not_wait_for_a_slow_answer(self, make_httpd):
        server = make_httpd(CONFIG, **self.OPTIONS)
        for name in ("decide.lua", "mode", "key", "users", "groups"):
            (server.root / name).write_bytes((self.httpd.root / name).read_bytes().replace(
                str(self.httpd.root).encode(), str(server.root).encode()))
        (server.root / "asked").chmod(0o777)
        with server.open("/scripted"):
            (server.root / "mode").write_text("slow")
            time.sleep(2.5)
            began = time.monotonic()
            server.stop()
            assert time.monotonic() - began < 6


class TestIsAllowed(Asked):
    @pytest.mark.parametrize("handler", ["allowed", "allowed_blocking"])
    def test_cws_247_handlers_ask(self, httpd, handler):
        with httpd.open(f"/{handler}", headers=basic("ann")) as ann, httpd.open(f"/{handler}", headers=basic("bob")) as bob:
            assert ann.ask_text("GET /rooms/blue") == "yes"
            assert bob.ask_text("GET /rooms/blue") == "no"
            assert ann.ask_text("GET /index.html") == "yes"
            assert bob.ask_text("GET /rooms/read/x y") == "yes"
            assert bob.ask_text("POST /rooms/read/x") == "no"
            assert bob.ask_text("GET /rooms/../rooms/blue") == "no"
            self.write("mode", "broken")
            assert ann.ask_text("GET /rooms/broken") == "unknown"
            httpd.expect_log("CWS0085: whether a client is allowed GET /rooms/broken cannot be found out")
            self.users("bob")
            assert ann.ask_text("GET /rooms/blue") == "no"
            assert "path that begins with /" in ann.ask_text("GET rooms")
            assert "no method" in ann.ask_text("G,T /rooms")
        mark = httpd.error_log.mark()
        assert not [line for line in self.lines_since(mark) if "AH0163" in line]

    def test_cws_247_not_during_the_handshake_and_not_in_a_ping(self, httpd):
        refused = httpd.ask("/allowed?early")
        assert (refused.status, b"once the connection is open" in refused.body) == (418, True)
        with httpd.open("/allowed_blocking") as ws:
            ws.send(frame(PING, b"/rooms"))
            assert httpd.error_log.wait_for("is_allowed may wait, which a ping handler must not")
            ws.read_frame()
            assert ws.ask_text("GET /rooms/read") == "yes"

    def test_cws_247_a_slow_answer_is_the_askers_alone(self, httpd):
        self.write("mode", "slow")
        with httpd.open("/allowed") as one, httpd.open("/allowed") as two:
            one.text(b"GET /rooms/broken")
            assert two.ask_text("GET /rooms/read") == "yes"
            one.expect_silence(0.5)
            assert one.read_text() == "yes"
            one.text(b"GET /rooms/broken")
            time.sleep(0.2)
            one.drop()
        self.write("mode", "yes")


TLS_CONFIG = """
LogLevel cppwebsocket:info
SSLCACertificateFile "{ca}"
SSLVerifyClient optional
<Location "/mine">
  SetHandler websocket-subscribe
  WebSocketChannel news
  SSLRequireSSL
  SSLRequire %{SSL_CLIENT_S_DN_CN} eq "alice"
  Require expr "%{HTTPS} == 'on' && %{SSL_CLIENT_S_DN_CN} == 'alice' && file('{root}/key') == 'sesame'"
  WebSocketAuthCheck 1s
</Location>
<Location "/verified">
  SetHandler websocket-subscribe
  WebSocketChannel news
  <RequireAll>
    Require ssl
    Require ssl-verify-client
    Require expr "file('{root}/key') == 'sesame'"
  </RequireAll>
  WebSocketAuthCheck 1s
</Location>
<Location "/faked">
  SetHandler websocket-subscribe
  WebSocketChannel news
  SSLOptions +FakeBasicAuth
  AuthType Basic
  AuthName who
  AuthUserFile "{root}/certificates"
  AuthGroupFile "{root}/groups"
  Require group staff
  WebSocketAuthCheck 1s
</Location>
"""


class TestOverTls(Talk):
    """What TLS said at the handshake holds for the handshake's own address."""

    CONFIG = ""

    @pytest.fixture(scope="session")
    def handlers(self):
        return {}

    @pytest.fixture
    def secure(self, make_httpd):
        server = make_httpd(TLS_CONFIG.replace("{ca}", tls.certificates().path("ca.crt")), tls_config="",
                            modules=("authz_groupfile",), files={
                                "key": "sesame", "groups": 'staff: "/O=Tests/CN=alice"\n',
                                "certificates": "/O=Tests/CN=alice:" + sha("password") + "\n"})
        server.allow_log("AH01630|AH01617|AH02229|AH02261|AH01631")
        return server

    @pytest.mark.parametrize("path", ["/mine", "/verified"])
    def test_cws_247_rules_of_tls_hold(self, secure, path):
        alice = lambda plain: tls.wrap(plain, tls.client_context(certificate="alice"))  # noqa: E731
        with secure.open(path, wrap=alice) as ws:
            ws.expect_silence(2.5)
            (secure.root / "key").write_text("another")
            expect_end(ws, 1008)
        secure.expect_log("CWS0084: .* 403; closing with 1008")

    def test_cws_247_a_certificate_in_the_place_of_a_password(self, secure):
        alice = lambda plain: tls.wrap(plain, tls.client_context(certificate="alice"))  # noqa: E731
        with secure.open("/faked", wrap=alice) as ws:
            ws.expect_silence(2.5)
            (secure.root / "groups").write_text("staff: nobody\n")
            expect_end(ws, 1008)


class TestOverHttp2(Asked):
    CONFIG = CONFIG + "Protocols h2c http/1.1\nH2WebSockets On\nWebSocketHTTP2 On\n"
    OPTIONS = {**Asked.OPTIONS, "modules": (*MODULES, "http2")}

    def test_cws_247_over_http2(self, mpm, httpd):
        if mpm == "prefork":
            pytest.skip("mod_http2 does not support prefork")
        with H2Session(httpd.address) as session:
            keyed = session.open("/keyed", headers={"x-key": "sesame"})
            who = session.open("/who", headers={"authorization": basic("ann")["Authorization"]})
            keyed.expect_silence(2.2)
            self.write("key", "another")
            assert keyed.read_close()[0] == 1008
            self.users("bob")
            assert who.read_close()[0] == 4001


class TestWhoIsBelieved(Talk):
    """Digest proves one request: its user stays believed, and groups are asked again."""

    CONFIG = """
LogLevel cppwebsocket:info
<Location "/digest">
  SetHandler websocket-subscribe
  WebSocketChannel news
  AuthType Digest
  AuthName one
  AuthDigestProvider file
  AuthUserFile "{root}/digest"
  AuthGroupFile "{root}/groups"
  Require group staff
  WebSocketAuthCheck 1s
</Location>
"""
    OPTIONS = {"modules": ("auth_digest", "authz_groupfile"),
               "files": {"digest": "ann:one:" + hashlib.md5(b"ann:one:secret").hexdigest() + "\n", "groups": "staff: ann\n"}}

    @pytest.fixture(scope="session")
    def handlers(self):
        return {}

    def test_cws_247_digest(self, httpd):
        challenge = httpd.ask("/digest").get("www-authenticate")
        parts = dict(re.findall(r'(\w+)="?([^",]*)"?', challenge))
        digest = lambda *all: hashlib.md5(":".join(all).encode()).hexdigest()  # noqa: E731
        answer = digest(digest("ann", "one", "secret"), parts["nonce"], "00000001", "abc", "auth", digest("GET", "/digest"))
        own = (f'Digest username="ann", realm="one", nonce="{parts["nonce"]}", uri="/digest", algorithm=MD5, qop=auth, '
               f'nc=00000001, cnonce="abc", response="{answer}"')
        with httpd.open("/digest", headers={"Authorization": own}) as ws:
            (httpd.root / "digest").write_text("")
            ws.expect_silence(2.5)
            (httpd.root / "groups").write_text("staff: bob\n")
            expect_end(ws, 1008)
        httpd.allow_log("AH01630|AH01631|AH01790")
