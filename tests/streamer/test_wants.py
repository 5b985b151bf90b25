"""Two readers of one symbol need one subscription, and a short pause costs no new one; a slow reader reads the newest."""

import asyncio
from contextlib import aclosing

from core.domain.values import Millis
from core.venues.spec import Topic
from streamer.mailbox import Mailbox
from streamer.wants import Wants

TICKER, BOOK = frozenset({Topic.TICKER}), frozenset({Topic.BOOK})


def test_a_symbol_is_wanted_until_its_last_reader_has_been_gone_for_a_while():
    wants = Wants(1000)
    first, second = wants.add(["A", "A", "B"], TICKER), wants.add(["A"], BOOK)
    assert wants.at(Millis(0)) == {"A": TICKER | BOOK, "B": TICKER}
    wants.drop(first, Millis(0))
    assert wants.at(Millis(999)) == {"A": TICKER | BOOK, "B": TICKER}
    assert wants.at(Millis(1000)) == {"A": BOOK}
    wants.drop(second, Millis(1000))
    assert wants.at(Millis(3000)) == {}


def test_one_who_comes_back_in_time_finds_the_subscription_still_there():
    wants = Wants(1000)
    wants.drop(wants.add(["A"], TICKER), Millis(0))
    again = wants.add(["A"], TICKER)
    assert wants.at(Millis(5000)) == {"A": TICKER}
    wants.drop(again, Millis(5000))
    assert wants.at(Millis(5999)) == {"A": TICKER}


async def test_a_mailbox_keeps_the_newest_of_each_symbol_and_counts_what_was_missed():
    box = Mailbox(frozenset("AB"))
    for symbol, value in (("A", 1), ("B", 2), ("A", 3), ("A", 4)):
        box.put(symbol, value)
    async with aclosing(box.read()) as values:
        assert [await anext(values), await anext(values)] == [4, 2]
        waiting = asyncio.ensure_future(anext(values))
        await asyncio.sleep(0)
        box.put("B", 5)
        assert await waiting == 5
    assert box.conflated == 2
