"""Restarts under load, few and small; in full it is restarts.py."""
import pytest

from restarts import run


def test_cws_995_restarts_under_load(mpm, handlers):
    problems, happened = run(mpm, handlers, restarts=6, plain=80, secure=20, interval=1.5)
    assert problems == [], happened


@pytest.mark.soak
def test_cws_996_fifty_restarts(mpm, handlers):
    problems, happened = run(mpm, handlers)
    assert problems == [], happened
