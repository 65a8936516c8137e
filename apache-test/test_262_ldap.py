"""A directory server (LDAP) that says who may stay: who is taken out of it, one that is down, one that is silent."""
import os
import signal
import socket
import subprocess
import time

import pytest

from harness.installed import UNPACKED
from harness.processes import free_port
from test_247_asked_again import basic, expect_end

LIBRARIES = {**os.environ, "LD_LIBRARY_PATH": str(UNPACKED / "usr/lib/x86_64-linux-gnu")}
ADMINISTRATOR = "cn=admin,dc=site"
SLAPD = f"""
include {UNPACKED}/etc/ldap/schema/core.schema
modulepath {UNPACKED}/usr/lib/ldap
moduleload back_mdb
pidfile %(root)s/pid
database mdb
suffix dc=site
directory %(root)s/data
rootdn {ADMINISTRATOR}
rootpw admin
"""
ENTRIES = """
dn: dc=site
objectClass: dcObject
objectClass: organization
o: site
dc: site
""" + "".join(f"""
dn: cn={name},dc=site
objectClass: person
cn: {name}
sn: {name}
userPassword: {name}
""" for name in ("ann", "bob"))
CONFIG = """
LogLevel cppwebsocket:info
LDAPCacheTTL 1
LDAPOpCacheTTL 1
LDAPTimeout 1
LDAPConnectionTimeout 1
<Location "/who">
  SetHandler websocket-subscribe
  WebSocketChannel news
  AuthType Basic
  AuthName who
  AuthBasicProvider ldap
  AuthLDAPURL "ldap://127.0.0.1:%d/dc=site?cn"
  AuthLDAPBindDN cn=admin,dc=site
  AuthLDAPBindPassword admin
  Require valid-user
  WebSocketAuthCheck 1s 4001
</Location>
"""


class Directory:
    def __init__(self, root):
        self.root, self.port, self.process = root, free_port(), None
        (root / "data").mkdir()
        (root / "slapd.conf").write_text(SLAPD % {"root": root})
        self.run("sbin/slapadd", "-f", root / "slapd.conf", stdin=ENTRIES)
        self.start()

    def run(self, program, *arguments, stdin=None):
        subprocess.run([UNPACKED / "usr" / program, *arguments], input=stdin, text=True, env=LIBRARIES, check=True,
                       stdout=subprocess.DEVNULL)

    def start(self):
        self.process = subprocess.Popen(
            [UNPACKED / "usr/sbin/slapd", "-h", f"ldap://127.0.0.1:{self.port}", "-f", self.root / "slapd.conf", "-d", "0"],
            env=LIBRARIES, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while True:
            try:
                return socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                assert time.monotonic() < deadline and self.process.poll() is None, "slapd does not listen"
                time.sleep(0.05)

    def remove(self, name):
        self.run("bin/ldapdelete", "-x", "-H", f"ldap://127.0.0.1:{self.port}", "-D", ADMINISTRATOR, "-w", "admin",
                 f"cn={name},dc=site")

    def stop(self):
        self.process.kill()  # SIGCONT is not needed for that
        self.process.wait(20)


@pytest.fixture
def directory(tmp_path):
    made = Directory(tmp_path)
    yield made
    made.stop()


@pytest.fixture
def httpd(make_httpd, directory):
    made = make_httpd(CONFIG % directory.port, modules=("ldap", "authnz_ldap"))
    made.allow_log("AH01617|AH01618|AH01695|AH01696|AH01697")  # refused handshakes: the LDAP module's own lines
    return made


def test_cws_262_who_is_taken_out_is_closed(httpd, directory):
    with httpd.open("/who", headers=basic("ann")) as ann, httpd.open("/who", headers=basic("bob")) as bob:
        assert httpd.ask("/who", headers=basic("bob", "wrong")).status == 401
        time.sleep(2.5)
        directory.remove("bob")
        expect_end(bob, 4001, within=5)  # LDAPCacheTTL and the next question
        httpd.expect_log('CWS0084: no longer allowed, .* 401; closing with 4001: connections: 1, user: "bob"')
        time.sleep(1.5)
        ann.expect_silence(0.5)


@pytest.mark.parametrize("trouble", ["down", "silent"])
def test_cws_262_one_that_does_not_answer_closes_nobody(httpd, directory, trouble):
    with httpd.open("/who", headers=basic("ann")) as ann:
        if trouble == "down":
            directory.stop()
        else:
            directory.process.send_signal(signal.SIGSTOP)
        httpd.expect_log("CWS0085: .* cannot be found out, for it would be answered with 500; left open: connections: 1",
                         timeout=20)
        ann.expect_silence(2)
        if trouble == "down":
            directory.start()
        else:
            directory.process.send_signal(signal.SIGCONT)
        time.sleep(2)
        directory.remove("ann")
        expect_end(ann, 4001, within=20)
        httpd.expect_log("CWS0084: .*401; closing with 4001")
