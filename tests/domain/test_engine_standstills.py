"""What the engine believes of a symbol that stands still, once the line was lost."""

import pytest

from core.domain.events import MarketState
from core.domain.quality import UNITED
from core.domain.values import Instrument, Market, Millis


def state(halted=False, interrupted=False):
    about = Instrument(Market.UPBIT, "KRW-A")
    return MarketState(instrument=about, halted=halted, interrupted=interrupted, code="", seen=Millis(0))


def test_an_interruption_whose_end_may_have_been_missed_is_taken_for_over(desk):
    """E3, D8: KRX tells the end once; a position would be unsaleable on paper for the rest of the day."""
    made = desk.engine()
    made.state(state(interrupted=True))

    made.gap("KRW-B", Millis(0), Millis(5))
    assert made.halted == {"KRW-A"}

    made.gap("KRW-A", Millis(0), Millis(5))
    assert made.halted == frozenset()


@pytest.mark.parametrize("last", [state(halted=True), state(halted=True, interrupted=True)])
def test_a_halt_outlives_a_lost_line_also_one_that_followed_an_interruption(desk, last):
    made = desk.engine()
    made.state(state(interrupted=True))
    made.state(last)

    made.gap("KRW-A", Millis(0), Millis(5))

    assert made.halted == {"KRW-A"}


def test_trades_missing_on_a_line_that_was_up_end_no_interruption(desk):
    made = desk.engine()
    made.state(state(interrupted=True))

    made.gap("KRW-A", Millis(0), Millis(5), UNITED)

    assert made.halted == {"KRW-A"}
