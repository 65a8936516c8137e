"""Directives: wrong ones are caught by `httpd -t`, with the line and what would be right."""
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from harness import build
from harness.httpd import Httpd

# Each line, and what the message must contain (the accepted values, above all).
BAD = [
    ("WebSocketHandlerRoot", ["WebSocketHandlerRoot", "takes one argument"]),
    ("WebSocketHandlerRoot /nowhere/at/all", ["WebSocketHandlerRoot", "/nowhere/at/all"]),
    ('WebSocketHandlerRoot ""', ["WebSocketHandlerRoot"]),
    ("WebSocketAlias /only", ["WebSocketAlias", "takes two arguments"]),
    ("WebSocketAlias no/slash /echo", ["WebSocketAlias", "no/slash"]),
    ("WebSocketAlias /a echo", ["WebSocketAlias", "echo"]),
    ("WebSocketAllowHandlersOutsideRoot maybe", ["WebSocketAllowHandlersOutsideRoot", "On or Off"]),
    ("WebSocketHandlerCopies", ["WebSocketHandlerCopies", "takes one argument"]),
    ('WebSocketHandlerCopies ""', ["WebSocketHandlerCopies", "or None"]),
    ("WebSocketOrigin", ["WebSocketOrigin"]),
    ("WebSocketOrigin example.com", ["WebSocketOrigin", "example.com", "scheme://"]),
    ("WebSocketOrigin https://example.com/path", ["WebSocketOrigin", "https://example.com/path"]),
    ("WebSocketOrigin https://*.com", ["WebSocketOrigin", "https://*.com", "*.name.tld"]),
    ("WebSocketOrigin https://*", ["WebSocketOrigin", "https://*", "other than http and https"]),
    ("WebSocketOrigin https://www.*.example", ["WebSocketOrigin", "https://www.*.example"]),
    ("WebSocketOrigin https://*.192.0.2.1", ["WebSocketOrigin", "https://*.192.0.2.1"]),
    ("WebSocketOrigin Any Same", ["WebSocketOrigin", "Any"]),
    ("WebSocketSchemeHeader", ["WebSocketSchemeHeader", "takes one argument"]),
    ('WebSocketSchemeHeader "X Proto"', ["WebSocketSchemeHeader", "X Proto", "X-Forwarded-Proto"]),
    ("WebSocketSchemeHeader Forwarded", ["WebSocketSchemeHeader", "Forwarded", "None"]),
    ("WebSocketLegacyProtocols yes", ["WebSocketLegacyProtocols", "On or Off"]),
    ("WebSocketMaxMessageSize many", ["WebSocketMaxMessageSize", "many"]),
    ("WebSocketMaxMessageSize -1", ["WebSocketMaxMessageSize", "-1"]),
    ("WebSocketMaxMessageSize 0", ["WebSocketMaxMessageSize"]),
    ("WebSocketMaxMessageSize 1T", ["WebSocketMaxMessageSize", "K, M"]),
    ("WebSocketMaxMessageSize 99999999999999999999", ["WebSocketMaxMessageSize"]),
    ("WebSocketCompression", ["WebSocketCompression"]),
    ("WebSocketCompression Maybe", ["WebSocketCompression", "On", "Off"]),
    ("WebSocketCompression On level=0", ["WebSocketCompression", "level", "1", "9"]),
    ("WebSocketCompression On level=10", ["WebSocketCompression", "level"]),
    ("WebSocketCompression On window-bits=8", ["WebSocketCompression", "window-bits", "9", "15"]),
    ("WebSocketCompression On window-bits=16", ["WebSocketCompression", "window-bits"]),
    ("WebSocketCompression On context-takeover=sure", ["WebSocketCompression", "context-takeover=on|client|off"]),
    ("WebSocketCompression On min-size=-1", ["WebSocketCompression", "min-size"]),
    ("WebSocketCompression On colour=blue", ["WebSocketCompression", "colour", "level"]),
    ("WebSocketPingInterval soon", ["WebSocketPingInterval", "soon"]),
    ("WebSocketPingInterval -1", ["WebSocketPingInterval"]),
    ("WebSocketPingInterval 0", ["WebSocketPingInterval", "Off"]),
    ("WebSocketPingInterval 10parsecs", ["WebSocketPingInterval", "10parsecs", "ms"]),
    ("WebSocketIdleTimeout never", ["WebSocketIdleTimeout", "never"]),
    ("WebSocketIdleTimeout 0", ["WebSocketIdleTimeout", "Off"]),
    ("WebSocketCloseTimeout Off", ["WebSocketCloseTimeout"]),
    ("WebSocketCloseTimeout 0", ["WebSocketCloseTimeout"]),
    ("WebSocketAuthCheck", ["WebSocketAuthCheck"]),
    ("WebSocketAuthCheck 500ms", ["WebSocketAuthCheck", "500ms", "1s to 1000h", "Off"]),
    ("WebSocketAuthCheck 60s 1006", ["WebSocketAuthCheck", "1006", "1007 to 1014"]),
    ("WebSocketAuthCheck 60s 1008 10min", ["WebSocketAuthCheck", "10min", "unknown=TIME"]),
    ("WebSocketAuthCheck 60s unknown=never", ["WebSocketAuthCheck", "unknown=never"]),
    ("WebSocketAuthCheck 60s unknown=5s 1008", ["WebSocketAuthCheck", "unknown=5s"]),
    ("WebSocketAuthCheck Off 1008", ["WebSocketAuthCheck", "Off"]),
    ("WebSocketMessageTimeout never", ["WebSocketMessageTimeout", "never", "Off"]),
    ("WebSocketMessageTimeout 500ms", ["WebSocketMessageTimeout", "500ms", "1s to 18h"]),
    ("WebSocketMessageTimeout 19h", ["WebSocketMessageTimeout", "19h", "1s to 18h"]),
    ("WebSocketSendBufferSize big", ["WebSocketSendBufferSize", "big"]),
    ("WebSocketSendBufferSize 0", ["WebSocketSendBufferSize"]),
    ("WebSocketSocketBufferSize big", ["WebSocketSocketBufferSize", "big", "Auto"]),
    ("WebSocketSocketBufferSize 1K", ["WebSocketSocketBufferSize", "1K", "4K to 64M"]),
    ("WebSocketSocketBufferSize 65M", ["WebSocketSocketBufferSize", "65M"]),
    ("WebSocketSocketBufferSize 0", ["WebSocketSocketBufferSize"]),
    ("WebSocketLimit", ["WebSocketLimit", "address or an expression"]),
    ("WebSocketLimit address", ["WebSocketLimit", "address", "connections=N"]),
    ("WebSocketLimit everyone connections=1", ["WebSocketLimit", "everyone", "an expression"]),
    ("WebSocketLimit %{nonsense connections=1", ["WebSocketLimit", "%{nonsense"]),
    ("WebSocketLimit address connections=0", ["WebSocketLimit", "connections=0"]),
    ("WebSocketLimit address connections=101%", ["WebSocketLimit", "connections=101%", "50%"]),
    ("WebSocketLimit address blocking=many", ["WebSocketLimit", "blocking=many"]),
    ("WebSocketLimit address handshakes=10", ["WebSocketLimit", "handshakes=10", "handshakes=N/TIME"]),
    ("WebSocketLimit address handshakes=10/parsec", ["WebSocketLimit", "handshakes=10/parsec"]),
    ("WebSocketLimit address handshakes=10%/s", ["WebSocketLimit", "handshakes=10%/s"]),
    ("WebSocketLimit None connections=1", ["WebSocketLimit", "None"]),
    ("WebSocketMessageRate", ["WebSocketMessageRate", "messages=N/TIME"]),
    ("WebSocketMessageRate slow", ["WebSocketMessageRate", "slow"]),
    ("WebSocketMessageRate messages=10", ["WebSocketMessageRate", "messages=10"]),
    ("WebSocketMessageRate messages=0/s", ["WebSocketMessageRate", "messages=0/s"]),
    ("WebSocketMessageRate bytes=10T/s", ["WebSocketMessageRate", "bytes=10T/s"]),
    ("WebSocketMessageRate messages=10/s close=1000", ["WebSocketMessageRate", "close=1000", "1008"]),
    ("WebSocketMessageRate messages=10/s Off", ["WebSocketMessageRate", "Off"]),
    ("WebSocketMaxAge", ["WebSocketMaxAge", "takes 1-2 arguments"]),
    ("WebSocketMaxAge 10ms", ["WebSocketMaxAge", "10ms", "1s to 1000h"]),
    ("WebSocketMaxAge old", ["WebSocketMaxAge", "old", "expr="]),
    ("WebSocketMaxAge expr=%{nonsense", ["WebSocketMaxAge", "%{nonsense"]),
    ("WebSocketMaxAge 1h 1000", ["WebSocketMaxAge", "1000", "1008"]),
    ("WebSocketChannel", ["WebSocketChannel", "names of channels"]),
    ("WebSocketChannel caf\udce9", ["WebSocketChannel", "1 to 255 bytes of UTF-8"]),
    ("WebSocketChannel caf\udce9-%{REMOTE_USER}", ["WebSocketChannel", "UTF-8"]),
    ('WebSocketChannel "a\tb"', ["WebSocketChannel", "control characters"]),
    ("WebSocketChannel " + "x" * 256, ["WebSocketChannel", "255"]),
    ("WebSocketChannel a %{nonsense", ["WebSocketChannel", "%{nonsense"]),
    ("WebSocketChannelHistory", ["WebSocketChannelHistory", "takes 1-2 arguments"]),
    ("WebSocketChannelHistory many", ["WebSocketChannelHistory", "many", "1000000"]),
    ("WebSocketChannelHistory 10 1ms", ["WebSocketChannelHistory", "1ms", "1s to 1000h"]),
    ("WebSocketChannelPublisher ann", ["WebSocketChannelPublisher", "On or Off", "ann"]),
    ("WebSocketChannelsPerConnection 0", ["WebSocketChannelsPerConnection", "a number from 1 to 10000"]),
    ("WebSocketChannelsPerConnection 10001", ["WebSocketChannelsPerConnection", "10001"]),
    ("WebSocketHook", ["WebSocketHook", "connect, disconnect, subscribe, publish or message, then a URL or None"]),
    ("WebSocketHook connect", ["WebSocketHook", "then a URL or None"]),
    ("WebSocketHook opened http://a/", ["WebSocketHook", "opened", "connect, disconnect"]),
    ("WebSocketHook connect ftp://a/", ["WebSocketHook", "ftp://a/", "http://, https:// nor unix:/path|http://"]),
    ("WebSocketHook connect http://", ["WebSocketHook", "names no host"]),
    ("WebSocketHook connect http://me:word@a/", ["WebSocketHook", "WebSocketHookSecret"]),
    ("WebSocketHook connect http://a/#b", ["WebSocketHook", "fragment"]),
    ("WebSocketHook connect unix:run/app|http://a/", ["WebSocketHook", "a path that begins with /"]),
    ("WebSocketHook connect unix:/run/app|https://a/", ["WebSocketHook", "unix:/path|http://"]),
    ("WebSocketHook connect http://a/ timeout=2min", ["WebSocketHook", "timeout=2min", "1ms to 1min"]),
    ("WebSocketHook connect http://a/ shut", ["WebSocketHook", "shut", "timeout=TIME"]),
    ("WebSocketHook message http://a/ open", ["WebSocketHook", "connect, subscribe and publish only"]),
    ("WebSocketHook connect None open", ["WebSocketHook", "nothing behind None"]),
    ("WebSocketHookSecret", ["WebSocketHookSecret", "takes one argument"]),
    ("WebSocketHookSecret /no/such/file", ["cannot read /no/such/file"]),
    ("WebSocketHookSecret /dev/null", ["/dev/null", "16 to 1024 bytes"]),
    ("WebSocketHookCACertificateFile", ["WebSocketHookCACertificateFile", "takes one argument"]),
    ("WebSocketHookCACertificateFile /no/such/file", ["cannot read /no/such/file"]),
    ("WebSocketHookCACertificateFile /etc/passwd", ["/etc/passwd", "no certificate in PEM"]),
    ("WebSocketChannelMemory", ["WebSocketChannelMemory", "takes one argument"]),
    ("WebSocketChannelMemory 1023K", ["WebSocketChannelMemory", "1023K", "1M to 64G"]),
    ("WebSocketChannelMemory plenty", ["WebSocketChannelMemory", "plenty"]),
    ("WebSocketThreads 0", ["WebSocketThreads", "1"]),
    ("WebSocketThreads four", ["WebSocketThreads", "four"]),
    ("WebSocketThreads 100000", ["WebSocketThreads"]),
    ("WebSocketBlockingThreads -5", ["WebSocketBlockingThreads"]),
    ("WebSocketBlockingThreads x", ["WebSocketBlockingThreads"]),
    ("WebSocketMaxConnections 0", ["WebSocketMaxConnections", "1"]),
    ("WebSocketMaxConnections lots", ["WebSocketMaxConnections", "lots", "Auto"]),
    ("WebSocketMemory", ["WebSocketMemory", "takes one argument"]),
    ("WebSocketMemory 1K", ["WebSocketMemory", "1K", "1M to 16384G, Auto or Off"]),
    ("WebSocketMemory 16385G", ["WebSocketMemory", "16385G"]),
    ("WebSocketMemory 0", ["WebSocketMemory", "Off"]),
    ("WebSocketFilterConnections 0", ["WebSocketFilterConnections", "1 to 4096, or Auto"]),
    ("WebSocketFilterConnections 4097", ["WebSocketFilterConnections", "1 to 4096"]),
    ("WebSocketBackplane", ["WebSocketBackplane", "takes one argument"]),
    ("WebSocketBackplane localhost", ["WebSocketBackplane", "None", "redis://", "nats://"]),
    ("WebSocketBackplane redis://host:0", ["WebSocketBackplane", "redis://[USER@]HOST[:PORT]"]),
    ("WebSocketBackplane redis://:secret@host", ["WebSocketBackplanePasswordFile"]),
    ("WebSocketBackplane redis://a,", ["WebSocketBackplane", "HOST[:PORT][,HOST[:PORT]...]"]),
    ("WebSocketBackplane redis://::1", ["WebSocketBackplane", "an IPv6 address in brackets"]),
    ("WebSocketBackplane unix://run/redis.sock", ["WebSocketBackplane", "unix://[USER@]/PATH[?db=DATABASE]"]),
    ("WebSocketBackplane redis+sentinel://host", ["WebSocketBackplane", "[,HOST[:PORT]...]/MASTER[/DATABASE]"]),
    ("WebSocketBackplane tls://host/1", ["WebSocketBackplane", "tls:// (the same with TLS)"]),
    ("WebSocketBackplanePasswordFile /no/such/file", ["/no/such/file", "No such file"]),
    ("WebSocketBackplanePasswordFile /dev/null", ["/dev/null", "first line"]),
    *[(f"WebSocketBackplane{name}", [f"WebSocketBackplane{name}", "takes one argument"])
      for name in ("CACertificateFile", "CertificateFile", "Verify")],
    *[(f"WebSocketBackplane{name} /no/such/file", ["cannot read /no/such/file", "No such file"])
      for name in ("CACertificateFile", "CertificateFile")],
    ("WebSocketBackplaneVerify Off", ["WebSocketBackplaneVerify", "Certificate or Nothing", "Off"]),
    ("WebSocketBackplanePrefix", ["WebSocketBackplanePrefix", "takes one argument"]),
    *[(f"WebSocketBackplanePrefix {word}", ["WebSocketBackplanePrefix", word, "begins with a letter", "None"])
      for word in ("1site", "a.b", "a:b", "a{b", "x" * 33)],
    ("WebSocketLog", ["WebSocketLog", "takes 1-2 arguments"]),
    ("WebSocketLog /no/such/directory/log", ["WebSocketLog", "directory that exists", "None"]),
    ("WebSocketLog /usr", ["WebSocketLog", "a file in a directory"]),
    ('WebSocketLog "|"', ["WebSocketLog", "|program"]),
    ("WebSocketLog logs/ws.log %Z", ["WebSocketLog", '"%Z"', "%{NAME}W"]),
    ("WebSocketLog logs/ws.log %{size}W", ["WebSocketLog", '"%{size}W"', "messages_in", "close_code"]),
    ("WebSocketLog logs/ws.log %{size", ["WebSocketLog", 'without "}"']),
    ("WebSocketLog logs/ws.log 100%", ["WebSocketLog", "at its end"]),
    ("WebSocketDrainTimeout", ["WebSocketDrainTimeout", "takes one, two or three arguments"]),
    ("WebSocketDrainTimeout 0", ["WebSocketDrainTimeout", "1ms to 1000h"]),
    ("WebSocketDrainTimeout soon", ["WebSocketDrainTimeout", "soon", "ms, s, min, h"]),
    ("WebSocketDrainTimeout 5s wait", ["WebSocketDrainTimeout", "wait", "close or keep"]),
    ("WebSocketDrainTimeout 5s 1000", ["WebSocketDrainTimeout", "1000", "1001, 1012, 1013, or 3000 to 4999"]),
    ("WebSocketDrainTimeout 5s 1012 keep", ["WebSocketDrainTimeout", "1012", "close or keep, and the code"]),
    ("WebSocketDrainTimeout 5s keep 5000", ["WebSocketDrainTimeout", "5000", "3000 to 4999"]),
    ("WebSocketStallWarning", ["WebSocketStallWarning", "takes one argument"]),
    ("WebSocketStallWarning 0", ["WebSocketStallWarning", "1ms to 1000h", "or Off"]),
    ("WebSocketStallWarning On", ["WebSocketStallWarning", "On", "or Off"]),
    ("WebSocketStallTimeout never", ["WebSocketStallTimeout", "never", "ms, s, min, h"]),
    ("WebSocketStallTimeout 1001h", ["WebSocketStallTimeout", "1000h"]),
    ("WebSocketHTTP2 h2", ["WebSocketHTTP2", "On or Off", "h2"]),
]
# Directives where they cannot be.
MISPLACED = [("Location /x", "WebSocketThreads 1"), ("Location /x", "WebSocketMaxConnections 5"),
             ("Location /x", "WebSocketBlockingThreads 5"), ("Location /x", "WebSocketHTTP2 On"),
             ("VirtualHost *", "WebSocketFilterConnections 5"),
             ("VirtualHost *", "WebSocketBackplane None"), ("VirtualHost *", "WebSocketMemory 1M"),
             ("VirtualHost *", "WebSocketBackplanePasswordFile /dev/null"),
             ("VirtualHost *", "WebSocketBackplanePrefix site"),
             ("VirtualHost *", "WebSocketBackplaneCACertificateFile System"),
             ("VirtualHost *", "WebSocketBackplaneCertificateFile None"),
             ("VirtualHost *", "WebSocketBackplaneVerify Nothing"),
             ("VirtualHost *", "WebSocketChannelMemory 1M"),
             ("VirtualHost *", "WebSocketDrainTimeout 5s"),
             ("VirtualHost *", "WebSocketStallWarning 5s"), ("Location /x", "WebSocketStallTimeout 5s"),
             ("VirtualHost *", "WebSocketThreads 1"), ("VirtualHost *", "WebSocketMaxConnections 5"),
             ("VirtualHost *", "WebSocketHandlerCopies None"),
             ("Location /x", "WebSocketHandlerRoot {root}/handlers"),
             ("Location /x", "WebSocketAlias /a /b"),
             ("Location /x", "WebSocketSchemeHeader None"),
             ("Location /x", "WebSocketLog None"),
             ("Location /x", "WebSocketAllowHandlersOutsideRoot On")]
GOOD = """
WebSocketAlias /a /echo
WebSocketAlias /b /echo
WebSocketAllowHandlersOutsideRoot Off
WebSocketHandlerCopies None
WebSocketHandlerCopies copies
WebSocketOrigin Same https://app.example.com http://localhost:8080
WebSocketOrigin https://*.example.com http://localhost:* moz-extension://* capacitor://localhost file://
WebSocketSchemeHeader X-Forwarded-Proto
WebSocketSchemeHeader none
WebSocketLegacyProtocols off
WebSocketMaxMessageSize 1024
WebSocketMaxMessageSize 64K
WebSocketMaxMessageSize 1M
WebSocketMaxMessageSize 1G
WebSocketCompression Off
WebSocketCompression On
WebSocketCompression On context-takeover=client
WebSocketCompression On context-takeover=off level=1 window-bits=9 min-size=256
WebSocketPingInterval Off
WebSocketPingInterval 30
WebSocketPingInterval 500ms
WebSocketPingInterval 30s
WebSocketIdleTimeout Off
WebSocketIdleTimeout 5min
WebSocketIdleTimeout 1h
WebSocketCloseTimeout 5s
WebSocketAuthCheck Off
WebSocketAuthCheck 60
WebSocketAuthCheck 1h 4999
WebSocketAuthCheck 60s unknown=10min
WebSocketAuthCheck 60s 1013 unknown=10min
WebSocketMessageTimeout Off
WebSocketMessageTimeout 18h
WebSocketSendBufferSize 64K
WebSocketSocketBufferSize 4K
WebSocketSocketBufferSize 64M
WebSocketSocketBufferSize auto
WebSocketLimit None
WebSocketLimit address connections=10 blocking=5 handshakes=100/5min
WebSocketLimit ADDRESS connections=50% blocking=100%
WebSocketLimit %{REMOTE_USER} connections=off handshakes=10/s
WebSocketLimit "%{HTTP:X-Key} %{REMOTE_ADDR}" blocking=1
WebSocketMessageRate Off
WebSocketMessageRate messages=100/s
WebSocketMessageRate bytes=1M/10s slow
WebSocketMessageRate messages=100/1min bytes=64K/s close=4000
WebSocketMaxAge Off
WebSocketMaxAge 1h
WebSocketMaxAge 1000h 4001
WebSocketMaxAge expr=%{env:OIDC_CLAIM_exp} 1013
WebSocketChannel news user-%{REMOTE_USER}
WebSocketChannel café "a b" ""
WebSocketChannelHistory 0
WebSocketChannelHistory 1000000 1000h
WebSocketChannelPublisher On
WebSocketChannelPublisher off
WebSocketChannelsPerConnection 1
WebSocketChannelsPerConnection 10000
WebSocketStallWarning Off
WebSocketStallWarning 1ms
WebSocketStallTimeout off
WebSocketStallTimeout 1000h
WebSocketLog logs/ws.log
WebSocketLog logs/ws.log json
WebSocketLog logs/ws.log "%a %u %t %{User-Agent}i %{duration}W %% %>s"
WebSocketLog "|/bin/cat" json
WebSocketLog None
WebSocketDrainTimeout 1ms
WebSocketDrainTimeout 1000h keep
WebSocketDrainTimeout 30 Close
WebSocketDrainTimeout 5s 1012
WebSocketDrainTimeout 5s keep 4999
WebSocketChannelMemory 1M
WebSocketChannelMemory 64G
WebSocketHook connect http://127.0.0.1:8001/hook?a=b timeout=500ms open
WebSocketHook Disconnect https://app.example/
WebSocketHook subscribe https://[::1]:8443 open timeout=1min
WebSocketHook publish unix:/run/app.sock|http://app/hook
WebSocketHook message none
WebSocketHookSecret None
WebSocketHookCACertificateFile system
WebSocketBackplane None
WebSocketBackplaneCACertificateFile system
WebSocketBackplaneCertificateFile none
WebSocketBackplaneVerify certificate
WebSocketThreads 2
WebSocketBlockingThreads 10
WebSocketMaxConnections 100
WebSocketMaxConnections Auto
WebSocketMemory 1M
WebSocketMemory auto
WebSocketMemory Off
""".strip().split("\n")
# Directives that may stand in a <Location> and a <VirtualHost>.
EVERYWHERE = ["WebSocketOrigin Any", "WebSocketLegacyProtocols On", "WebSocketMaxMessageSize 1K",
              "WebSocketCompression On", "WebSocketPingInterval 1s", "WebSocketIdleTimeout 1s",
              "WebSocketCloseTimeout 1s", "WebSocketMessageTimeout 1s", "WebSocketAuthCheck 60s",
              "WebSocketSendBufferSize 1K", "WebSocketSocketBufferSize 4K",
              "WebSocketChannelsPerConnection 5", "WebSocketLimit address connections=5",
              "WebSocketMessageRate messages=5/s", "WebSocketMaxAge 1h", "WebSocketHook connect http://127.0.0.1:1/",
              "WebSocketHookSecret None"]


@pytest.fixture(scope="class")
def config(mpm, running):
    """Checks a configuration without starting it."""
    server = Httpd(mpm, {})

    def check(text):
        server.config = text
        return server.check_config()

    yield check
    shutil.rmtree(server.root)


class TestDirectives:
    @pytest.mark.parametrize("line, words", BAD, ids=[line for line, _ in BAD])
    def test_cws_870_bad_lines(self, config, line, words):
        code, said = config(f"\n\n{line}\n")
        assert code != 0, said
        for word in words:
            assert word in said
        number = int(said.split("on line ")[1].split(" ")[0])
        written = said.split(" of ")[1].split(":")[0]
        assert written.endswith("httpd.conf")
        assert Path(written).read_text(errors="surrogateescape").split("\n")[number - 1] == line

    @pytest.mark.parametrize("section, line", MISPLACED)
    def test_cws_871_misplaced_lines(self, config, section, line):
        code, said = config(f"<{section}>\n{line}\n</{section.split()[0]}>\n")
        assert code != 0 and line.split()[0] in said

    @pytest.mark.parametrize("line", GOOD)
    def test_cws_872_good_lines(self, config, line):
        code, said = config(line + "\n")
        assert code == 0, said

    @pytest.mark.parametrize("line", EVERYWHERE)
    def test_cws_873_allowed_in_sections(self, config, line):
        code, said = config(f"<Location /x>\n{line}\n</Location>\n"
                            f"<VirtualHost *>\n{line}\n</VirtualHost>\n")
        assert code == 0, said

    def test_cws_874_help_texts(self, make_httpd):
        # mod_info lists each directive with its help.
        server = make_httpd("<Location /server-info>\nSetHandler server-info\n</Location>",
                            modules=["info"])
        page = server.get("/server-info?mod_cppwebsocket.cpp").body.decode()
        helps = dict(re.findall(r"<tt>(WebSocket\w+) - <i>([^<]*)</i></tt>", page))
        assert set(helps) >= {line.split()[0] for line in GOOD} | {"WebSocketHandlerRoot"}
        assert all(len(text) > 15 for text in helps.values()), helps

    def test_cws_875_the_manual_has_what_httpd_lists(self, make_httpd):
        """mod_cppwebsocket(5): each directive, and where it may stand."""
        server = make_httpd(start=False)
        server.write_config()
        listed = subprocess.run(server.command("-L"), env=server.environment(), text=True, check=True,
                                stdout=subprocess.PIPE).stdout
        allowed = dict(re.findall(r"^(WebSocket\w+) \(mod_cppwebsocket.c(?:pp)?\)\n(?:\t.*\n)*?\t(Allowed in .*(?:\n\twhen .*)?)$",
                                  listed, re.M))
        manual = subprocess.run([build.SOURCE / "tools/directives-manual", build.SOURCE, "0"], text=True, check=True,
                                stdout=subprocess.PIPE).stdout
        written = {name: (re.search(r"^Context:\s+(.+)", text, re.M)[1], "\nOverride:      AuthConfig\n" in text)
                   for name, text in re.findall(r"^\.SS (WebSocket\w+)\n(.*?)^\.fi", manual, re.M | re.S)}
        assert written.keys() == allowed.keys() and len(written) > 20
        for name, (context, override) in written.items():
            assert ("AuthConfig" in allowed[name]) == override == (".htaccess" in context), (name, allowed[name])
