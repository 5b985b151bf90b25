"""Bars by REST without blocking the loop: history for what is newly wanted, and what a gap left out (D6, D8)."""

import asyncio
import threading

import pytest

from core.domain.errors import Refused, Transient
from core.domain.events import Bar
from core.domain.values import MINUTE, SPANS, Instrument, Market
from core.feed.freshness import Gap
from streamer.warmup import Warmup
from tests.streamer.conftest import until


class CountedQuotes:
    """Gives no bars, but says what it was asked for; fails once for each fault it is given."""

    def __init__(self, *faults):
        self.asked, self.faults, self.threads = [], list(faults), set()

    def bars(self, symbol, span, count, until):
        self.threads.add(threading.current_thread().name)
        self.asked.append((symbol, span, count))
        if self.faults:
            raise self.faults.pop()("no")
        return []


@pytest.fixture
async def warming():
    tasks = []

    def start(quotes, bars=200):
        given = []
        warmup = Warmup(quotes, bars, lambda *told: given.append(told), ladder_s=(0.0,), dice=lambda: 0.5)
        tasks.append(asyncio.create_task(warmup.run()))
        return warmup, given

    yield start
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_each_newly_wanted_symbol_gets_every_span_once(warming):
    quotes = CountedQuotes()
    warmup, given = warming(quotes)
    warmup.want(["A", "B"])
    warmup.want(["A", "B"])
    await until(lambda: warmup.done == {"A", "B"})
    warmup.want(["A", "B"])
    assert [told[:2] for told in given] == [(symbol, span) for symbol in "AB" for span in SPANS]
    assert quotes.asked == [(symbol, span, 200) for symbol in "AB" for span in SPANS]
    assert threading.current_thread().name not in quotes.threads


async def test_a_symbol_that_left_and_came_back_is_fetched_anew(warming):
    quotes = CountedQuotes()
    warmup, _ = warming(quotes)
    warmup.want(["A"])
    await until(lambda: warmup.done == {"A"})
    warmup.want([])
    assert warmup.done == set()
    warmup.want(["A"])
    await until(lambda: len(quotes.asked) == 6)


async def test_a_gap_is_filled_with_as_many_bars_as_it_was_long(warming):
    quotes = CountedQuotes()
    warmup, _ = warming(quotes)
    warmup.want(["A"])
    await until(lambda: warmup.done == {"A"})
    warmup.fill(["A", "never warmed"], Gap(0, 7 * 60_000))
    await until(lambda: len(quotes.asked) == 6)
    assert [count for _, _, count in quotes.asked[3:]] == [9, 3, 2]


async def test_what_passes_is_tried_again_and_what_is_refused_is_not(warming):
    passing, refusing = CountedQuotes(Transient), CountedQuotes(Refused)
    first, _ = warming(passing)
    second, _ = warming(refusing)
    first.want(["A"])
    second.want(["A"])
    await until(lambda: first.done == {"A"} and second.done == {"A"})
    assert len(passing.asked) == 4
    assert len(refusing.asked) == 1


async def test_no_history_is_asked_for_where_the_owner_wants_none(warming):
    quotes = CountedQuotes()
    warmup, _ = warming(quotes, bars=0)
    warmup.want(["A"])
    await until(lambda: warmup.done == {"A"})
    assert quotes.asked == []


async def test_a_symbol_dropped_before_its_turn_is_not_fetched(warming):
    quotes = CountedQuotes()
    warmup, _ = warming(quotes)
    warmup.want(["A", "B"])
    warmup.want(["B"])
    await until(lambda: warmup.done == {"B"})
    assert {symbol for symbol, _, _ in quotes.asked} == {"B"}


async def test_two_gaps_of_a_symbol_that_wait_are_filled_as_one_and_the_gap_is_told_healed(warming):
    """D6: also where the first of them could not be filled at once."""
    quotes = ToldQuotes()
    warmup, given = warming(quotes)
    warmup.want(["A"])
    await until(lambda: warmup.done == {"A"})
    healed, given[:] = [], []
    warmup._heal = lambda *told: healed.append(told)
    warmup.fill(["A"], Gap(2 * MINUTE, 3 * MINUTE))
    warmup.fill(["A"], Gap(7 * MINUTE, 8 * MINUTE))
    await until(lambda: len(healed) == 3)
    assert len(quotes.asked) == 6
    assert [bar.opens // MINUTE for bar in given[0][2]] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert healed[0] == ("A", MINUTE, 11 * MINUTE)


class ToldQuotes(CountedQuotes):
    """Knows ten bars."""

    def bars(self, symbol, span, count, until):
        super().bars(symbol, span, count, until)
        coin = Instrument(Market.UPBIT, symbol)
        return [
            Bar(
                instrument=coin, span=span, opens=n * span, open=1.0, high=1.0, low=1.0, close=1.0,
                volume=1.0, value=1.0, seen=11 * MINUTE,
            )
            for n in range(10)
        ]  # fmt: skip


class AtOnce(CountedQuotes):
    """A venue that makes all spans from the same rows."""

    def history(self, symbol, counts):
        self.asked.append((symbol, dict(counts)))
        return {span: [] for span in counts}


async def test_a_venue_that_tells_all_spans_at_once_is_asked_once_for_what_is_read():
    quotes, given, healed = AtOnce(), [], []
    counts = dict(zip(SPANS, (78, 21, 0), strict=True))
    warmup = Warmup(
        quotes, 200, lambda *told: given.append(told[:2]), heal=lambda *told: healed.append(told), counts=counts,
        ladder_s=(0.0,), dice=lambda: 0.5,
    )  # fmt: skip
    running = asyncio.create_task(warmup.run())
    warmup.want(["A"])
    await until(lambda: warmup.done == {"A"})
    warmup.fill(["A"], Gap(0, 7 * 60_000))
    await until(lambda: len(quotes.asked) == 2)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert quotes.asked == [("A", counts), ("A", dict(zip(SPANS, (9, 3, 2), strict=True)))]
    assert given[:3] == [("A", span) for span in SPANS]
    assert healed == []
