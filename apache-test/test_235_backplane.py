"""Channels between machines: two httpds on this one, with a real Redis or NATS between them."""
import re
import threading
import time

import pytest

from harness import build
from harness.backplane import NATS, REDIS, Nats, Proxy, Redis
from harness.configuration import FEW
from harness.raw import TEXT, frame

pytestmark = [
    pytest.mark.skipif(not REDIS, reason="no redis-server (redis-tools) is installed"),
    pytest.mark.skipif(not NATS, reason="no nats-server is installed"),
]

UP, DOWN, CANNOT = "CWS0038", "CWS0039", "CWS0040"
needs_nats = pytest.mark.skipif(not (build.MODULE.parent / "cppwebsocket_nats.so").exists(),
                                reason="built without libnats")

QUIET = "WebSocketPingInterval Off\n"


class Member:
    """A WebSocket in a room that reads on a thread of its own."""

    def __init__(self, httpd, query="chat&history"):
        self.connection = httpd.open(f"/room?{query}", timeout=60)
        self.texts = []
        self.changed = threading.Condition()
        self.began = None
        while self.began is None:  # the history it wants comes first
            text = self.connection.read_text()
            if re.match("in |recovered ", text):
                self.began = text
            else:
                self.texts.append(text)
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    @property
    def position(self):
        return self.began.split()[1]

    def read(self):
        try:
            while True:
                text = self.connection.read_text()
                with self.changed:
                    self.texts.append(text)
                    self.changed.notify_all()
        except (OSError, AssertionError, ValueError, EOFError):
            pass

    def publish(self, text):
        self.connection.send(frame(TEXT, "+" + text))

    def wait(self, count, timeout=20.0):
        with self.changed:
            if not self.changed.wait_for(lambda: len(self.texts) >= count, timeout):
                raise AssertionError(f"{len(self.texts)} of {count}: ...{self.texts[-5:]}")
            return list(self.texts)

    def close(self):
        self.connection.drop()


def two(make_httpd, url):
    """Two machines, whose children have all found the backplane."""
    machines = [make_httpd(f"{QUIET}WebSocketBackplane {url}", mpm_config=FEW) for _ in range(2)]
    for machine in machines:
        machine.allow_log(f"{UP}|{DOWN}|{CANNOT}")
        machine.error_log.wait_for(UP, count=2, timeout=20)
    return machines


def meet(members, probe="."):
    """Until each has heard from everybody: subscriptions are under way when a member joins."""
    for speaker in members:
        deadline = time.monotonic() + 20
        word = f"{probe}{id(speaker)}"
        while not all(any(word in text for text in member.texts) for member in members):
            assert time.monotonic() < deadline, [member.texts[-3:] for member in members]
            speaker.publish(word)
            time.sleep(0.2)
    time.sleep(0.3)
    for member in members:
        with member.changed:
            member.texts.clear()


def each_once_in_order(texts, publisher, count):
    mine = [int(text.split()[1]) for text in texts if text.startswith(publisher + " ")]
    assert mine == list(range(count)), f"{publisher}: {len(mine)} of {count}, " + str(
        [pair for pair in zip(mine, mine[1:]) if pair[1] != pair[0] + 1][:10])


def expect_others_at_once(a, b, things, options=""):
    for i in range(30):
        channel = f"fresh{i}{options}"
        far = things(Member(a, channel))
        near = b.open(f"/room?{channel}&reserve", timeout=30)
        far.publish("at once")
        while near.read_text() != "at once":
            pass
        near.drop()


class TestRedis:
    @pytest.fixture
    def redis(self, things):
        return things(Redis().start())

    def test_cws_2350_both_directions_in_one_order(self, make_httpd, redis, things):
        a, b = two(make_httpd, f"redis://127.0.0.1:{redis.port}/0")
        members = [things(Member(machine)) for machine in (a, a, b, b)]
        meet(members)
        for i in range(200):
            members[0].publish(f"a {i}")
            members[3].publish(f"b {i}")
        orders = [member.wait(400) for member in members]
        for order in orders:
            each_once_in_order(order, "a", 200)
            each_once_in_order(order, "b", 200)
        assert all(order == orders[0] for order in orders), "one order for all, with history"

    def test_cws_2351_without_history(self, make_httpd, redis, things):
        a, b = two(make_httpd, f"redis://127.0.0.1:{redis.port}/3")
        members = [things(Member(machine, "plain")) for machine in (a, b)]
        meet(members)
        for i in range(100):
            members[0].publish(f"a {i}")
            members[1].publish(f"b {i}")
        for member in members:
            each_once_in_order(member.wait(200), "a", 100)
            each_once_in_order(member.wait(200), "b", 100)
        assert redis.ask("DBSIZE") == ":0", "nothing is kept"

    def test_cws_2352_history_and_resume_on_another_machine(self, make_httpd, redis, things):
        a, b = two(make_httpd, f"redis://127.0.0.1:{redis.port}/0")
        first = things(Member(a))
        for i in range(10):
            first.publish(f"a {i}")
        first.wait(10)
        late = things(Member(b, "chat&history&recent=3"))
        assert late.wait(3) == ["a 7", "a 8", "a 9"]
        assert late.began.startswith("in "), late.began
        position = late.position
        epoch, offset = position.split("-")
        for i in range(10, 15):
            first.publish(f"a {i}")
        late.wait(8)
        back = things(Member(b, f"chat&history&resume={epoch}-{int(offset) - 5}"))
        assert back.began.startswith("recovered "), back.began
        assert back.wait(10)[:10] == [f"a {i}" for i in range(5, 15)]
        lost = things(Member(b, "chat&history&resume=1234-1"))
        assert lost.began.startswith("in "), "another epoch is not recovered"

    def test_cws_2353_a_fresh_member_gets_nothing_old(self, make_httpd, redis, things):
        a, b = two(make_httpd, f"redis://127.0.0.1:{redis.port}/0")
        first = things(Member(a))
        for i in range(10):
            first.publish(f"a {i}")
        first.wait(10)
        late = things(Member(b))
        first.publish("a 10")
        assert late.wait(1) == ["a 10"]

    def test_cws_2363_hears_others_as_soon_as_it_is_open(self, make_httpd, redis, things):
        a, b = two(make_httpd, f"redis://127.0.0.1:{redis.port}/0")
        expect_others_at_once(a, b, things)
        expect_others_at_once(a, b, things, "&history")

    def test_cws_2354_a_cut_under_load_loses_and_doubles_nothing(self, make_httpd, redis, things):
        proxy = things(Proxy(redis.port))
        a, b = two(make_httpd, f"redis://127.0.0.1:{proxy.port}/0")
        # As much as is published while one machine is away must be kept, or it has to be told a gap.
        members = [things(Member(machine, "chat&history=20000")) for machine in (a, b, a, b)]
        meet(members)
        count = 3000  # 6 s at least

        def speak(member, name):
            for i in range(count):
                member.publish(f"{name} {i}")
                time.sleep(0.002)
        speakers = [threading.Thread(target=speak, args=(member, name))
                    for member, name in zip(members, "abcd")]
        for speaker in speakers:
            speaker.start()
        time.sleep(0.5)
        proxy.cut()
        here = len(members[0].texts)
        time.sleep(5)
        assert len(members[0].texts) > here + 100, "each machine goes on by itself"
        proxy.mend()
        for speaker in speakers:
            speaker.join()
        for machine in (a, b):
            machine.expect_log(DOWN)
        for number, member in enumerate(members):
            try:
                texts = member.wait(4 * count, 40)
            except AssertionError:
                lacking = {f"{name} {i}" for name in "abcd" for i in range(count)} - set(member.texts)
                raise AssertionError(f"member {number} lacks {sorted(lacking)[:20]}") from None
            for name in "abcd":
                each_once_in_order(texts, name, count)
        time.sleep(1)
        assert all(len(member.texts) == 4 * count for member in members), "nothing comes twice"

    def test_cws_2355_a_redis_that_stands_still(self, make_httpd, redis, things):
        a, b = two(make_httpd, f"redis://127.0.0.1:{redis.port}/0")
        members = [things(Member(machine)) for machine in (a, b)]
        meet(members)
        redis.pause()
        for i in range(100):
            members[0].publish(f"a {i}")
        a.expect_log(f"{DOWN}.*no answer", 30)
        members[0].wait(100)
        redis.go_on()
        for member in members:
            each_once_in_order(member.wait(100, 30), "a", 100)
        b.allow_log(DOWN)

    def test_cws_2356_a_restarted_redis_begins_a_new_epoch(self, make_httpd, redis, things):
        a, b = two(make_httpd, f"redis://127.0.0.1:{redis.port}/0")
        members = [things(Member(machine, "chat&history&json")) for machine in (a, b)]
        meet(members)
        redis.stop()
        for machine in (a, b):
            machine.expect_log(DOWN)
        mark = [machine.error_log.mark() for machine in (a, b)]
        redis.start()
        for machine, start in zip((a, b), mark):
            machine.error_log.wait_for(UP, start, count=2, timeout=20)
        for i in range(5):
            members[0].publish(f"x{i}x")
        for member in members:
            deadline = time.monotonic() + 20
            while not any("x4x" in text for text in member.texts):
                assert time.monotonic() < deadline, member.texts
                time.sleep(0.05)
            # Nobody knows what the old one had not sent yet.
            told = [found[0] for text in member.texts if (found := re.search("x.x|gap", text))]
            assert told == ["gap"] + [f"x{i}x" for i in range(5)]

    def test_cws_2361_what_does_not_fit_into_the_queue_is_told_as_lost(self, make_httpd, redis,
                                                                       things):
        proxy = things(Proxy(redis.port))
        machines = [make_httpd(f"{QUIET}WebSocketBackplane redis://127.0.0.1:{port}/0\n"
                               "WebSocketChannelMemory 1G", mpm_config=FEW)
                    for port in (proxy.port, redis.port)]
        for machine in machines:
            machine.allow_log(f"{UP}|{DOWN}|{CANNOT}")
            machine.error_log.wait_for(UP, count=2, timeout=20)
        here, there = [things(Member(machine, "chat&history&json&queued=100000000"))
                       for machine in machines]
        meet([here, there])
        proxy.cut()
        machines[0].expect_log(DOWN)
        for i in range(80):  # 20 MB; 16 MiB may wait
            here.publish(f"x{i}x" + "." * 250_000)
        machines[0].expect_log("CWS0041.*no room for more", 20)
        here.wait(80)
        proxy.mend()
        machines[0].expect_log("CWS0041.*have not reached", 30)
        here.publish("last")

        def told(member):
            deadline = time.monotonic() + 20
            while not any('"last"' in text for text in member.texts):
                assert time.monotonic() < deadline, [text[:80] for text in member.texts[-3:]]
                time.sleep(0.05)
            return [found[0] for text in member.texts
                    if (found := re.search(r"x\d+x|gap|last", text[:160]))]
        assert told(here) == [f"x{i}x" for i in range(80)] + ["last"], "it missed nothing"
        got = told(there)
        count = len(got) - 2
        assert 60 < count < 80
        assert got == [f"x{i}x" for i in range(count)] + ["gap", "last"]

    def test_cws_2357_wrong_password(self, make_httpd, things):
        redis = things(Redis(password="a secret").start())
        machine = make_httpd(f"{QUIET}WebSocketBackplane redis://127.0.0.1:{redis.port}\n"
                             "WebSocketBackplanePasswordFile password",
                             files={"password": "not that\n"}, mpm_config=FEW)
        machine.allow_log(CANNOT)
        machine.expect_log(f"{CANNOT}.*WRONGPASS", 20)
        member = things(Member(machine))
        member.publish("here")
        assert member.wait(1) == ["here"], "local delivery goes on"
        time.sleep(2)
        assert len(machine.error_log.find(CANNOT)) <= 2 * 3, "one line a child, not one a try"
        assert not machine.error_log.find("a secret|not that"), "no password in the log"

    def test_cws_2358_right_password_and_database(self, make_httpd, things):
        redis = things(Redis(password="a secret").start())
        machine = make_httpd(f"{QUIET}WebSocketBackplane redis://127.0.0.1:{redis.port}/5\n"
                             "WebSocketBackplanePasswordFile password",
                             files={"password": "a secret\n"}, mpm_config=FEW)
        machine.allow_log(f"{DOWN}|{CANNOT}")  # when Redis is stopped at the end
        machine.error_log.wait_for(f"{UP}.*/5 ", count=2, timeout=20)
        member = things(Member(machine))
        member.publish("here")
        member.wait(1)
        assert redis.ask("DBSIZE") == ":0", "that is database 0"
        assert "db5" in self.keyspace(redis)

    @staticmethod
    def keyspace(redis):
        import socket
        with socket.create_connection(("127.0.0.1", redis.port), 5) as connection:
            connection.sendall(f'AUTH "{redis.password}"\r\nINFO keyspace\r\nQUIT\r\n'.encode())
            return connection.makefile().read()

    def test_cws_2358_user_with_few_rights(self, make_httpd, things):
        # Those that docs/operations.md names.
        rights = ("~cppws:* &cppws:* +@connection +@scripting +@pubsub +@read +@write +info"
                  .split())
        redis = things(Redis().start())
        assert redis.ask("ACL", "SETUSER", "httpd", "reset", "on", ">a secret", *rights) == "+OK"
        machine = make_httpd(f"{QUIET}WebSocketBackplane redis://httpd@127.0.0.1:{redis.port}\n"
                             "WebSocketBackplanePasswordFile password",
                             files={"password": "a secret\n"}, mpm_config=FEW)
        machine.allow_log(f"{DOWN}|{CANNOT}")  # when Redis is stopped at the end
        machine.error_log.wait_for(UP, count=2, timeout=20)
        member = things(Member(machine, "chat&history&recent=10"))
        member.publish("here")
        member.wait(1)
        assert redis.ask("XLEN", "cppws:{chat}:log") == ":1"

    def test_cws_2359_down_at_the_start(self, make_httpd, things):
        redis = things(Redis())
        machine = make_httpd(f"{QUIET}WebSocketBackplane redis://127.0.0.1:{redis.port}", mpm_config=FEW)
        machine.allow_log(DOWN)  # when Redis is stopped at the end
        machine.expect_log(f"{CANNOT}.*refused", 20)
        member = things(Member(machine))
        for i in range(10):
            member.publish(f"a {i}")
        each_once_in_order(member.wait(10), "a", 10)
        redis.start()
        machine.error_log.wait_for(UP, count=2, timeout=30)
        late = things(Member(machine, "chat&history&recent=100"))
        deadline = time.monotonic() + 20
        while redis.ask("XLEN", "cppws:{chat}:log") != ":10":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        member.publish("a 10")
        each_once_in_order(member.wait(11), "a", 11)
        assert late.wait(1)[-1].startswith("a ")

    def test_cws_2360_foreign_keys_and_messages_harm_nothing(self, make_httpd, redis, things):
        redis.ask("SET", "cppws:{chat}:meta", "not a hash")
        a, b = two(make_httpd, f"redis://127.0.0.1:{redis.port}/0")
        member, far = things(Member(a)), things(Member(b, "other"))
        a.allow_log("CWS0042")
        member.publish("here")
        assert member.wait(1) == ["here"]
        a.expect_log("CWS0042.*WRONGTYPE")
        b.allow_log("CWS0043")
        deadline = time.monotonic() + 10
        while not b.error_log.find("CWS0043"):
            assert time.monotonic() < deadline
            redis.ask("PUBLISH", "cppws:0:other", "hello from a script")
            time.sleep(0.05)
        meet([far])
        assert far.texts == []


@needs_nats
class TestNats:
    def test_cws_2370_the_reach(self, make_httpd, things):
        nats = things(Nats().start())
        a, b = two(make_httpd, f"nats://127.0.0.1:{nats.port}")
        members = [things(Member(machine)) for machine in (a, a, b, b)]
        meet(members)
        for i in range(100):
            members[0].publish(f"a {i}")
            members[3].publish(f"b {i}")
        for member in members:
            each_once_in_order(member.wait(200), "a", 100)
            each_once_in_order(member.wait(200), "b", 100)

    def test_cws_2373_hears_others_as_soon_as_it_is_open(self, make_httpd, things):
        nats = things(Nats().start())
        a, b = two(make_httpd, f"nats://127.0.0.1:{nats.port}")
        expect_others_at_once(a, b, things)

    def test_cws_2371_promises_no_resume(self, make_httpd, things):
        nats = things(Nats().start())
        a, b = two(make_httpd, f"nats://127.0.0.1:{nats.port}")
        member = things(Member(a))
        meet([member])
        position = things(Member(a)).position
        member.publish("missed")
        member.wait(1)
        back = things(Member(a, f"chat&history&resume={position}"))
        assert back.began.startswith("in "), back.began

    def test_cws_2372_comes_goes_and_wants_its_token(self, make_httpd, things):
        nats = things(Nats(token="secret"))
        a = make_httpd(f"{QUIET}WebSocketBackplane nats://127.0.0.1:{nats.port}\n"
                       "WebSocketBackplanePasswordFile token", files={"token": "secret\n"},
                       mpm_config=FEW)
        a.allow_log(f"{DOWN}|{CANNOT}")
        member = things(Member(a))
        member.publish("here")
        assert member.wait(1) == ["here"], "local delivery goes on"
        a.expect_log(CANNOT, 30)
        nats.start()
        a.error_log.wait_for(UP, count=2, timeout=30)
        nats.stop()
        a.error_log.wait_for(DOWN, count=2, timeout=30)
        b = make_httpd(f"{QUIET}WebSocketBackplane nats://127.0.0.1:{nats.port}", mpm_config=FEW)
        b.allow_log(CANNOT)
        nats.start()
        a.error_log.wait_for(UP, count=4, timeout=30)
        b.expect_log(CANNOT, 30)
