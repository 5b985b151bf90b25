"""D11: what goes first when a queue is full."""

from core.domain.messages import Alert, Kind
from core.domain.signals import Signal
from core.domain.values import Instrument, Market, Side
from core.feed.shedding import alert_to_shed, signal_to_shed


def signal(side, expires):
    about = Instrument(Market.UPBIT, "KRW-BTC")
    return Signal(
        id="x",
        instrument=about,
        side=side,
        rule="r",
        price=1.0,
        value=0.0,
        threshold=0.0,
        at=0,
        seen=0,
        expires=expires,
    )


def alert(kind):
    return Alert(id="x", kind=kind, at=0)


def test_an_expired_signal_goes_before_any_other():
    waiting = [signal(Side.BUY, 100), signal(Side.SELL, 50), signal(Side.BUY, 10)]
    assert signal_to_shed(waiting, 60) == 1
    assert signal_to_shed(waiting, 20) == 2


def test_the_oldest_buy_goes_before_a_sell():
    assert signal_to_shed([signal(Side.SELL, 100), signal(Side.BUY, 100), signal(Side.BUY, 100)], 0) == 1


def test_the_oldest_sell_goes_where_there_are_only_sells():
    assert signal_to_shed([signal(Side.SELL, 100), signal(Side.SELL, 100)], 0) == 0


def test_the_oldest_approach_goes_before_other_alerts():
    assert alert_to_shed([alert(Kind.BOUGHT), alert(Kind.APPROACHING), alert(Kind.APPROACHING)]) == 1
    assert alert_to_shed([alert(Kind.BOUGHT), alert(Kind.SOLD)]) == 0
