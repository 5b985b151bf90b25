"""D12: p50 and p99 from a fixed histogram are those of the sorted figures, to the millisecond."""

from math import ceil

from hypothesis import given
from hypothesis import strategies as st

from core.domain.events import Beat, Trade
from core.domain.values import Instrument, Market
from core.feed.latency import CEILING_MS, Latency


@given(figures=st.lists(st.integers(-50, 12_000), min_size=1, max_size=200), share=st.floats(0.01, 1.0))
def test_a_quantile_is_the_one_of_the_sorted_figures(figures, share):
    latency = Latency()
    for figure in figures:
        latency.add(figure)

    clamped = sorted(min(max(figure, 0), CEILING_MS) for figure in figures)
    assert latency.quantile(share) == clamped[max(0, ceil(share * len(figures)) - 1)]
    assert latency.count == len(figures)


def test_nothing_measured_is_zero_and_clearing_forgets():
    latency = Latency()
    assert latency.quantile(0.99) == 0.0
    latency.add(7)
    latency.clear()
    assert latency.count == 0
    assert latency.quantile(0.5) == 0.0


@given(st.lists(st.tuples(st.integers(-50, 12_000), st.booleans())))
def test_the_trades_of_a_frame_count_as_each_by_itself_and_states_of_the_venue_do_not(figures):
    stock, at = Instrument(Market.KRX, "005930"), 1_700_000_000_000
    rows = [Trade(stock, 1.0, 1.0, None, at - late, at, replayed=replayed) for late, replayed in figures]
    each, together = Latency(), Latency()
    for late, replayed in figures:
        if not replayed:
            each.add(late)

    assert together.trades([Beat(at), *rows], at) == len(rows)
    assert (together.counts, together.count) == (each.counts, each.count)
