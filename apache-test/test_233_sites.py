"""Several sites, or several versions of this module, on one engine: they have nothing in common."""
import time

import pytest

from harness.backplane import NATS, REDIS, Nats, Redis
from harness.channel_json import JsonMember, Publisher
from harness.configuration import FEW
from test_235_backplane import needs_nats
from test_236_backplane_refusals import CONFIG, CANNOT, DOWN, UP

needs_redis = pytest.mark.skipif(not REDIS, reason="no redis-server (redis-tools) is installed")
ENGINES = [pytest.param(Redis, "redis", marks=needs_redis, id="redis"),
           pytest.param(Nats, "nats", id="nats",
                        marks=[needs_nats, pytest.mark.skipif(not NATS, reason="no nats-server is installed")])]
OTHER_VERSION = "CWS0067"


def machine_of(make_httpd, url, prefix):
    directive = f"\nWebSocketBackplanePrefix {prefix}" if prefix else ""
    machine = make_httpd(CONFIG.format(url=url + directive), mpm_config=FEW)
    machine.error_log.wait_for(UP, count=2, timeout=20)
    machine.allow_log(f"{DOWN}|{CANNOT}")  # when the engine is stopped at the end
    return machine


@pytest.mark.parametrize("engine, scheme", ENGINES)
def test_cws_2330_a_prefix_is_a_site(make_httpd, things, engine, scheme):
    url = f"{scheme}://127.0.0.1:{things(engine().start()).port}"
    sites = [machine_of(make_httpd, url, prefix) for prefix in ("one", "two", None, "one")]
    members = [[things(JsonMember(machine, path)) for path in ("/hear/plain", "/hear-kept/kept")]
               for machine in sites]
    publishers = [things(Publisher(machine)) for machine in sites]
    for number, publisher in enumerate(publishers):
        publisher.post("/plain/plain", f"plain {number}")
        publisher.post("/kept/kept", f"kept {number}")
    expected = [[0, 3], [1], [2], [0, 3]]
    for (plain, kept), numbers in zip(members, expected):
        for number in numbers:
            plain.wait_for(f"plain {number}")
            kept.wait_for(f"kept {number}")
    # What would come over from another site would be there before what is sent through the engine now.
    for publisher in publishers:
        publisher.post("/plain/plain", "end")
        publisher.post("/kept/kept", "end")
    for (plain, kept), numbers in zip(members, expected):
        for kind, member in (("plain", plain), ("kept", kept)):
            member.wait(lambda: member.messages().count("end") == len(numbers))
            got = sorted(text for text in member.messages() if text != "end")
            assert got == [f"{kind} {number}" for number in numbers]
            assert member.count("gap") == 0


@needs_redis
def test_cws_2331_a_site_s_user_needs_its_own_names_only(make_httpd, things):
    redis = things(Redis().start())
    rights = "~cppws:one:* &cppws:one:* +@connection +@scripting +@pubsub +@read +@write +info".split()
    assert redis.ask("ACL", "SETUSER", "httpd", "reset", "on", ">a secret", *rights) == "+OK"
    machine = make_httpd(CONFIG.format(url=f"redis://httpd@127.0.0.1:{redis.port}\n"
                                       "WebSocketBackplanePasswordFile password\n"
                                       "WebSocketBackplanePrefix one"),
                         files={"password": "a secret\n"}, mpm_config=FEW)
    machine.allow_log(f"{DOWN}|{CANNOT}")
    machine.error_log.wait_for(UP, count=2, timeout=20)
    member, publisher = things(JsonMember(machine, "/hear-kept/kept")), things(Publisher(machine))
    publisher.post("/kept/kept", "a")
    member.wait_for("a")
    assert redis.ask("XLEN", "cppws:one:{kept}:log") == ":1"
    assert redis.ask("EXISTS", "cppws:{kept}:log") == ":0"


@needs_redis
def test_cws_2332_another_version_is_told_once(make_httpd, things):
    redis = things(Redis().start())
    machine = machine_of(make_httpd, f"redis://127.0.0.1:{redis.port}", None)
    machine.allow_log(OTHER_VERSION)
    member = things(JsonMember(machine, "/hear/plain"))
    deadline = time.monotonic() + 10
    while not machine.error_log.find(f"{OTHER_VERSION}.*format 9.*format 1"):
        assert time.monotonic() < deadline
        redis.ask("PUBLISH", "cppws:0:plain", "9lt 1 2 3 4 5 6\nfrom tomorrow")
        time.sleep(0.05)
    redis.ask("PUBLISH", "cppws:0:plain", "lt 1 2 3 4 5 6\nfrom yesterday")
    things(Publisher(machine)).post("/plain/plain", "of today")
    redis.ask("PUBLISH", "cppws:0:plain", "1lt 1 2 3 4 0 0\nfrom elsewhere")
    member.wait_for("from elsewhere")
    assert member.messages() == ["of today", "from elsewhere"]
    assert len(machine.error_log.find(OTHER_VERSION)) == 1
