"""E1: whoever trades reads a level once within seconds, and never one that it has just written over."""

from core.adapters.memory.shelf import MemoryShelf
from core.adapters.recent import KEPT_MS, RecentShelf
from core.app.remainder import Flattened
from core.domain.levels import SafeSet
from core.domain.values import Market, Millis
from tests.fakes import Counting

UPBIT = Market.UPBIT


class Bench:
    def __init__(self):
        self.at = Millis(1_000)
        self.table = MemoryShelf()
        self.asked = Counting(self.table)
        self.shelf = RecentShelf(self.asked, lambda: self.at)


def level(*symbols):
    return SafeSet(market=UPBIT, at=Millis(1), safe=symbols, excluded=())


def test_a_level_is_read_once_until_it_is_too_old():
    bench = Bench()
    bench.table.write(level("A"))
    assert bench.shelf.read(SafeSet, UPBIT) == bench.shelf.read(SafeSet, UPBIT) == level("A")
    assert bench.asked.calls["read"] == 1
    bench.table.write(level("B"))
    bench.at = Millis(1_000 + KEPT_MS)
    assert bench.shelf.read(SafeSet, UPBIT) == level("B")


def test_that_it_is_not_there_is_kept_as_long():
    bench = Bench()
    assert bench.shelf.read(SafeSet, UPBIT) is None
    bench.table.write(level("A"))
    assert bench.shelf.read(SafeSet, UPBIT) is None
    bench.at = Millis(1_000 + KEPT_MS)
    assert bench.shelf.read(SafeSet, UPBIT) == level("A")


def test_what_is_written_through_it_is_read_at_once():
    bench = Bench()
    assert bench.shelf.read(SafeSet, UPBIT) is None
    bench.shelf.write(level("A"))
    assert bench.shelf.read(SafeSet, UPBIT) == level("A")
    assert bench.shelf.read(SafeSet, Market.KRX) is None


def test_levels_by_tag_are_always_asked_for():
    bench = Bench()
    flat = Flattened(market=UPBIT, day="d", at=Millis(1))
    assert bench.shelf.write_once(flat, "d")
    assert not bench.shelf.write_once(flat, "d")
    assert bench.shelf.read_tagged(Flattened, UPBIT, "d") == flat
    assert bench.asked.calls["read_tagged"] == 1
