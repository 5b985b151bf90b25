"""An engine to test with, and the events it is fed."""

from decimal import Decimal
from types import SimpleNamespace

import pytest

from core.domain.engine import Engine
from core.domain.events import Book, Level, Ticker, Trade
from core.domain.levels import Reference, References
from core.domain.policies import (
    ExitPolicy,
    IndicatorPolicy,
    MarketPolicy,
    RankPolicy,
    RestPolicy,
    RulePolicy,
    StreamPolicy,
)
from core.domain.positions import Position
from core.domain.values import HOUR, Instrument, Market, Millis

T0 = Millis(1_700_006_400_000)  # 2023-11-15 09:00 KST
BREAKOUT = RulePolicy(name="breakout", kind="breakout")


def coin(symbol="KRW-A"):
    return Instrument(Market.UPBIT, symbol)


def policy(rules=(BREAKOUT,), exits=None, rank=None, **other):
    return MarketPolicy(
        rest=RestPolicy(url="r"),
        stream=StreamPolicy(url="s"),
        rules=tuple(rules),
        exits=exits or ExitPolicy(stop_loss=0.1, take_profit=0.2),
        rank=rank or RankPolicy(),
        indicators=IndicatorPolicy(ema_fast=2, ema_slow=4, rsi=2, disparity=3, atr=2, ticks=50, warmup=60),
        **other,
    )


def engine(rules=(BREAKOUT,), exits=None, rank=None, on_candle=None, symbols=("KRW-A", "KRW-B"), **other):
    """An engine that may buy `symbols`, whose previous day's high was 100."""
    made = Engine(Market.UPBIT, policy(rules, exits, rank, **other), lambda name: f"https://chart/{name}", on_candle)
    rows = {name: Reference(high=100.0, low=80.0, close=90.0, ma_sum=900.0, ma_days=9) for name in symbols}
    made.references(References(market=Market.UPBIT, day=Millis(T0 - HOUR), at=T0, rows=rows))
    made.safe(frozenset(symbols))
    made.names({"KRW-A": "coin A"})
    return made


def trade(after=0, price=99.0, quantity=1.0, sequence=0, symbol="KRW-A", replayed=False):
    return Trade(
        instrument=coin(symbol),
        price=float(price),
        quantity=float(quantity),
        taker=None,
        at=Millis(T0 + after),
        seen=Millis(T0 + after + 7),
        sequence=sequence,
        replayed=replayed,
    )


def book(after=0, bid=99.0, ask=99.1, symbol="KRW-A"):
    levels = [Level(bid, 1.0, ask, 1.0)]
    return Book(instrument=coin(symbol), levels=levels, at=Millis(T0 + after), seen=Millis(T0 + after + 7))


def ticker(after=0, price=99.0, symbol="KRW-A"):
    return Ticker(
        instrument=coin(symbol),
        price=float(price),
        change=0.0,
        volume=1.0,
        value=1.0,
        value_24h=1.0,
        high=1.0,
        low=1.0,
        at=Millis(T0 + after),
        seen=Millis(T0 + after + 7),
    )


def position(symbol="KRW-A", price="100", opened=0, quantity="1"):
    return Position(
        instrument=coin(symbol),
        worker="w",
        quantity=Decimal(quantity),
        cost=Decimal(price),
        fees=Decimal(0),
        price=Decimal(price),
        opened=Millis(T0 + opened),
        signal="s",
        rule="breakout",
        reference=Decimal(price),
    )


@pytest.fixture
def desk():
    """Everything above by name, so that test modules need no import of each other."""
    return SimpleNamespace(
        T0=T0,
        BREAKOUT=BREAKOUT,
        coin=coin,
        policy=policy,
        engine=engine,
        trade=trade,
        book=book,
        ticker=ticker,
        position=position,
    )
