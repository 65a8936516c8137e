"""The link to Redis is cut for some seconds, and clients come back meanwhile: nothing is lost untold, or twice."""
import pytest

from harness.backplane import REDIS, Proxy, Redis
from harness.channel_json import JsonMember, Publisher
from harness.configuration import FEW
from harness.event_stream import open_stream
from test_236_backplane_refusals import CONFIG, CANNOT, DOWN, UP
from test_260_status import STATUS, expect_status

pytestmark = pytest.mark.skipif(not REDIS, reason="no redis-server (redis-tools) is installed")


@pytest.fixture
def redis(things):
    return things(Redis().start())


@pytest.fixture
def proxy(things, redis):
    return things(Proxy(redis.port))


@pytest.fixture
def machine(make_httpd, proxy):
    made = make_httpd(CONFIG.format(url=f"redis://127.0.0.1:{proxy.port}/0") + STATUS, mpm_config=FEW)
    made.error_log.wait_for(UP, count=2, timeout=20)
    made.allow_log(f"{DOWN}|{CANNOT}")
    return made


def offset(event):
    return int(event["position"].split("-")[1])


def after(event, by=0):
    epoch, number = event["position"].split("-")
    return f"/hear-kept/kept?after={epoch}-{int(number) + by}"


def test_cws_2390_what_is_missed_in_an_outage_comes_after_it(machine, proxy, things):
    publisher = things(Publisher(machine))
    stays = things(JsonMember(machine, "/hear-kept/kept"))
    for i in range(1, 6):
        publisher.post("/kept/kept", f"m{i}")
    stays.wait_for("m5")
    last = stays.events[-1]
    proxy.cut()
    expect_status(machine, BackplanesUp=0)
    for i in range(5, 10):
        publisher.post("/kept/kept", f"n{i}")
    stays.wait_for("n9")
    assert "position" not in stays.events[-1]
    back = things(JsonMember(machine, after(last)))
    assert back.first["recovered"] is False and offset(back.first) == 5
    publisher.post("/kept/kept", "one more")
    stays.wait_for("one more")
    back.wait_for("one more")
    proxy.mend()
    machine.error_log.wait_for(UP, count=4, timeout=20)
    publisher.post("/kept/kept", "end")
    for member in (stays, back):
        member.wait_for("end", 30)
    missed = [f"n{i}" for i in range(5, 10)]
    assert sorted(back.messages()) == sorted([*missed, "one more", "end"]), back.events
    assert [text for text in back.messages() if text in missed] == missed, "in their order"
    assert stays.messages() == [f"m{i}" for i in range(1, 6)] + [*missed, "one more", "end"]
    assert stays.count("gap") == back.count("gap") == 0

    # Whoever got them early has been told their numbers, so that they do not come again.
    positions = [event for event in stays.events if event["type"] == "position"]
    assert offset(positions[-1]) == 11
    again = things(JsonMember(machine, after(positions[-1])))
    again.wait_for("end")
    assert again.messages() == ["end"] and again.first["recovered"] is True
    # Cut off before, it knows them by their ids.
    early = {event["id"] for event in stays.events if "id" in event and "position" not in event}
    late = things(JsonMember(machine, after(last)))
    late.wait_for("end")
    assert {event["id"] for event in late.events if event["data"] != "end"} == early


def test_cws_2392_a_slow_link_is_no_dead_one(make_httpd, redis, things):
    quick = make_httpd(CONFIG.format(url=f"redis://127.0.0.1:{redis.port}/0"), mpm_config=FEW)
    proxy = things(Proxy(redis.port, rate=400_000))
    slow = make_httpd(CONFIG.format(url=f"redis://127.0.0.1:{proxy.port}/0"), mpm_config=FEW)
    for machine in (quick, slow):
        machine.error_log.wait_for(UP, count=2, timeout=20)
        machine.allow_log(f"{DOWN}|{CANNOT}")  # when Redis is stopped at the end
    publisher = things(Publisher(quick))
    for i in range(16):
        publisher.post("/kept/kept", f"m{i}" + "." * 250_000)
    member = things(JsonMember(slow, "/hear-kept/kept?history=16"))
    publisher.post("/kept/kept", "last")
    member.wait_for("last", 60)
    assert not slow.error_log.find(DOWN)
    texts = member.messages()
    assert texts[-1] == "last" and len(set(texts)) == len(texts)
    assert member.count("gap") == 0


def test_cws_2391_in_an_outage_nobody_has_recovered(machine, proxy, things):
    publisher = things(Publisher(machine))
    kept = things(JsonMember(machine, "/hear-kept/kept"))
    plain = things(JsonMember(machine, "/hear/plain"))
    publisher.post("/kept/kept", "a")
    publisher.post("/plain/plain", "a")
    kept.wait_for("a")
    plain.wait_for("a")
    number = plain.events[-1]["position"]
    assert things(JsonMember(machine, after(kept.events[-1]))).first["recovered"] is True
    assert things(JsonMember(machine, f"/hear/plain?after={number}")).first["recovered"] is False, "ever"
    proxy.cut()
    expect_status(machine, BackplanesUp=0)
    assert things(JsonMember(machine, after(kept.events[-1]))).first["recovered"] is False
    with open_stream(machine, "/hear-kept/kept", {"Last-Event-ID": kept.events[-1]["position"]}) as stream:
        assert stream.read()[0].name == "gap"
        assert stream.begun[0]["recovered"] is False
