"""What machines that differ say of the same: their clocks, their name servers, what each has heard."""
import json
import socket
import subprocess
import time
import urllib.request

import pytest

from harness import build
from harness.backplane import REDIS, Proxy, Redis
from harness.channel_json import JsonMember, Publisher
from harness.configuration import FEW
from test_236_backplane_refusals import CONFIG, CANNOT, DOWN, UP
from test_260_status import STATUS, expect_status

pytestmark = pytest.mark.skipif(not REDIS, reason="no redis-server (redis-tools) is installed")


@pytest.fixture
def redis(things):
    return things(Redis().start())


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    library = tmp_path_factory.mktemp("world") / "world.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, build.TESTS / "harness/world.c"], check=True)
    return library


@pytest.fixture
def make_machine(make_httpd, world):
    def make(url, **differs):
        machine = make_httpd(CONFIG.format(url=url) + STATUS, mpm_config=FEW, start=False)
        env = machine.environment()
        if differs:
            env.update(differs, LD_PRELOAD=f"{env.get('LD_PRELOAD', '')} {world}".strip())
        machine.environment = lambda: env
        machine.start()
        machine.error_log.wait_for(UP, count=2, timeout=30)
        machine.allow_log(f"{DOWN}|{CANNOT}")
        return machine
    return make


def look(machine, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{machine.port}{path}", timeout=10) as answer:
        return json.load(answer)


def texts(found):
    return [each["data"] for each in found["messages"]]


def test_cws_2333_get_tells_what_all_machines_have(make_machine, redis, things):
    proxy = things(Proxy(redis.port))
    here = make_machine(f"redis://127.0.0.1:{redis.port}")
    there = make_machine(f"redis://127.0.0.1:{proxy.port}")
    publisher = things(Publisher(here))
    words = [f"m{i}" for i in range(1, 11)]
    for word in words:  # nobody has the channel in use anywhere
        publisher.post("/kept/kept", word)
    deadline = time.monotonic() + 10
    while redis.ask("XLEN", "cppws:{kept}:log") != ":10":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    for machine in (here, there):
        for _ in range(6):  # whichever child answers
            found = look(machine, "/kept/kept")
            assert texts(found) == words and found["complete"] is True
            assert found["position"] == found["messages"][-1]["position"]
    positions = [each["position"] for each in found["messages"]]
    page = look(there, f"/kept/kept?after={positions[2]}&limit=3")
    assert texts(page) == ["m4", "m5", "m6"] and page["complete"] is True
    page = look(there, f"/kept/kept?before={positions[5]}&limit=3")
    assert texts(page) == ["m3", "m4", "m5"] and page["complete"] is True
    page = look(there, f"/kept/kept?before={positions[2]}&limit=5")
    assert texts(page) == ["m1", "m2"] and page["complete"] is True
    assert look(there, f"/kept/kept?after={positions[-1]}")["complete"] is True
    assert look(there, "/kept/kept?after=1234-1")["complete"] is False

    proxy.cut()
    expect_status(there, BackplanesUp=0)
    found = look(there, "/kept/kept")
    assert texts(found) == [] and found["complete"] is False, "it does not know"


def test_cws_2334_a_history_larger_than_a_piece(make_machine, redis, things):
    machine = make_machine(f"redis://127.0.0.1:{redis.port}")
    publisher = things(Publisher(machine))
    for i in range(8):
        publisher.post("/kept/kept", str(i) + "x" * 100_000)
    deadline = time.monotonic() + 10
    while redis.ask("XLEN", "cppws:{kept}:log") != ":8":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    found = look(machine, "/kept/kept")
    assert [text[0] for text in texts(found)] == list("01234567") and found["complete"] is True


@pytest.mark.parametrize("ahead", ["-7200", "7200"])
def test_cws_2335_clocks_that_differ_cost_no_history(make_machine, redis, things, ahead):
    here = make_machine(f"redis://127.0.0.1:{redis.port}")
    there = make_machine(f"redis://127.0.0.1:{redis.port}", TEST_CLOCK_SECONDS=ahead)
    for number, (writer, reader) in enumerate([(here, there), (there, here)]):  # of an hour at most
        member, publisher = things(JsonMember(writer, f"/hear-kept/c{number}")), things(Publisher(writer))
        for word in "abc":
            publisher.post(f"/kept/c{number}", word)
        member.wait_for("c")
        back = things(JsonMember(reader, f"/hear-kept/c{number}?after={member.events[0]['position']}"))
        back.wait_for("c")
        assert back.first["recovered"] is True and back.messages() == ["b", "c"]


def test_cws_2336_the_address_that_worked_is_tried_first(make_machine, redis, things):
    with socket.socket() as silent:
        silent.bind(("127.0.0.2", redis.port))
        silent.listen(64)
        machine = make_machine(f"redis://several.test:{redis.port}", TEST_ADDRESSES="127.0.0.2,127.0.0.1")
        began = time.monotonic()
        for kind in ("normal", "pubsub"):
            redis.ask("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
        machine.error_log.wait_for(UP, count=4, timeout=20)
        assert time.monotonic() - began < 4, "the silent one costs five seconds"


def test_cws_2338_what_may_not_be_read_is_not_empty(make_machine, redis, things):
    machine = make_machine(f"redis://127.0.0.1:{redis.port}")
    publisher = things(Publisher(machine))
    publisher.post("/kept/kept", "a")
    member = things(JsonMember(machine, "/hear-kept/kept"))
    publisher.post("/kept/kept", "b")
    member.wait_for("b")
    unknown = look(machine, "/kept/unknown")
    assert unknown["complete"] is True and unknown["messages"] == []
    assert redis.ask("ACL", "SETUSER", "default", "-xrange") == "+OK"
    refused = [look(machine, "/kept/unheard") for _ in range(6)]  # whichever child answers
    assert all(each["complete"] is True for each in refused), "it has no history to be read"
    other = things(Publisher(machine))
    other.post("/kept/unheard", "c")
    deadline = time.monotonic() + 10
    while redis.ask("EXISTS", "cppws:{unheard}:log") != ":1":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    refused = [look(machine, "/kept/unheard") for _ in range(6)]
    assert all(each["complete"] is False for each in refused), refused
    refusal = "CWS0042.*reading a history.*ACL user needs"
    deadline = time.monotonic() + 20
    while not machine.error_log.find(refusal) and time.monotonic() < deadline:  # a child that has no link yet asks nobody
        assert look(machine, "/kept/unheard")["complete"] is False
    machine.expect_log(refusal)
    assert redis.ask("ACL", "SETUSER", "default", "+xrange") == "+OK"
    assert texts(look(machine, "/kept/unheard")) == ["c"]


def test_cws_2337_another_address_that_is_a_master(make_machine, redis, things):
    other = Redis(options=["--bind", "127.0.0.2", "--protected-mode", "no"])
    other.port, other.host = redis.port, "127.0.0.2"
    things(other.start())
    machine = make_machine(f"redis://several.test:{redis.port}", TEST_ADDRESSES="127.0.0.1,127.0.0.2")
    redis.ask("REPLICAOF", "127.0.0.1", "1")
    machine.error_log.wait_for(f"{DOWN}.*is a replica", count=2, timeout=10)
    machine.error_log.wait_for(UP, count=4, timeout=5)
    publisher, member = things(Publisher(machine)), things(JsonMember(machine, "/hear-kept/kept"))
    publisher.post("/kept/kept", "a")
    member.wait_for("a")
    assert redis.ask("EXISTS", "cppws:{kept}:log") == ":0", "it is the other one"
