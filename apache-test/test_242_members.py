"""How many members the answer to a POST counts: those of all children, and of no dead one."""
import json
import os
import signal
import time

import pytest

from harness.children import spread, stop
from harness.configuration import THREE
from harness.end_points import CONFIG, Talk, handlers  # noqa: F401, a fixture
from harness.raw import CLOSE


def kill_all(httpd):
    """Until they are gone they may accept a connection."""
    killed = set(httpd.children())
    for child in killed:
        os.kill(child, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while killed & set(httpd.children()):
        assert time.monotonic() < deadline, "killed children stay"
        time.sleep(0.02)


class TestMembers(Talk):
    @pytest.fixture
    def several(self, make_httpd):
        return make_httpd(CONFIG, mpm_config=THREE, **self.OPTIONS)

    def count(self, httpd, channel):
        answer = self.post(httpd, channel, "x")
        assert answer.status == 200, answer
        return json.loads(answer.body)["members"]

    def wait_count(self, httpd, channel, count):
        deadline = time.monotonic() + 10
        while (seen := self.count(httpd, channel)) != count:
            assert time.monotonic() < deadline, f"{seen} members, and not {count}"
            time.sleep(0.05)

    def test_cws_242_a_post_counts_the_members_of_all_children(self, several, channel):
        members = spread(several, 3, lambda: several.open(f"/subscribe/{channel}"))
        other = several.open(f"/subscribe/other-{channel}")
        self.wait_members(several, channel, 3)
        assert [self.count(several, channel) for _ in range(6)] == [3] * 6  # whichever child answers
        members.pop().drop()
        self.wait_count(several, channel, 2)
        for each in members:
            each.drop()
        self.wait_count(several, channel, 0)
        assert self.count(several, f"other-{channel}") == 1
        other.drop()

    def test_cws_242_who_was_killed_has_no_members(self, several, channel):
        several.allow_log("exit signal Killed")
        members = spread(several, 3, lambda: several.open(f"/subscribe/{channel}"))
        self.wait_count(several, channel, 3)
        kill_all(several)
        self.wait_count(several, channel, 0)  # asked of the children that have taken their seats
        for each in members:
            each.drop()
        again = several.open(f"/subscribe/{channel}")
        self.wait_count(several, channel, 1)
        again.drop()

    def test_cws_242_a_child_that_stands_still_is_not_waited_for(self, several, channel):
        members = spread(several, 3, lambda: several.open(f"/subscribe/{channel}"))
        self.wait_count(several, channel, 3)
        stopped = several.children()[1:]
        try:
            for child in stopped:
                stop(child)
            assert [self.count(several, channel) for _ in range(5)] == [3] * 5
        finally:
            for child in stopped:
                os.kill(child, signal.SIGCONT)
        for each in members:
            each.drop()

    def test_cws_242_over_a_graceful_restart(self, several, channel):
        member = several.open(f"/subscribe/{channel}")
        self.wait_count(several, channel, 1)
        several.graceful()
        while member.read_frame().opcode != CLOSE:
            pass
        member.drop()
        self.wait_count(several, channel, 0)
        again = several.open(f"/subscribe/{channel}")
        self.wait_count(several, channel, 1)
        again.drop()
