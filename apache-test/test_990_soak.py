"""The soak, small; in full it is soak.py, which the sanitizer presets run; and so is leaving.py."""
import pytest

from leaving import leaving
from soak import soak


def test_cws_990_rude_and_polite_clients(mpm, handlers):
    assert soak(mpm, handlers, connections=400, at_once=100) == []


@pytest.mark.soak
def test_cws_991_five_thousand(mpm, handlers):
    assert soak(mpm, handlers) == []


def test_cws_992_the_manuals_examples_left_in_every_way(mpm):
    assert leaving(mpm, connections=200, at_once=40) == []
