"""D8: where ids have holes, a trade that did not come is found by the volume that the venue itself counts."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.feed.volumes import CONFIRMED, MOST, Told, Volumes

S = 1_000


class Venue:
    """Trades at random; tickers are heard up to `late` trades before the newest one."""

    def __init__(self, seed, volume=123_456.789):
        self.dice, self.volume, self.at, self.life = random.Random(seed), volume, 0, 1
        self.volumes, self.heard = Volumes(), []

    def second(self, trades, lost=(), late=0):
        """One second of `trades` trades, of which those in `lost` do not come, and the look at its end."""
        counted = [self.volume]
        for n in range(trades):
            quantity = round(self.dice.expovariate(2.0) + 1e-8, 8)
            self.volume = round(self.volume + quantity, 8)
            counted.append(self.volume)
            if n not in lost:
                self.heard.append(quantity)
        shown = counted[max(0, len(counted) - 1 - late)]
        self.at += S
        traded, self.heard = self.heard, []
        return self.volumes.look({"A": Told(self.life, shown, traded)}, self.at)


def settled(seed=1, seconds=12, volume=123_456.789):
    venue = Venue(seed, volume)
    for _ in range(seconds):
        assert venue.second(venue.dice.randint(1, 4)) == []
    return venue


def found_within(venue, seconds):
    for _ in range(seconds):
        if found := venue.second(venue.dice.randint(0, 3)):
            return found
    return []


def test_one_lost_trade_is_found_within_seconds_and_the_gap_begins_before_it():
    venue = settled()
    lost_at = venue.at
    assert venue.second(3, lost={1}) == []
    ((name, gap),) = found_within(venue, 4)
    assert name == "A"
    assert gap.start <= lost_at < gap.end <= lost_at + 5 * S
    assert venue.volumes.missing == 1


def test_it_is_found_where_nothing_trades_any_more():
    venue = settled()
    venue.second(1, lost={0})
    assert any(venue.second(0) for _ in range(4))


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 10**9), volume=st.floats(0.0, 1e9))
def test_where_nothing_is_lost_nothing_is_found_however_far_tickers_are_behind(seed, volume):
    venue = Venue(seed, round(volume, 8))
    for _ in range(60):
        assert venue.second(venue.dice.randint(0, 6), late=venue.dice.randint(0, 2)) == []


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_whatever_is_lost_is_found(seed):
    venue = settled(seed, seconds=15)
    trades = venue.dice.randint(1, 5)
    venue.second(trades, lost=set(venue.dice.sample(range(trades), venue.dice.randint(1, trades))))
    assert found_within(venue, 6)


def test_two_trades_in_another_order_are_no_gap():
    venue = settled()
    venue.heard.append(0.5)
    venue.volume = round(venue.volume + 0.25, 8)  # the ticker counts the second of the two first
    assert venue.second(0) == []
    venue.heard.append(0.25)
    venue.volume = round(venue.volume + 0.5, 8)
    for _ in range(6):
        assert venue.second(2) == []


def test_a_venue_that_counts_otherwise_is_never_accused():
    venue = Venue(3)
    for _ in range(60):
        venue.volume += 0.001  # as where what it counts is not what it streams
        assert venue.second(2) == []


@pytest.mark.parametrize("change", ["life", "day", "unknown", "forgotten"])
def test_a_new_connection_a_new_day_and_what_is_known_already_begin_it_anew(change):
    venue = settled()
    match change:
        case "life":
            venue.life += 1
        case "day":
            venue.volume = 0.5
        case "forgotten":
            venue.volumes.forget(["A", "B"])
        case "unknown":
            venue.volumes.look({"A": Told(1, venue.volume, None)}, venue.at + 1)
    venue.volume += 7.0
    for _ in range(3 * CONFIRMED):
        assert venue.second(2) == []
    venue.second(2, lost={0})
    assert found_within(venue, 5)


def test_a_ticker_that_does_not_come_any_more_accuses_nobody_and_keeps_no_more_than_it_must():
    venue = settled()
    still = venue.volume
    for n in range(MOST // 100 + 2):
        traded = [0.5] * 100
        assert venue.volumes.look({"A": Told(1, still, traded)}, venue.at + n * S) == []
    assert len(venue.volumes._rows["A"].sums) < MOST + 1


def test_where_two_runs_of_trades_fit_both_are_kept_until_one_does_not():
    volumes, told = Volumes(), [10.0, 10.5, 11.0, 11.7, 11.7]
    traded = [[], [0.5, 0.5], [], [0.7], []]
    for n, (volume, new) in enumerate(zip(told, traded, strict=True)):
        assert volumes.look({"A": Told(1, volume, new)}, n * S) == []
    row = volumes._rows["A"]
    assert (row.bases, row.sums, row.misses) == ([11.7], [0.0], 0)


def test_before_the_first_ticker_there_is_nothing_to_judge():
    volumes = Volumes()
    for at in range(0, 5 * S, S):
        assert volumes.look({"A": Told(1, 0.0, [1.0])}, at) == []
    assert volumes.look({}, 5 * S) == []
