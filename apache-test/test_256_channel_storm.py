"""Channels while children are killed, a few times; in full it is channel_storm.py."""
import pytest

from channel_storm import run


def test_cws_268_channels_in_a_storm(mpm, handlers):
    problems, happened = run(mpm, handlers, kills=8, restarts=3, each=1)
    assert problems == [], happened


def test_cws_269_little_memory(mpm, handlers):
    problems, happened = run(mpm, handlers, kills=3, restarts=1, each=1, tight=True)
    assert problems == [], happened


@pytest.mark.soak
@pytest.mark.parametrize("tight", [False, True])
def test_cws_270_a_hundred_kills(mpm, handlers, tight):
    problems, happened = run(mpm, handlers, tight=tight)
    assert problems == [], happened
