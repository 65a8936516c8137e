"""Some hundred clients that come back at once; crowd.py is for thousands."""
import pytest

from crowd import run


@pytest.mark.parametrize("count", [300])
def test_cws_9371_all_come_back_and_miss_nothing(mpm, count):
    if mpm != "event":
        pytest.skip("the clients are the same")
    took, wrong = run(mpm, count)
    assert wrong == [], took
