"""Where a backplane is, and how both sides know each other: TLS, Unix sockets, IPv6, several addresses."""
import os
import signal
import socket
import time

import pytest

from harness import build
from harness.backplane import NATS, REDIS, Nats, Redis
from harness.channel_json import JsonMember, Publisher
from harness.configuration import FEW
from harness.processes import free_port, tree_of
from harness.tls import certificates
from test_236_backplane_refusals import CONFIG, CANNOT, DOWN, UP
from test_260_status import STATUS

pytestmark = pytest.mark.skipif(not REDIS, reason="no redis-server (redis-tools) is installed")

needs_nats = pytest.mark.skipif(not NATS or not (build.MODULE.parent / "cppwebsocket_nats.so").exists(),
                                reason="no nats-server is installed, or built without libnats")
PASSWORD = "correct-horse-battery"


def lines(url, **more):
    return f"{url}\n" + "".join(f"WebSocketBackplane{name} {value}\n" for name, value in more.items())


def our_ca():
    return {"CACertificateFile": certificates().path("ca.crt")}


@pytest.fixture
def start(make_httpd):
    def start(url, files=None, environment=None, **more):
        machine = make_httpd(CONFIG.format(url=lines(url, **more)) + STATUS, mpm_config=FEW, files=files, start=False)
        if environment:
            usual = machine.environment
            machine.environment = lambda: usual() | environment
        machine.start()
        machine.allow_log(f"{DOWN}|{CANNOT}")
        return machine
    return start


def expect_up(*machines, count=2):
    for machine in machines:
        machine.error_log.wait_for(UP, count=count, timeout=20)


def expect_never_up(machine):
    time.sleep(1)
    assert not machine.error_log.find(UP)


def carry(here, there, things, path="kept", *bodies):
    """From one machine to the other, each once and in order."""
    member = things(JsonMember(there, f"/hear-kept/{path}" if path == "kept" else f"/hear/{path}"))
    publisher = things(Publisher(here))
    bodies = bodies or ("a", "b")
    for body in bodies:
        publisher.post(f"/{path}/{path}", body)
    member.wait_for(bodies[-1])
    assert member.messages() == list(bodies)


def combined(folder, name):
    """Certificate and key in one file, as WebSocketBackplaneCertificateFile wants them."""
    file = folder / f"{name}.pem"
    file.write_text("".join(open(certificates().path(f"{name}.{kind}")).read() for kind in ("key", "crt")))
    return file


# --- what httpd -t says -----------------------------------------------------------------------------

LOGIN = "WebSocketBackplanePasswordFile login"
OURS = "WebSocketBackplaneCertificateFile both"


@pytest.mark.parametrize("config, said", [
    ("WebSocketBackplanePasswordFile blanks", "blanks has no user as its second line"),
    (f"WebSocketBackplane redis://a@host\n{LOGIN}", "both name a user"),
    (f"{LOGIN}\nWebSocketBackplane redis://a@host", "both name a user"),
    (f"{LOGIN}\nWebSocketBackplane redis://host", None),
    ("WebSocketBackplaneCACertificateFile login", "login has no certificate in PEM"),
    ("WebSocketBackplaneCACertificateFile {root}/logs", "cannot read"),
    ("WebSocketBackplaneCertificateFile certificate", "certificate has no key in PEM"),
    ("WebSocketBackplaneCertificateFile locked", "locked has a passphrase"),
    (f"{OURS}\nWebSocketBackplane redis://host", "for rediss://, rediss+sentinel:// and tls://"),
    (f"WebSocketBackplane nats://host\n{OURS}", "for rediss://, rediss+sentinel:// and tls://"),
    ("WebSocketBackplane unix:///a\nWebSocketBackplaneVerify Nothing", "for rediss://, rediss+sentinel:// and tls://"),
    ("WebSocketBackplane redis://a\nWebSocketBackplaneCACertificateFile both", "goes in clear"),
    (f"WebSocketBackplane rediss://a,b\n{OURS}\nWebSocketBackplaneVerify Certificate", None),
    (f"WebSocketBackplane redis://a\n{OURS}\nWebSocketBackplane None", "goes in clear"),
], ids=str)
def test_cws_2399_the_configuration_is_checked(mpm, make_httpd, config, said):
    if mpm != "event":
        pytest.skip("the same on every MPM")
    pem = "-----BEGIN {0}-----\nMA==\n-----END {0}-----\n"
    certificate = pem.format("CERTIFICATE")
    code, text = make_httpd(config, start=False, files={
        "login": "secret-word\nchat\n", "blanks": "secret-word\na b\n", "certificate": certificate,
        "both": certificate + pem.format("PRIVATE KEY"),
        "locked": certificate + pem.format("ENCRYPTED PRIVATE KEY")}).check_config()
    assert (said is None) == (code == 0), text
    assert said is None or said in text
    assert "secret-word" not in text


# --- Redis by TLS ---------------------------------------------------------------------------------

def test_cws_2400_redis_by_tls_of_a_known_ca(start, things):
    redis = things(Redis(PASSWORD, tls="server").start())
    machines = [start(f"rediss://localhost:{redis.port}/0", {"password": PASSWORD + "\n"}, PasswordFile="password",
                      **our_ca()) for _ in range(2)]
    expect_up(*machines)
    carry(*machines, things, "kept", "a", "x" * 3_000_000, "b")  # many records, and more than a socket takes
    for machine in machines:
        assert "Nothing" not in machine.error_log.find(UP)[0]
        told = "\n".join(machine.error_log.lines()) + machine.get("/server-status").body.decode()
        for pid in tree_of(machine.process.pid):
            told += open(f"/proc/{pid}/cmdline").read() + open(f"/proc/{pid}/environ", errors="replace").read()
        assert PASSWORD not in told


def test_cws_2401_the_cas_of_the_system_count_by_default(start, things):
    redis = things(Redis(tls="server").start())
    known = start(f"rediss://127.0.0.1:{redis.port}", environment={"SSL_CERT_FILE": certificates().path("ca.crt")})
    expect_up(known)
    unknown = start(f"rediss://127.0.0.1:{redis.port}")
    instead = start(f"rediss://127.0.0.1:{redis.port}", environment={"SSL_CERT_FILE": certificates().path("ca.crt")},
                    CACertificateFile=certificates().path("mallory.crt"))
    for machine in unknown, instead:
        machine.expect_log(f"{CANNOT}.*certificate is not accepted.*WebSocketBackplaneCACertificateFile", 20)
        expect_never_up(machine)


def test_cws_2402_another_hosts_certificate_is_refused(start, things):
    redis = things(Redis(tls="other.test").start())
    for host in "localhost", "127.0.0.1":
        machine = start(f"rediss://{host}:{redis.port}", **our_ca())
        machine.expect_log(f"{CANNOT}.*mismatch.*the host that WebSocketBackplane names", 20)
        expect_never_up(machine)


def test_cws_2403_what_is_not_verified_is_said(start, things):
    redis = things(Redis(tls="mallory").start())
    machine = start(f"rediss://localhost:{redis.port}", Verify="Nothing")
    machine.error_log.wait_for(f"{UP}.*WebSocketBackplaneVerify Nothing", count=2, timeout=20)


def test_cws_2404_a_server_that_wants_a_certificate(start, things, tmp_path):
    redis = things(Redis(tls="server", clients="yes").start())
    without = start(f"rediss://localhost:{redis.port}", **our_ca())
    without.expect_log(f"{CANNOT}.*certificate required.*WebSocketBackplaneCertificateFile", 20)
    stranger = start(f"rediss://localhost:{redis.port}", CertificateFile=combined(tmp_path, "mallory"), **our_ca())
    stranger.expect_log(f"{CANNOT}.*unknown ca.*WebSocketBackplaneCertificateFile", 20)
    for machine in without, stranger:
        expect_never_up(machine)
    expect_up(start(f"rediss://localhost:{redis.port}", CertificateFile=combined(tmp_path, "alice"), **our_ca()))


def test_cws_2405_tls_on_one_side_only(start, things):
    plain, by_tls = things(Redis().start()), things(Redis(tls="server").start())
    machine = start(f"rediss://127.0.0.1:{plain.port}", **our_ca())
    machine.expect_log(f"{CANNOT}.*(does|may) not speak.* at this port", 20)
    machine = start(f"redis://127.0.0.1:{by_tls.port}")
    machine.expect_log(f"{CANNOT}.*(speaks|may speak) TLS.*rediss://", 20)


def test_cws_2406_a_key_of_another_certificate(start, things, tmp_path):
    mixed = tmp_path / "mixed.pem"
    mixed.write_text(open(certificates().path("alice.crt")).read() + open(certificates().path("server.key")).read())
    machine = start(f"rediss://127.0.0.1:{free_port()}", CertificateFile=mixed)
    machine.expect_log(f"{CANNOT}.*the key in WebSocketBackplaneCertificateFile is not that of", 20)


# --- Redis elsewhere than at a host's port ----------------------------------------------------------

def test_cws_2407_a_unix_socket(start, things):
    redis = things(Redis())
    path = redis.root / "redis.sock"
    redis.options = ["--unixsocket", str(path), "--unixsocketperm", "777"]
    redis.start()
    secluded = start(f"unix://{path}")
    if os.geteuid() == 0:  # else the children are who the server is
        secluded.expect_log(f"{CANNOT}.*Permission denied.*httpd's children", 20)
    os.chmod(redis.root, 0o755)
    expect_up(secluded)
    machines = [start(f"unix://{path}?db=2") for _ in range(2)]
    expect_up(*machines)
    carry(*machines, things)
    assert "db2:" in redis.info("keyspace")
    redis.stop(signal.SIGTERM)
    for machine in machines:
        machine.error_log.wait_for(f"{DOWN}.*unix://", count=2, timeout=20)
    redis.start()
    expect_up(*machines, count=4)


def test_cws_2408_no_socket_there(start):
    start("unix:///none/redis.sock").expect_log(f"{CANNOT}.*redis.sock.*No such file", 20)


def test_cws_2409_an_ipv6_address(start, things):
    redis = things(Redis().start())
    expect_up(start(f"redis://[::1]:{redis.port}"))


def test_cws_2410_the_user_in_the_file(start, things):
    redis = things(Redis().start())
    assert redis.ask("ACL", "SETUSER", "chat", "on", f">{PASSWORD}", "~cppws:*", "&cppws:*", "+@all") == "+OK"
    assert redis.ask("ACL", "SETUSER", "default", "off") == "+OK"
    machine = start(f"redis://127.0.0.1:{redis.port}", {"password": f"{PASSWORD}\nchat\n"}, PasswordFile="password")
    expect_up(machine)
    assert PASSWORD not in "\n".join(machine.error_log.lines())


# --- several addresses ------------------------------------------------------------------------------

def test_cws_2411_the_next_address_where_one_does_not_work(start, things):
    old = things(Redis().start())
    new = things(Redis(options=["--replicaof", f"127.0.0.1 {old.port}"]).start())
    url = f"redis://127.0.0.1:{free_port()},127.0.0.1:{old.port},localhost:{new.port}"
    machines = [start(url) for _ in range(2)]
    for machine in machines:
        machine.error_log.wait_for(f"{CANNOT}.*127.0.0.1:.*refused", timeout=20)
        machine.error_log.wait_for(f"{UP}.*, at 127.0.0.1:{old.port}, after", count=2, timeout=20)
    carry(*machines, things, "kept", "a")
    old.stop()
    assert new.ask("REPLICAOF", "NO", "ONE") == "+OK"
    for machine in machines:
        machine.error_log.wait_for(f"{UP}.*, at localhost .*:{new.port}.*, after", count=2, timeout=20)
    carry(*machines, things, "plain", "b")


def test_cws_2412_a_silent_first_address_costs_its_time_once(start, things):
    redis = things(Redis().start())
    silent = things(socket.create_server(("127.0.0.1", 0)))  # accepts, and says nothing
    machine = start(f"redis://127.0.0.1:{silent.getsockname()[1]},127.0.0.1:{redis.port}")
    machine.error_log.wait_for(f"{CANNOT}.*no answer within 5 s", timeout=20)
    expect_up(machine)
    began = time.monotonic()
    assert redis.ask("CLIENT", "KILL", "TYPE", "normal").startswith(":")
    expect_up(machine, count=4)
    assert time.monotonic() - began < 4


# --- NATS -------------------------------------------------------------------------------------------

def nats_by_tls(certificate, more=""):
    path = certificates().path
    return Nats(config=f'tls {{ cert_file: "{path(certificate + ".crt")}", key_file: "{path(certificate + ".key")}"\n'
                       f'{more} }}\n')


@needs_nats
def test_cws_2413_nats_by_tls(start, things):
    nats = things(nats_by_tls("server").start())
    machines = [start(f"tls://{host}:{nats.port}", **our_ca()) for host in ("localhost", "127.0.0.1")]
    expect_up(*machines)
    carry(*machines, things, "plain", "a", "x" * 500_000, "b")


@needs_nats
def test_cws_2414_nats_by_the_systems_cas(start, things):
    nats = things(nats_by_tls("server").start())
    for more in {}, {"CACertificateFile": certificates().path("mallory.crt")}:  # which come beside them
        expect_up(start(f"tls://localhost:{nats.port}", environment={"SSL_CERT_FILE": certificates().path("ca.crt")},
                        **more))
    unknown = start(f"tls://localhost:{nats.port}")
    unknown.expect_log(f"{CANNOT}.*unable to get local issuer.*WebSocketBackplaneCACertificateFile", 20)
    expect_never_up(unknown)
    time.sleep(6)  # it is tried again meanwhile
    assert len(unknown.error_log.find(CANNOT)) == 2, "once a child"


@needs_nats
def test_cws_2415_another_hosts_nats(start, things):
    nats = things(nats_by_tls("other.test").start())
    for host in "localhost", "127.0.0.1":
        machine = start(f"tls://{host}:{nats.port}", **our_ca())
        machine.expect_log(f"{CANNOT}.*mismatch.*the host that WebSocketBackplane names", 20)
        expect_never_up(machine)
    machine = start(f"tls://localhost:{nats.port}", Verify="Nothing")
    machine.error_log.wait_for(f"{UP}.*WebSocketBackplaneVerify Nothing", count=2, timeout=20)


@needs_nats
def test_cws_2416_a_nats_that_wants_a_certificate(start, things, tmp_path):
    nats = things(nats_by_tls("server", f'ca_file: "{certificates().path("ca.crt")}", verify: true').start())
    without = start(f"tls://localhost:{nats.port}", **our_ca())
    without.expect_log(f"{CANNOT}.*WebSocketBackplaneCertificateFile", 20)
    expect_never_up(without)
    expect_up(start(f"tls://localhost:{nats.port}", CertificateFile=combined(tmp_path, "alice"), **our_ca()))


@needs_nats
def test_cws_2417_nats_without_tls_where_it_is_wanted(start, things):
    nats = things(Nats().start())
    machine = start(f"tls://127.0.0.1:{nats.port}", **our_ca())
    machine.expect_log(f"{CANNOT}.*does not speak TLS at this port", 20)
    expect_never_up(machine)


@needs_nats
@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_cws_2418_the_next_nats(start, things, host):
    first, second = [things(Nats(address=host.strip("[]")).start()) for _ in range(2)]
    port = free_port()
    url = f"nats://{host}:{port},{host}:{first.port},{host}:{second.port}"
    machines = [start(url) for _ in range(2)]
    expect_up(*machines)
    carry(*machines, things, "plain", "a")
    first.stop()
    for machine in machines:
        machine.error_log.wait_for(DOWN, count=2, timeout=20)
    expect_up(*machines, count=4)
    carry(*machines, things, "plain", "b")
