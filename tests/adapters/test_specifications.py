"""What the listing said of each symbol's orders reaches whoever makes them (E3)."""

from decimal import Decimal as D

import pytest

from core.adapters.memory.shelf import MemoryShelf
from core.adapters.specifications import KEPT_MS, Listed
from core.domain.errors import Transient
from core.domain.events import Listing, Specification
from core.domain.specifications import Specifications, told
from core.domain.values import Instrument, Market, Millis

ROW = Specification(tick=D("0.01"), lot=D("0.00001"), minimum=D(5), maximum=D("Infinity"))
FINER = Specification(tick=D("0.001"), lot=D("0.00001"), minimum=D(5), maximum=D("Infinity"))


class Clock:
    at = Millis(1_800_000_000_000)

    def __call__(self):
        return self.at


class Counted:
    """A shelf that counts its readings."""

    def __init__(self):
        self.rows, self.reads = {}, 0

    def read(self, kind, market):
        self.reads += 1
        return Specifications(market=market, at=Millis(1), rows=self.rows) if self.rows else None


def listing(symbol, specification):
    return Listing(instrument=Instrument(Market.BINANCE, symbol), name=symbol, specification=specification)


def test_what_is_written_is_read_back_exactly():
    shelf, clock = MemoryShelf(Clock()), Clock()
    found = told([listing("A", ROW), listing("B", None)], Market.BINANCE, Millis(7))

    shelf.write(found)

    assert found.at == 7
    assert Listed(shelf, Market.BINANCE, clock)("A") == ROW
    assert Listed(shelf, Market.BINANCE, clock)("B") is None


def test_nothing_is_read_before_it_is_needed_and_once_for_many():
    shelf = Counted()
    shelf.rows = {"A": ROW}
    ask = Listed(shelf, Market.BINANCE, Clock())
    assert shelf.reads == 0

    assert [ask("A") for _ in range(5)] == [ROW] * 5
    assert shelf.reads == 1


def test_a_symbol_that_was_missing_is_looked_for_again():
    shelf = Counted()
    ask = Listed(shelf, Market.BINANCE, Clock())
    assert ask("A") is None

    shelf.rows = {"A": ROW}

    assert ask("A") == ROW


@pytest.mark.parametrize("later", [KEPT_MS, -1])
def test_a_process_that_lives_long_sees_a_step_that_has_changed(later):
    shelf, clock = Counted(), Clock()
    shelf.rows = {"A": ROW}
    ask = Listed(shelf, Market.BINANCE, clock)
    assert ask("A") == ROW
    shelf.rows = {"A": FINER}
    clock.at = Millis(clock.at + KEPT_MS - 1)
    assert ask("A") == ROW

    clock.at = Millis(clock.at + 1 if later > 0 else Clock.at - 1)

    assert ask("A") == FINER


def test_a_shelf_that_does_not_answer_is_no_answer():
    class Silent:
        def read(self, kind, market):
            raise Transient("the table does not answer")

    with pytest.raises(Transient):
        Listed(Silent(), Market.BINANCE, Clock())("A")
