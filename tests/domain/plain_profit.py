"""Profit and loss worked out in fractions and whole numbers, from the rules as they are written down for people.

Upbit   fee 0.05 % in KRW markets, 0.25 % in BTC markets, no tax, every decimal kept (reference/upbit.md 6)
KRX     fee 0.0140527 %, funds and notes 0.0147 %; tax out of a sale by date and board; whole KRW for an order, half up
Binance fee 0.1 %, no tax, every decimal kept (reference/binance.md 5)
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction as F
from math import floor
from typing import NamedTuple

FEES = {"KRW": F(5, 10_000), "BTC": F(25, 10_000)}
SHARES, FUNDS = F(140_527, 10**9), F(147, 10**6)
TAXES = ((2026, 20), (2025, 15), (2024, 18), (2023, 20), (2021, 23))


class Sale(NamedTuple):
    units: F
    cost: F
    proceeds: F
    fees: F
    taxes: F
    slippage: F
    pnl: F
    forced: bool


class Plain:
    """`kind` is the board of a stock, the symbol of a coin."""

    def __init__(self, market, kind, at):
        self.market, self.kind = market, kind
        self.date = (datetime.fromtimestamp(at / 1000, UTC) + timedelta(hours=9)).date()
        self.units = self.cost = self.fees = F(0)
        self.reference = F(0)

    def fee(self):
        match self.market:
            case "upbit":
                return FEES[self.kind.split("-")[0]]
            case "krx":
                return FUNDS if self.kind in ("ETF", "ETN") else SHARES
            case _:
                return F(1, 1000)

    def tax(self):
        if self.market != "krx" or self.kind in ("ETF", "ETN"):
            return F(0)
        if self.kind == "KONEX":
            return F(10, 10_000) if (self.date.year, self.date.month, self.date.day) >= (2019, 6, 3) else F(30, 10_000)
        for year, rate in TAXES:
            if self.date.year >= year:
                return F(rate, 10_000)
        return F(25, 10_000) if (self.date.year, self.date.month, self.date.day) >= (2019, 6, 3) else F(30, 10_000)

    def booked(self, amount):
        return F(floor(amount + F(1, 2))) if self.market == "krx" else amount

    def walk(self, side, units, reference, book, lot):
        """(price, units) of each execution, best first, and the reference price."""
        left, parts, lot = F(units), [], F(lot)
        for level in book.levels:
            if not left:
                break
            price, size = (level.ask, level.ask_size) if side == "buy" else (level.bid, level.bid_size)
            whole = lot * floor(F(Decimal(repr(size))) / lot)
            taken = min(left, whole)
            if taken > 0:
                parts.append((F(Decimal(repr(price))), taken, F(reference)))
                left -= taken
        return parts

    def buy(self, parts):
        self.units = sum(units for _, units, _ in parts)
        self.cost = sum(price * units for price, units, _ in parts)
        self.fees = self.booked(self.cost * self.fee())
        self.reference = parts[0][2]

    def sell(self, parts, forced):
        sold = sum(units for _, units, _ in parts)
        proceeds = sum(price * units for price, units, _ in parts)
        cost, fees = self.share("cost", sold), self.share("fees", sold)
        slippage = cost - self.reference * sold + parts[0][2] * sold - proceeds
        self.units, self.cost, self.fees = self.units - sold, self.cost - cost, self.fees - fees
        fees += self.booked(proceeds * self.fee())
        taxes = self.booked(proceeds * self.tax())
        return Sale(sold, cost, proceeds, fees, taxes, slippage, proceeds - cost - fees - taxes, forced)

    def share(self, of, sold):
        """A part of a sum, rounded down to 8 decimals, or to as many as the sum itself has; the last part is the rest."""
        whole = getattr(self, of)
        if sold == self.units:
            return whole
        places = max(8, decimals(whole))
        return F(floor(whole * sold / self.units * 10**places), 10**places)


def decimals(number):
    """How many decimals a number has when it is written out: as many as its denominator has twos, or fives."""
    rest, fives = number.denominator, 0
    twos = (rest & -rest).bit_length() - 1
    rest >>= twos
    while rest > 1:
        rest, fives = rest // 5, fives + 1
    return max(twos, fives)
