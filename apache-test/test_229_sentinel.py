"""Redis with Sentinels: another master is found, nothing is lost untold, nothing comes twice, no number is given again."""
import threading
import time

import pytest

from harness.backplane import REDIS, Redis, Sentinel
from harness.channel_json import JsonMember, Publisher
from harness.configuration import FEW
from harness.processes import free_port
from harness.tls import certificates
from test_236_backplane_refusals import CONFIG, CANNOT, DOWN, UP

pytestmark = pytest.mark.skipif(not REDIS, reason="no redis-server (redis-tools) is installed")

CUT_OFF_S = 2  # between another master's being named and its use


def wait_until(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


class Deployment:
    """A master, a replica that has all, and three Sentinels that know of both and of each other."""

    def __init__(self, things, tls=None):
        more = {"tls": tls} if tls else {}
        by_tls = ["--tls-replication", "yes"] if tls else []
        self.old = things(Redis(options=by_tls, **more).start())
        self.new = things(Redis(options=["--replicaof", f"127.0.0.1 {self.old.port}", *by_tls], **more).start())
        self.sentinels = [things(Sentinel(self.old, **more).start()) for _ in range(3)]
        if tls:
            return
        wait_until(lambda: "state=online" in self.old.info("replication"))
        for sentinel in self.sentinels:
            wait_until(lambda: "slaves=1,sentinels=3" in sentinel.info("sentinel"))

    def url(self, scheme="redis+sentinel", name="main"):
        return f"{scheme}://" + ",".join(f"127.0.0.1:{each.port}" for each in self.sentinels) + f"/{name}"

    def wait_for_switch(self):
        """When the first of them names the other one."""
        wait_until(lambda: any(each.process and each.master_port() == self.new.port for each in self.sentinels))
        return time.monotonic()


@pytest.fixture
def deployment(things):
    return Deployment(things)


@pytest.fixture
def two(make_httpd, deployment):
    machines = [make_httpd(CONFIG.format(url=deployment.url()), mpm_config=FEW) for _ in range(2)]
    for machine in machines:
        machine.error_log.wait_for(f"{UP}.*, at 127.0.0.1:{deployment.old.port}, after", count=2, timeout=20)
        machine.allow_log(f"{DOWN}|{CANNOT}")
    return machines


class Load:
    """Numbers, published at one machine and heard at both, with and without a history."""

    def __init__(self, here, there, things):
        self.publisher = Publisher(here)
        self.members = {(machine, path): things(JsonMember(machine, path))
                        for machine in (here, there) for path in ("/hear-kept/kept", "/hear/plain")}
        self.count, self.running = 0, True
        self.thread = threading.Thread(target=self.run)
        things(self)
        self.thread.start()

    def run(self):
        while self.running:
            for path in "/kept/kept", "/plain/plain":
                self.publisher.post(path, str(self.count))
            self.count += 1
            time.sleep(0.01)

    def end(self):
        last = self.count + 20  # some behind all that was lost
        wait_until(lambda: self.count > last)
        self.close()
        for member in self.members.values():
            member.wait_for(str(self.count - 1), 30)

    def close(self):
        self.running = False
        self.thread.join()
        self.publisher.close()


def expect_whole(member):
    """Each once and in order; where some are missing, that is told."""
    numbers = [(i, int(event["data"])) for i, event in enumerate(member.events) if event["type"] == "message"]
    gaps = [i for i, event in enumerate(member.events) if event["type"] == "gap"]
    for (at, number), (_, following) in zip(numbers, numbers[1:]):
        assert following > number, (number, following)
        assert following == number + 1 or any(gap > at for gap in gaps), (number, following, member.events[-20:])
    positions = [event["position"] for event in member.events if event["type"] == "message" and "position" in event]
    assert len(positions) == len(set(positions)), "a number was given twice"


def expect_back(machines, deployment, switched):
    for machine in machines:
        machine.error_log.wait_for(f"{UP}.*, at 127.0.0.1:{deployment.new.port}, after", count=2, timeout=20)
    assert time.monotonic() - switched < CUT_OFF_S


def epochs(member):
    return {event["position"].split("-")[0] for event in member.events if event.get("position")}


def test_cws_2420_a_master_that_dies(two, deployment, things):
    load = Load(*two, things)
    wait_until(lambda: load.count > 50)
    deployment.old.stop()
    expect_back(two, deployment, deployment.wait_for_switch())
    load.end()
    for member in load.members.values():
        expect_whole(member)
    for machine in two:
        kept = load.members[machine, "/hear-kept/kept"]
        assert len(epochs(kept)) == 2 and kept.count("gap") >= 1


def test_cws_2421_a_failover_by_command_leaves_two_masters(two, deployment, things):
    """The old one answers as before for ten seconds and more."""
    load = Load(*two, things)
    wait_until(lambda: load.count > 50)
    assert deployment.sentinels[0].ask("SENTINEL", "FAILOVER", "main") == "+OK"
    switched = deployment.wait_for_switch()
    expect_back(two, deployment, switched)
    assert "role:master" in deployment.old.info("replication"), "it was left before it was demoted"
    for machine in two:
        machine.error_log.wait_for(f"{DOWN}.*Sentinel 127.0.0.1:.* says that .*:{deployment.new.port} is the master")
    load.end()
    for member in load.members.values():
        expect_whole(member)


def test_cws_2422_a_failover_at_the_master_loses_nothing(mpm, two, deployment, things):
    """For half a minute Sentinels name the old one, which says whose replica it is."""
    if mpm == "prefork":
        pytest.skip("a child that begins meanwhile does not know the old master, and begins an epoch")
    load = Load(*two, things)
    wait_until(lambda: load.count > 50)
    began = time.monotonic()
    assert deployment.old.ask("FAILOVER") == "+OK"
    for machine in two:
        machine.error_log.wait_for(f"{UP}.*, at 127.0.0.1:{deployment.new.port}, after", count=2, timeout=20)
    assert time.monotonic() - began < 10, "a check, and what it takes to be sure"
    load.end()
    for (machine, path), member in load.members.items():
        expect_whole(member)
        if path == "/hear-kept/kept":
            assert member.count("gap") == 0 and len(epochs(member)) == 1
            assert sorted(map(int, member.messages())) == list(range(int(member.messages()[0]), load.count))


def test_cws_2423_a_sentinel_that_was_gone_is_listened_to_again(two, deployment):
    first, *others = deployment.sentinels
    first.stop()
    first.start()
    time.sleep(6)  # until a check
    for sentinel in others:
        sentinel.stop()
    assert first.ask("SENTINEL", "FAILOVER", "main") == "+OK"
    expect_back(two, deployment, deployment.wait_for_switch())


def test_cws_2424_what_no_sentinel_knows(make_httpd, deployment):
    machine = make_httpd(CONFIG.format(url=deployment.url(name="other")), mpm_config=FEW)
    machine.expect_log(f'{CANNOT}.*no Sentinel names a master "other", 127.0.0.1.*No such master', 20)
    machine.allow_log(CANNOT)
    port = free_port()
    machine = make_httpd(CONFIG.format(url=f"redis+sentinel://127.0.0.1:{port}/main"), mpm_config=FEW)
    machine.expect_log(f"{CANNOT}.*no Sentinel names a master .*127.0.0.1:{port}: Connection refused", 20)
    machine.allow_log(CANNOT)
    machine = make_httpd(CONFIG.format(url=f"redis+sentinel://127.0.0.1:{deployment.old.port}/main"), mpm_config=FEW)
    machine.expect_log(f"{CANNOT}.*no Sentinel names a master .*unknown command", 20)
    machine.allow_log(CANNOT)


def test_cws_2425_sentinels_by_tls(make_httpd, things):
    deployment = Deployment(things, tls="server")
    machine = make_httpd(CONFIG.format(
        url=deployment.url("rediss+sentinel") +
        f"\nWebSocketBackplaneCACertificateFile {certificates().path('ca.crt')}"), mpm_config=FEW)
    machine.error_log.wait_for(f"{UP}.*, at 127.0.0.1:{deployment.old.port}, after", count=2, timeout=20)
    machine.allow_log(f"{DOWN}|{CANNOT}")  # they end before it


@pytest.mark.parametrize("sentinels", ["secret-word", None])
def test_cws_2426_the_password_is_for_sentinels_too(make_httpd, things, sentinels):
    """One without a password of its own refuses it, which is no matter."""
    redis = things(Redis("secret-word").start())
    sentinel = things(Sentinel(redis, quorum=1, password=sentinels, master_password="secret-word").start())
    machine = make_httpd(CONFIG.format(url=f"redis+sentinel://127.0.0.1:{sentinel.port}/main\n"
                                       "WebSocketBackplanePasswordFile password"),
                         files={"password": "secret-word\n"}, mpm_config=FEW)
    machine.error_log.wait_for(f"{UP}.*, at 127.0.0.1:{redis.port}, after", count=2, timeout=20)
    assert "secret-word" not in "\n".join(machine.error_log.lines())
    machine.allow_log(f"{DOWN}|{CANNOT}")
