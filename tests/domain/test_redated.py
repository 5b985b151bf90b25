"""B6, D8: what a venue tells of single days reaches the cuts of candles, not only the hours of trading."""

from datetime import datetime

import pytest

from core.domain.engine import Engine
from core.domain.events import Bar, Trade
from core.domain.policies import DayPolicy, MarketPolicy, RestPolicy, StreamPolicy
from core.domain.sessions import following
from core.domain.values import KST, MINUTE, Instrument, Market, Millis
from core.venues.kis.calendar import calendar

STOCK = Instrument(Market.KRX, "005930")
POLICY = MarketPolicy(rest=RestPolicy(url="https://x"), stream=StreamPolicy(url="wss://x"))
SATURDAY = "2026-11-21"


def at(text):
    return Millis(int(datetime.fromisoformat(f"{text}+00:00").timestamp() * 1000) - KST)


class Told:
    """An engine on KRX's calendar, which hears of single days as the market goes on."""

    def __init__(self):
        self.days = calendar(DayPolicy())
        self.engine = Engine(Market.KRX, POLICY, lambda symbol: "", days=following(lambda: self.days))
        self.total = 0

    def tell(self, days):
        self.days = calendar(DayPolicy(), days)
        self.engine.redate()

    def trade(self, text, price):
        self.total += 1
        when = at(text)
        self.engine.step(
            Trade(instrument=STOCK, price=price, quantity=1.0, taker=None, at=when, seen=when, sequence=self.total)
        )

    @property
    def average(self):
        return self.engine.snapshot("005930").candles.average()


@pytest.mark.parametrize(("days", "average"), [({}, 200.0), ({SATURDAY: True}, 300.0)])
def test_an_extra_open_day_ends_the_day_before_it(days, average):
    """On Friday evening nobody knew; Monday's trades are averaged with Saturday's only where that was no day."""
    told = Told()
    told.trade("2026-11-20 18:00", 100.0)
    told.tell(days)
    told.trade("2026-11-23 10:00", 300.0)
    assert told.average == average


def test_an_extra_closed_day_joins_the_next():
    told = Told()
    told.trade("2026-11-20 18:00", 100.0)  # after Friday's cut: of Monday
    told.tell({"2026-11-23": False})
    told.trade("2026-11-24 10:00", 300.0)
    assert told.average == 200.0


def test_history_without_a_trade_keeps_its_day():
    told = Told()
    opens = at("2026-11-20 10:00")
    bar = Bar(
        instrument=STOCK, span=MINUTE, opens=opens, open=100.0, high=100.0, low=100.0, close=100.0, volume=1.0,
        value=100.0, seen=Millis(opens + MINUTE),
    )  # fmt: skip
    told.engine.warm("005930", MINUTE, [bar])
    told.tell({SATURDAY: True})
    told.trade("2026-11-20 10:05", 300.0)
    assert told.average == 200.0


def test_a_symbol_without_a_day_has_none_to_change():
    told = Told()
    told.engine.warm("005930", MINUTE, [])
    told.tell({SATURDAY: True})
    told.trade("2026-11-20 10:05", 300.0)
    assert told.average == 300.0


def test_a_following_calendar_is_the_newest_in_every_respect():
    now = calendar(DayPolicy())
    days = following(lambda: now)
    noon = at(f"{SATURDAY} 12:00")
    closed = [function(noon) for function in functions(days)]
    now = calendar(DayPolicy(), {SATURDAY: True})
    assert [function(noon) for function in functions(days)] == [function(noon) for function in functions(now)]
    assert closed != [function(noon) for function in functions(days)]
    assert days.flat is now.flat


def functions(days):
    return (
        days.is_open, days.day_start, days.day_end, days.day_of, days.opens, days.closes, days.closed, days.phase,
    )  # fmt: skip
