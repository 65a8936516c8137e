"""What Redis refuses, for a while or for good: everything else goes on, and nothing is lost untold."""
import itertools
import re
import threading
import time

import pytest

from harness import build
from harness.backplane import REDIS, Redis
from harness.channel_json import JsonMember, Publisher
from harness.configuration import FEW
from test_900_clients import run_node

pytestmark = pytest.mark.skipif(not REDIS, reason="no redis-server (redis-tools) is installed")

UP, DOWN, CANNOT, REFUSED, HELD = "CWS0038", "CWS0039", "CWS0040", "CWS0042", "CWS0065"
CONFIG = """\
KeepAliveTimeout 60
MaxKeepAliveRequests 0
WebSocketPingInterval Off
WebSocketMaxMessageSize 4194304
WebSocketChannelMemory 1G
WebSocketBackplane {url}
<Location "/plain">
  SetHandler websocket-publish
  Require all granted
</Location>
<Location "/kept">
  SetHandler websocket-publish
  WebSocketChannelHistory 1000 1h
  Require all granted
</Location>
<Location "/hear">
  SetHandler websocket-subscribe
  Require all granted
</Location>
<Location "/hear-kept">
  SetHandler websocket-subscribe
  WebSocketChannelHistory 1000 1h
  Require all granted
</Location>
"""


@pytest.fixture
def redis(things):
    return things(Redis(options=["--enable-protected-configs", "yes"]).start())


@pytest.fixture
def two(make_httpd, redis):
    machines = [make_httpd(CONFIG.format(url=f"redis://127.0.0.1:{redis.port}/0"), mpm_config=FEW)
                for _ in range(2)]
    for machine in machines:
        machine.error_log.wait_for(UP, count=2, timeout=20)
        machine.allow_log(f"{DOWN}|{CANNOT}")  # when Redis is stopped at the end
    return machines


def oom(redis):
    redis.ask("CONFIG", "SET", "maxmemory", "1")
    return lambda: redis.ask("CONFIG", "SET", "maxmemory", "0")


def misconf(redis):
    redis.ask("CONFIG", "SET", "dir", "/proc")
    redis.ask("CONFIG", "SET", "save", "1 1")
    deadline = time.monotonic() + 20
    while not redis.ask("PING").startswith("-MISCONF"):
        assert time.monotonic() < deadline
        redis.ask("SET", "cause", "a save")
        time.sleep(0.1)
    return lambda: redis.ask("CONFIG", "SET", "stop-writes-on-bgsave-error", "no")


def noreplicas(redis):
    redis.ask("CONFIG", "SET", "min-replicas-to-write", "9")
    return lambda: redis.ask("CONFIG", "SET", "min-replicas-to-write", "0")


def noperm(redis):
    redis.ask("ACL", "SETUSER", "default", "-evalsha")
    return lambda: redis.ask("ACL", "SETUSER", "default", "+evalsha")


STATES = [(oom, "OOM.*maxmemory"), (misconf, "MISCONF.*disk"), (noreplicas, "NOREPLICAS"),
          (noperm, "NOPERM.*evalsha.*scripting")]


class TestForAWhile:
    @pytest.mark.parametrize("state, says", STATES, ids=[state.__name__ for state, _ in STATES])
    def test_cws_2364_holds_what_has_history_only(self, two, redis, things, state, says):
        here, there = two
        publisher = things(Publisher(here))
        plain, kept = things(JsonMember(there, "/hear/plain")), things(JsonMember(there, "/hear-kept/kept"))
        end = state(redis)
        for machine in two:
            machine.allow_log(HELD)
        for i in range(20):
            publisher.post("/kept/kept", str(i))
            publisher.post("/plain/plain", str(i))
            time.sleep(0.02)
        plain.wait_for("19")
        assert plain.messages() == [str(i) for i in range(20)]
        assert plain.count("gap") == 0
        here.expect_log(f"{HELD}.*{says}", 20)
        end()
        publisher.post("/kept/kept", "last")
        kept.wait_for("last", 30)
        assert [text for text in kept.messages() if text != "last"] == [str(i) for i in range(20)]
        assert kept.count("gap") == 0
        here.error_log.wait_for(f"{HELD}.*stores again", timeout=20)
        for machine in two:
            assert not machine.error_log.find(DOWN)


class TestForGood:
    def test_cws_2365_what_is_too_large_leaves_a_gap(self, two, redis, things):
        here, there = two
        publisher = things(Publisher(here))
        redis.ask("CONFIG", "SET", "proto-max-bulk-len", "1mb")
        for machine in two:
            machine.allow_log(REFUSED)
        kept, plain = things(JsonMember(there, "/hear-kept/kept")), things(JsonMember(there, "/hear/plain"))
        publisher.post("/kept/kept", "a")
        publisher.post("/kept/kept", "x" * 1_500_000)
        publisher.post("/kept/kept", "b")
        kept.wait_for("b", 40)
        assert kept.types() == ["message", "gap", "message"], kept.types()
        here.expect_log(f"{REFUSED}", 20)
        publisher.post("/plain/plain", "x" * 1_500_000)
        plain.wait(lambda: plain.count("gap") > 0, 30)
        publisher.post("/plain/plain", "c")
        plain.wait_for("c", 30)

    def test_cws_2366_a_foreign_key_stops_its_own_channel_only(self, two, redis, things):
        here, there = two
        publisher = things(Publisher(here))
        redis.ask("SET", "cppws:{bad}:meta", "not a hash")
        here.allow_log(REFUSED)
        good = things(JsonMember(there, "/hear-kept/good"))
        for i in range(10):
            publisher.post("/kept/bad", str(i))
            publisher.post("/kept/good", str(i))
        good.wait_for("9")
        assert good.messages() == [str(i) for i in range(10)]
        here.expect_log(f"{REFUSED}.*WRONGTYPE.*bad.*meta", 20)
        assert not here.error_log.find(DOWN)


class TestCutOff:
    def test_cws_2367_whoever_has_no_history_is_told_once(self, two, redis, things):
        publisher = things(Publisher(two[0]))
        plain = [things(JsonMember(machine, "/hear/plain")) for machine in two]
        kept = [things(JsonMember(machine, "/hear-kept/kept")) for machine in two]
        publisher.post("/kept/kept", "first")
        for member in kept:
            member.wait_for("first")
        for kind in ("normal", "pubsub"):
            redis.ask("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
        for machine in two:
            machine.error_log.wait_for(DOWN, count=2, timeout=20)
            machine.error_log.wait_for(UP, count=4, timeout=20)
        for member in plain:
            member.wait(lambda: member.count("gap") > 0)
        publisher.post("/kept/kept", "last")
        publisher.post("/plain/plain", "last")
        for member in plain + kept:
            member.wait_for("last")
        assert [member.count("gap") for member in plain] == [1, 1]
        assert [member.count("gap") for member in kept] == [0, 0]


class TestTheDocumentedClient:
    def test_cws_2369_comes_back_after_messages_without_a_number(self, two, things):
        here, there = two
        page = (build.SOURCE / "docs/channels.md").read_text()
        client = re.search(r"```js\n(let position = .*?)```", page, re.S)[1]
        client = client.replace("/subscribe/news", "/hear/news")
        publisher = things(Publisher(here))
        stop = threading.Event()

        def publish():
            for number in itertools.count():
                publisher.post("/plain/news", str(number))
                if stop.wait(0.2):
                    return
        thread = threading.Thread(target=publish)
        thread.start()
        try:
            seen = run_node("docs_client.mjs", client, f"127.0.0.1:{there.port}")
        finally:
            stop.set()
            thread.join()
        assert len(seen["shown"]) == 2
