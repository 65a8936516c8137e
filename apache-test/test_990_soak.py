"""The soak, small; in full it is soak.py, which the sanitizer presets run."""
import pytest

from soak import soak


def test_cws_990_rude_and_polite_clients(mpm, handlers):
    assert soak(mpm, handlers, connections=400, at_once=100) == []


@pytest.mark.soak
def test_cws_991_five_thousand(mpm, handlers):
    assert soak(mpm, handlers) == []
