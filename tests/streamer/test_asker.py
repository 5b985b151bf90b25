"""D16: one flight for each symbol, one call for all who ask at once, and every error reaches those who wait for it."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from core.domain.errors import Refused, Transient
from streamer.asker import Asker


class Venue:
    """Answers what it knows; holds its answer back while `held` is set; `trouble` is raised instead."""

    def __init__(self, *known):
        self.known, self.calls, self.trouble = known, [], None
        self.free = threading.Event()
        self.free.set()

    def __call__(self, symbols):
        self.calls.append(list(symbols))
        assert self.free.wait(20)
        if self.trouble:
            raise self.trouble
        return [SimpleNamespace(instrument=SimpleNamespace(symbol=one)) for one in symbols if one in self.known]


@pytest.fixture
def made():
    pool = ThreadPoolExecutor(1)
    yield lambda venue, batch=100: Asker(venue, batch, pool)
    pool.shutdown(wait=False)


async def test_all_symbols_of_one_moment_go_out_in_one_call(made):
    venue = Venue("A", "B")
    asker = made(venue)
    await asyncio.gather(asker.one("A"), asker.one("B"), asker.one("A"))
    assert (venue.calls, asker.shared) == ([["A", "B"]], 1)


async def test_more_symbols_than_a_call_may_name_are_several_calls(made):
    venue = Venue(*"ABCDE")
    assert len(await made(venue, 2).many("ABCDE")) == 5
    assert venue.calls == [["A", "B"], ["C", "D"], ["E"]]


async def test_whoever_comes_while_a_symbol_is_being_asked_for_gets_that_answer(made):
    venue = Venue("A")
    venue.free.clear()
    asker = made(venue)
    first = asyncio.create_task(asker.one("A"))
    while not venue.calls:  # noqa: ASYNC110 - the other side is a thread
        await asyncio.sleep(0.001)
    second = asyncio.create_task(asker.one("A"))
    await asyncio.sleep(0)
    venue.free.set()
    assert await first is await second
    assert len(venue.calls) == 1
    await asker.one("A")
    assert len(venue.calls) == 2


async def test_one_who_gives_up_takes_nobody_s_answer_away(made):
    venue = Venue("A")
    venue.free.clear()
    asker = made(venue)
    impatient, patient = asyncio.create_task(asker.one("A")), asyncio.create_task(asker.one("A"))
    await asyncio.sleep(0)
    impatient.cancel()
    venue.free.set()
    assert (await patient).instrument.symbol == "A"
    with pytest.raises(asyncio.CancelledError):
        await impatient


async def test_an_error_reaches_all_who_wait_and_the_next_question_is_a_new_one(made):
    venue = Venue("A")
    venue.trouble = Transient("down")
    asker = made(venue)
    answers = await asyncio.gather(asker.one("A"), asker.one("A"), return_exceptions=True)
    assert [type(answer) for answer in answers] == [Transient, Transient]
    venue.trouble = None
    assert await asker.one("A")


async def test_a_symbol_that_the_venue_does_not_know_is_refused_and_left_out_of_many(made):
    asker = made(Venue("A"))
    with pytest.raises(Refused, match="NONE"):
        await asker.one("NONE")
    assert [one.instrument.symbol for one in await asker.many(["A", "NONE"])] == ["A"]


async def test_a_fault_of_ours_is_not_taken_for_a_silent_venue(made):
    venue = Venue("A")
    venue.trouble = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        await made(venue).many(["A"])
