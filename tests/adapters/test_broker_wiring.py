"""The broker half of the composition root: what paper is told of a day's price limits (E9)."""

from decimal import Decimal as D
from types import SimpleNamespace

import pytest

from core.adapters.broker_wiring import _close
from core.domain.levels import Reference, References
from core.domain.values import DAY, Market, Millis

BEGAN = Millis(1_790_046_000_000)
KNOWN = References(
    market=Market.KRX,
    day=BEGAN,
    at=BEGAN,
    rows={"005930": Reference(1.0, 1.0, 70_000.0, 1.0, 1)},
)


@pytest.mark.parametrize(
    ("known", "symbol", "at", "close"),
    [
        (KNOWN, "005930", BEGAN, D(70_000)),
        (KNOWN, "000660", BEGAN, None),
        (KNOWN, "005930", BEGAN + DAY, None),
        (KNOWN, "005930", BEGAN - 1, None),
        (None, "005930", BEGAN, None),
    ],
)
def test_the_close_before_is_that_of_the_days_references_or_nobody_knows_it(known, symbol, at, close):
    wiring = SimpleNamespace(recent=SimpleNamespace(read=lambda kind, market: known))
    assert _close(wiring, Market.KRX, symbol, at) == close
