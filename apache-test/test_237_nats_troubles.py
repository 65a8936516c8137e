"""NATS that refuses: what libnats gives up is begun anew, and what was not sent is not counted as sent."""

import signal
import time

import pytest

from harness import build
from harness.backplane import NATS, Nats
from harness.channel_json import JsonMember, Publisher
from harness.configuration import FEW
from test_260_status import STATUS, expect_status
from test_236_backplane_refusals import CONFIG, CANNOT, DOWN, REFUSED, UP

pytestmark = [
    pytest.mark.skipif(not NATS, reason="no nats-server is installed"),
    pytest.mark.skipif(not (build.MODULE.parent / "cppwebsocket_nats.so").exists(),
                       reason="built without libnats"),
]


def login(password):
    return f"authorization {{ user: httpd, password: {password} }}\n"


def test_cws_2374_a_password_that_was_wrong_for_a_while(make_httpd, things):
    nats = things(Nats(config=login("one")).start())
    machine = make_httpd(CONFIG.format(url=f"nats://httpd@127.0.0.1:{nats.port}\n"
                                       "WebSocketBackplanePasswordFile password"),
                         files={"password": "one\n"}, mpm_config=FEW)
    machine.error_log.wait_for(UP, count=2, timeout=20)
    machine.allow_log(f"{DOWN}|{CANNOT}|{REFUSED}")
    nats.stop()
    nats.configure(login("two"))
    nats.start()
    machine.error_log.wait_for(f"{CANNOT}.*uthori.*WebSocketBackplanePasswordFile", count=2, timeout=40)
    nats.stop()
    nats.configure(login("one"))
    nats.start()
    machine.error_log.wait_for(UP, count=4, timeout=40)


def test_cws_2375_above_max_payload_is_a_gap(make_httpd, things):
    nats = things(Nats(config="max_payload: 100000\n").start())
    here, there = [make_httpd(CONFIG.format(url=f"nats://127.0.0.1:{nats.port}"), mpm_config=FEW)
                   for _ in range(2)]
    for machine in (here, there):
        machine.error_log.wait_for(f"{UP}.*no history", count=2, timeout=20)
        machine.allow_log(f"{DOWN}|{CANNOT}|{REFUSED}")
    member, publisher = things(JsonMember(there, "/hear/plain")), things(Publisher(here))
    publisher.post("/plain/plain", "x" * 200_000)
    member.wait(lambda: member.count("gap") == 1)
    publisher.post("/plain/plain", "small")
    member.wait_for("small")
    here.expect_log(f"{REFUSED}.*max_payload", 20)


def users(rights):
    return ("authorization { users: [\n"
            f"  {{ user: here, password: one, permissions: {{ publish: {{ {rights} }} }} }}\n"
            "  { user: there, password: one }\n] }\n")


def test_cws_2376_what_a_user_may_not_publish_is_not_sent(make_httpd, things):
    nats = things(Nats(config=users('deny: "cppws.plain"')).start())
    here, there = [make_httpd(CONFIG.format(url=f"nats://{user}@127.0.0.1:{nats.port}\n"
                                            "WebSocketBackplanePasswordFile password") + STATUS,
                              files={"password": "one\n"}, mpm_config=FEW)
                   for user in ("here", "there")]
    for machine in (here, there):
        machine.error_log.wait_for(UP, count=2, timeout=20)
        machine.allow_log(f"{DOWN}|{CANNOT}|{REFUSED}")
    publisher = things(Publisher(here))
    plain, other = things(JsonMember(there, "/hear/plain")), things(JsonMember(there, "/hear/other"))
    for i in range(20):
        publisher.post("/plain/plain", str(i))
    publisher.post("/plain/other", "o")
    other.wait_for("o")
    expect_status(here, BackplaneSent=1, BackplaneNotSent=20)
    here.error_log.wait_for(f"{REFUSED}.*Permissions.*cppws.plain.*cppws.>", timeout=20)
    time.sleep(6)  # the loss is tried to be told meanwhile, in vain
    expect_status(here, BackplaneSent=1, BackplaneNotSent=20)
    assert len(here.error_log.find(REFUSED)) <= 2, "once a child"
    assert plain.types() == []

    nats.configure(users('deny: "none"'))
    nats.process.send_signal(signal.SIGHUP)
    plain.wait(lambda: plain.count("gap") == 1)
    deadline = time.monotonic() + 20
    while not plain.messages():
        assert time.monotonic() < deadline
        publisher.post("/plain/plain", "allowed")
        time.sleep(0.5)
