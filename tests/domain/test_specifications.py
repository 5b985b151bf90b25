"""What a listing says of orders, and what stands in for it where there is no listing (E3)."""

from decimal import Decimal as D

import pytest

from core.domain.events import Listing, Specification
from core.domain.specifications import FINEST, told
from core.domain.values import Instrument, Market, Millis

ROW = Specification(tick=D("0.01"), lot=D("0.00001"), minimum=D(5), maximum=D("Infinity"))


def listing(symbol, specification):
    return Listing(instrument=Instrument(Market.BINANCE, symbol), name=symbol, specification=specification)


@pytest.mark.parametrize("rows", [[], [listing("A", None)]])
def test_a_listing_that_does_not_speak_of_orders_leaves_nothing(rows):
    assert told(rows, Market.UPBIT, Millis(1)) is None


def test_every_symbol_that_is_spoken_of_is_kept():
    found = told([listing("A", ROW), listing("B", None)], Market.BINANCE, Millis(7))

    assert found is not None
    assert (found.market, found.at, found.rows) == (Market.BINANCE, 7, {"A": ROW})


def test_what_stands_in_on_a_tape_refuses_nothing_and_rounds_nothing_that_has_8_decimals():
    assert D("0.00001234") % FINEST.tick == 0 == D("0.12345678") % FINEST.lot
    assert (FINEST.minimum, FINEST.maximum) == (0, D("Infinity"))
