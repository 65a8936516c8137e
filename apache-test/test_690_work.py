"""What handlers do without a connection: once in each child, and once in the whole httpd."""
import os
import re
import signal
import time

import pytest

from harness import build

STYLES = pytest.mark.parametrize("name", ["work", "work_blocking"])
PATIENCE = 30


def version(name, number, *more):
    return build.compile_handler(build.TESTS / f"work/{name}_wsh.cpp",
                                 defines=(f'VERSION="{number}"', *more))


@pytest.fixture
def start(make_httpd):
    def make(name, built=None, **options):
        httpd = make_httpd("WebSocketPingInterval Off\n", start=False, **options)
        build.install(built or version(name, 1), httpd.handler_root / f"{name}_wsh.so")
        return httpd.start()
    return make


def told(httpd, what):
    """(version, process) of each line that says so."""
    pattern = rf"CWS0066: work(?:_blocking)?_wsh\.so: {what} of (\d+) in (\d+)"
    return [(int(number), int(child)) for number, child
            in re.findall(pattern, httpd.error_log.read())]


def wait_until(test, what):
    deadline = time.monotonic() + PATIENCE
    while not test():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def order(httpd):
    """The lines about the work of the whole httpd, in the order in which they were written."""
    return re.findall(r"_wsh\.so: httpd (begins|ends) of (\d+) in (\d+)", httpd.error_log.read())


class TestWork:
    @STYLES
    def test_cws_690_in_each_child_and_once_in_httpd_without_a_client(self, start, name):
        httpd = start(name)
        wait_until(lambda: set(httpd.children()) <= {child for _, child in told(httpd, "child begins")},
                   "not every child has begun")
        wait_until(lambda: told(httpd, "httpd begins"), "nobody leads")
        (_, leader), = told(httpd, "httpd begins")
        with httpd.open(f"/{name}") as ws:
            assert ws.read_text() == f"1 in {leader}"
        # Killed: another takes over, and it is one.
        httpd.allow_log(r"AH00052|exit signal Killed|CWS003")
        os.kill(leader, signal.SIGKILL)
        wait_until(lambda: len(told(httpd, "httpd begins")) == 2, "nobody takes over")
        successor = told(httpd, "httpd begins")[1][1]
        assert successor != leader
        with httpd.open(f"/{name}") as ws:
            for _ in range(10):
                assert ws.read_text() == f"1 in {successor}"
        httpd.stop()
        assert told(httpd, "httpd ends") == [(1, successor)]
        begun, ended = told(httpd, "child begins"), told(httpd, "child ends")
        assert set(ended) <= set(begun) and (1, successor) in ended and (1, leader) not in ended

    def test_cws_691_a_graceful_restart_hands_it_over(self, start):
        httpd = start("work")
        wait_until(lambda: told(httpd, "httpd begins"), "nobody leads")
        old = set(httpd.children())
        with httpd.open("/work") as ws:
            ws.read_text()
            httpd.graceful()
            wait_until(lambda: len(told(httpd, "httpd begins")) == 2, "nobody takes over")
        first, second, third = order(httpd)
        assert first[0] == "begins" and second == ("ends", *first[1:]) and third[0] == "begins"
        assert int(third[2]) not in old
        # A child of the old generation that had begun has ended.
        wait_until(lambda: {each for each in told(httpd, "child begins") if each[1] in old}
                   == {each for each in told(httpd, "child ends") if each[1] in old},
                   "the old children have not ended their work")


@pytest.fixture
def on_event(mpm):
    if mpm != "event":
        pytest.skip("nothing here depends on the MPM")


class TestVersions:
    @STYLES
    def test_cws_692_another_version_begins_when_the_former_has_ended(self, on_event, start, name):
        httpd = start(name, one_child=True)
        wait_until(lambda: told(httpd, "httpd begins") and told(httpd, "child begins"), "no work")
        target = httpd.handler_root / f"{name}_wsh.so"
        build.install(version(name, 2), target)
        wait_until(lambda: len(told(httpd, "httpd begins")) == 2, "the new version has not begun")
        child, = httpd.children()
        assert order(httpd) == [("begins", "1", f"{child}"), ("ends", "1", f"{child}"),
                                ("begins", "2", f"{child}")]
        wait_until(lambda: told(httpd, "child begins") == [(1, child), (2, child)], "nor the other")
        # Gone: ended, and unmapped.
        target.unlink()
        wait_until(lambda: (2, child) in told(httpd, "httpd ends"), "it has not ended")
        maps = f"/proc/{child}/maps"
        wait_until(lambda: f"{name}_wsh" not in open(maps).read(), "it is still mapped")

    def test_cws_693_what_it_raises_is_logged_and_it_begins_again(self, on_event, start):
        httpd = start("work", version("work", 1, "RAISES"), one_child=True)
        for pause in (1, 2):
            httpd.expect_log(r"error\].*CWS0066: work_wsh\.so: web_socket_once_per_child raised an "
                             rf"exception: out of order; it is begun again in {pause} s", PATIENCE)
        httpd.allow_log("out of order")
        assert len(told(httpd, "child begins")) >= 2
        assert len(told(httpd, "httpd begins")) == 1

    def test_cws_694_a_file_that_comes_later_begins_with_its_first_client(self, on_event, make_httpd):
        httpd = make_httpd("WebSocketPingInterval Off\n", one_child=True)
        build.install(version("work", 1), httpd.handler_root / "work_wsh.so")
        with httpd.open("/work") as ws:
            assert ws.read_text().startswith("1 in ")
