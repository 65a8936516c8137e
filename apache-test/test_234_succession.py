"""A Redis that another one succeeds, or that becomes a replica: it is left, and what is whole goes on."""
import time

import pytest

from harness.backplane import REDIS, Proxy, Redis
from harness.channel_json import JsonMember, Publisher
from harness.configuration import FEW
from test_236_backplane_refusals import CONFIG, CANNOT, DOWN, UP
from test_260_status import STATUS, expect_status

pytestmark = pytest.mark.skipif(not REDIS, reason="no redis-server (redis-tools) is installed")

REPLICA = "READONLY it is a replica of .*let WebSocketBackplane name its master"


@pytest.fixture
def old(things):
    return things(Redis().start())


@pytest.fixture
def new(things, old):
    """A replica of the old one that has all."""
    made = things(Redis(options=["--replicaof", f"127.0.0.1 {old.port}"]).start())
    deadline = time.monotonic() + 20
    while "state=online" not in old.info("replication"):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return made


@pytest.fixture
def proxy(things, old):
    """The address of the master, whoever that is."""
    return things(Proxy(old.port))


@pytest.fixture
def two(make_httpd, proxy):
    machines = [make_httpd(CONFIG.format(url=f"redis://127.0.0.1:{proxy.port}/0") + STATUS, mpm_config=FEW)
                for _ in range(2)]
    for machine in machines:
        machine.error_log.wait_for(UP, count=2, timeout=20)
        machine.allow_log(f"{DOWN}|{CANNOT}")
    return machines


def post_some(publisher, words):
    for word in words:
        publisher.post("/kept/kept", word)


def wait_for_up(machines, count):
    for machine in machines:
        machine.error_log.wait_for(UP, count=count, timeout=30)


def epochs(member):
    return {event["position"].split("-")[0] for event in member.events if "position" in event}


def test_cws_2393_a_demoted_one_is_left_at_once(two, old, things):
    here, there = two
    publisher = things(Publisher(here))
    kept, plain = things(JsonMember(there, "/hear-kept/kept")), things(JsonMember(there, "/hear/plain"))
    post_some(publisher, "ab")
    kept.wait_for("b")
    old.ask("REPLICAOF", "127.0.0.1", "1")
    for machine in two:  # nobody publishes: it has to be noticed all the same
        machine.error_log.wait_for(f"{DOWN}.*{REPLICA}", count=2, timeout=10)
        expect_status(machine, BackplanesUp=0)
    post_some(publisher, "cd")
    publisher.post("/plain/plain", "not there")
    time.sleep(6)  # it is tried again meanwhile
    for machine in two:
        assert len(machine.error_log.find(REPLICA)) == 2, "once a child"
    old.ask("REPLICAOF", "NO", "ONE")
    wait_for_up(two, 4)
    post_some(publisher, "e")
    kept.wait_for("e")
    assert kept.messages() == list("abcde")
    assert kept.count("gap") == 0 and len(epochs(kept)) == 1
    plain.wait(lambda: plain.count("gap") > 0)
    assert plain.types() == ["gap"]


def test_cws_2394_readonly_is_asked_about(two, old, things):
    publisher = things(Publisher(two[0]))
    post_some(publisher, "a")
    old.ask("REPLICAOF", "127.0.0.1", "1")
    began = time.monotonic()
    post_some(publisher, "b")
    two[0].error_log.wait_for(f"{DOWN}.*{REPLICA}", timeout=10)
    assert time.monotonic() - began < 4, "not at the next check"
    old.ask("REPLICAOF", "NO", "ONE")


def test_cws_2368_a_replica_is_named_as_one(make_httpd, old, new):
    machine = make_httpd(CONFIG.format(url=f"redis://127.0.0.1:{new.port}/0") + STATUS, mpm_config=FEW)
    machine.allow_log(f"{DOWN}|{CANNOT}")
    machine.expect_log(f"{CANNOT}.*is a replica of 127.0.0.1:{old.port}.*WebSocketBackplane", 30)
    expect_status(machine, BackplanesUp=0)
    new.ask("REPLICAOF", "NO", "ONE")
    machine.error_log.wait_for(UP, count=2, timeout=20)


def test_cws_2395_a_clean_failover_keeps_the_history(mpm, two, old, new, proxy, things):
    if mpm == "prefork":
        pytest.skip("a child that begins meanwhile does not know the old master, and begins an epoch")
    publisher = things(Publisher(two[0]))
    member = things(JsonMember(two[1], "/hear-kept/kept"))
    post_some(publisher, "abc")
    member.wait_for("c")
    first = member.events[0]["position"]
    proxy.target = new.port
    assert old.ask("FAILOVER", "TO", "127.0.0.1", str(new.port)) == "+OK"
    for machine in two:
        machine.error_log.wait_for(f"{DOWN}.*{REPLICA}", count=2, timeout=10)
    post_some(publisher, "d")
    wait_for_up(two, 4)
    post_some(publisher, "ef")
    member.wait_for("f")
    assert member.messages() == list("abcdef")
    assert member.count("gap") == 0 and len(epochs(member)) == 1
    back = things(JsonMember(two[0], f"/hear-kept/kept?after={first}"))
    back.wait_for("f")
    assert back.first["recovered"] and back.messages() == list("bcdef")


def test_cws_2396_what_may_be_lost_is_a_gap(two, old, new, proxy, things):
    publisher = things(Publisher(two[0]))
    member = things(JsonMember(two[1], "/hear-kept/kept"))
    post_some(publisher, "a")
    member.wait_for("a")
    old.stop()
    new.ask("REPLICAOF", "NO", "ONE")
    proxy.target = new.port
    wait_for_up(two, 4)
    post_some(publisher, "b")
    member.wait_for("b")
    assert member.types() == ["message", "gap", "message"] and len(epochs(member)) == 2


def test_cws_2397_there_and_back_with_a_loss_is_a_gap(two, old, new, proxy, things):
    """The same process, but the other's data: it gives no number again that it has forgotten."""
    publisher = things(Publisher(two[0]))
    member = things(JsonMember(two[1], "/hear-kept/kept"))
    post_some(publisher, "a")
    member.wait_for("a")
    deadline = time.monotonic() + 20
    while new.ask("XLEN", "cppws:{kept}:log") != ":1":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    new.ask("REPLICAOF", "NO", "ONE")
    post_some(publisher, "b")  # which the new one lacks
    member.wait_for("b")
    old.ask("REPLICAOF", "127.0.0.1", str(new.port))
    while old.ask("XLEN", "cppws:{kept}:log") != ":1":
        assert time.monotonic() < deadline + 20
        time.sleep(0.05)
    old.ask("REPLICAOF", "NO", "ONE")
    time.sleep(5.5)  # longer than from one check of it to the next
    post_some(publisher, "c")
    member.wait_for("c")
    assert member.types() == ["message", "message", "gap", "message"], member.events
