"""G1: profit and loss of 10,000 random trade histories by each market's rules, against a plain calculation.

The plain half of this file knows nothing of the other: it walks the books, keeps the averages and rounds fees and taxes
in whole numbers and fractions, with fee and tax tables of its own. What it says must be equal to the last decimal.
"""

from decimal import Decimal as D
from fractions import Fraction as F
from random import Random

import pytest

from core.adapters.paper import terms_of
from core.domain.events import Book, Level, Specification
from core.domain.fills import Holding, fill
from core.domain.orders import Order
from core.domain.policies import TermsPolicy
from core.domain.results import opened, reduced, round_trip
from core.domain.signals import Exit
from core.domain.summary import report
from core.domain.values import DAY, Instrument, Market, Millis, Side
from core.venues.binance.rules import rules_of
from core.venues.kis.rules import rules as krx_rules
from core.venues.kis.ticks import day as seoul
from core.venues.kis.universe import Row
from core.venues.upbit.rules import RULES as UPBIT
from tests.domain.plain_profit import Plain, Sale

HISTORIES, PARTS = 10_000, 8
BOARDS = {"000001": "KOSPI", "000002": "KOSDAQ", "000003": "KONEX", "000004": "ETF", "000005": "ETN"}
KRX = krx_rules(TermsPolicy(), {code: Row(code, "", board) for code, board in BOARDS.items()})
STEPS = {"BTCUSDT": ("0.01", "0.00001"), "SHIBUSDT": ("0.00000001", "1"), "ETHUSDT": ("0.01", "0.0001")}


def specified(symbol):
    tick, lot = STEPS[symbol]
    return Specification(tick=D(tick), lot=D(lot), minimum=D(5), maximum=D(9_000_000))


BINANCE = rules_of(specified)
PRICES = {"KRW-BTC": "143250000", "KRW-XRP": "3127", "KRW-PEPE": "0.01523", "BTC-ETH": "0.03127514", "BTCUSDT": "97123.45",
          "SHIBUSDT": "0.00001234", "ETHUSDT": "3412.07", **dict.fromkeys(BOARDS, "")}  # fmt: skip
LOTS = {"KRW-BTC": 10**6, "KRW-XRP": 10**11, "KRW-PEPE": 10**15, "BTC-ETH": 10**9, "BTCUSDT": 10**4, "SHIBUSDT": 10**8, "ETHUSDT": 10**5}  # fmt: skip
ERAS = [seoul(text) for text in ("2019-05-31", "2020-03-02", "2022-12-30", "2023-06-01", "2024-02-01", "2025-12-30", "2026-01-02")]  # fmt: skip
MARKETS = {
    Market.UPBIT: (UPBIT, [symbol for symbol in PRICES if "-" in symbol], [Millis(1_785_397_500_000)]),
    Market.KRX: (KRX, list(BOARDS), ERAS),
    Market.BINANCE: (BINANCE, list(STEPS), [Millis(1_785_397_500_000)]),
}


class Trader:
    """One position from buy to flat: each order is filled from a random book by the venue's own rules."""

    def __init__(self, dice, market):
        self.dice = dice
        self.rules, symbols, eras = MARKETS[market]
        self.instrument = Instrument(market, dice.choice(symbols))
        self.at = Millis(dice.choice(eras) + dice.randrange(DAY))
        self.lot = self.rules.lot(self.instrument.symbol)
        self.most = LOTS.get(self.instrument.symbol, 400)
        self.plain = Plain(market.value, BOARDS.get(self.instrument.symbol, self.instrument.symbol), self.at)
        self.held = Holding()

    def price(self):
        """A legal price within some percent of the usual one."""
        usual = D(
            PRICES[self.instrument.symbol] or self.dice.choice(("1234", "7777", "25350", "81200", "312500", "1005000"))
        )
        drawn = usual * D(self.dice.randrange(9000, 11000)) / 10000
        return self.rules.floor_price(self.instrument.symbol, drawn, Side.BUY, self.at)

    def book(self, around):
        """Up to five steps on either side, each of random size."""
        step = self.rules.tick(self.instrument.symbol, around, self.at)
        levels = [
            Level(float(around - step * n), self.size(), float(around + step * (n + 1)), self.size())
            for n in range(self.dice.randrange(1, 6))
            if around - step * n > 0
        ]
        return Book(instrument=self.instrument, levels=levels, at=Millis(self.dice.randrange(10**9)), seen=Millis(0))

    def size(self):
        return float(self.lot * self.dice.randrange(1, self.most))

    def trade(self, side, units, number):
        around = self.price()
        order = Order(
            id=f"o{number}", instrument=self.instrument, side=side, quantity=units, reference=self.price(), signal="s", leg=0,
            worker="w", reason="fall" if side is Side.BUY else self.dice.choice(("take_profit", "liquidation")), at=self.at,
        )  # fmt: skip
        book = self.book(around)
        terms = terms_of(self.rules, order, self.at)
        done, self.held = fill(order, book, self.held, terms, self.at)
        return done, self.plain.walk(side.value, order.quantity, order.reference, book, self.lot)


def history(dice, market):
    """(positions by step, trips, orders, plain sales) of one position; None where the book gave nothing to buy."""
    trader = Trader(dice, market)
    bought, parts = trader.trade(Side.BUY, trader.lot * dice.randrange(1, trader.most), 0)
    if not bought.fills:
        assert not parts
        return None
    position = opened(bought, "w")
    trader.plain.buy(parts)
    assert F(position.cost) == trader.plain.cost
    assert F(position.fees) == trader.plain.fees
    assert abs(F(position.price) * trader.plain.units - trader.plain.cost) <= trader.plain.cost / 10**19
    trips, orders, sales, number = [], [bought], [], 0
    while position is not None:
        number += 1
        units = (
            position.quantity if number > 3 else trader.lot * dice.randrange(1, int(position.quantity / trader.lot) + 1)
        )
        sold, parts = trader.trade(Side.SELL, units, number)
        orders.append(sold)
        if sold.fills:
            trips.append(round_trip(position, sold, Exit(sold.reason), Millis(number)))
            sales.append(trader.plain.sell(parts, forced=sold.reason == "liquidation"))
            position = reduced(position, sold)
    return trips, orders, sales


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("market", MARKETS)
def test_profit_is_what_a_plain_calculation_says_to_the_last_decimal(market, part):
    """Partial buys and sales, average price, fees and taxes as each market rounds them."""
    dice, several = Random(f"{market.value} {part}"), 0
    for _ in range(HISTORIES // PARTS):
        if (found := history(dice, market)) is None:
            continue
        trips, orders, sales = found
        several += len(trips) > 1
        for trip, sale in zip(trips, sales, strict=True):
            told = Sale(F(trip.quantity), F(trip.cost), F(trip.proceeds), F(trip.fees), F(trip.taxes), F(trip.slippage), F(trip.pnl), sale.forced)  # fmt: skip
            assert told == sale
        day = report(market, "d", Millis(0), trips=trips, orders=orders, removed={})
        assert F(day.pnl) == sum(sale.pnl for sale in sales)
        assert F(day.fees) + F(day.taxes) == sum(sale.fees + sale.taxes for sale in sales)
        assert F(day.liquidation_cost) == sum(-sale.pnl for sale in sales if sale.forced and sale.pnl < 0)
        assert (day.trades, day.wins) == (1, int(sum(sale.pnl for sale in sales) > 0))
        assert F(day.slippage) == sum(sale.slippage for sale in sales)
    assert several > HISTORIES // PARTS / 4, "too few partial exits to prove anything"


def test_the_plain_half_shares_nothing_with_the_other():
    import ast
    from pathlib import Path

    tree = ast.parse(Path(__file__).with_name("plain_profit.py").read_text())
    modules = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert not [module for module in modules if module.startswith("core")]
