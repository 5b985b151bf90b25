"""D6: any frame proves the line, only market data proves the data."""

import pytest

from core.feed.freshness import NEVER, deadline, stale, verdict


@pytest.mark.parametrize(
    ("at", "heard", "fresh", "reason"),
    [
        (10_000, 9_000, 9_000, ""),
        (13_999, 9_000, 9_000, ""),
        (14_000, 9_000, 14_000, "no frame for 5 s"),
        (16_999, 16_000, 9_000, ""),
        (17_000, 16_000, 9_000, "frames but no market data for 8 s"),
        (17_000, 16_000, None, ""),
        (99_000, 1_000, None, "no frame for 98 s"),
    ],
)
def test_a_connection_is_lost_when_the_line_or_the_data_was_silent_too_long(at, heard, fresh, reason):
    assert verdict(at, heard, fresh, 5_000, 8_000) == reason


def test_a_patience_of_nothing_switches_the_check_off():
    assert verdict(10**9, 0, 0, 0, 0) == ""
    assert deadline(5, 0) == NEVER


def test_a_snapshot_is_stale_when_its_patience_is_over():
    """D7"""
    assert not stale(1_000, 5_999, 5_000)
    assert stale(1_000, 6_000, 5_000)
    assert not stale(1_000, 10**9, 0)
