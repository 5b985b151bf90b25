"""What an order must look like on KRX: price steps and limits by date, whole shares, fees, sell tax by date and board.

Sources: ticks.py, reference/kis.md 9. Whole-market days of 2020, 2021 and 2026 agree with steps and limits.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from core.domain.charges import whole
from core.domain.errors import Refused
from core.domain.policies import MarketPolicy, TermsPolicy
from core.domain.values import ZERO, Millis, Side
from core.venues.kis import ticks, universe
from core.venues.kis.calendar import calendar
from core.venues.kis.universe import SHIPPED, Row
from core.venues.spec import Rules

LOT = Decimal(1)
FEE = Decimal("0.000140527")
"""BanKIS online, both sides; branch-managed accounts pay 0.08 to 0.5 %, which the owner sets."""

FUND_FEE = Decimal("0.000147")
BOUNDLESS = Decimal("Infinity")
CHART = "https://finance.naver.com/item/main.naver?code="

TAXES = [
    (ticks.day(since), {"KONEX": Decimal(konex)}, Decimal(others))
    for since, konex, others in (
        ("2026-01-01", "0.001", "0.0020"),
        ("2025-01-01", "0.001", "0.0015"),
        ("2024-01-01", "0.001", "0.0018"),
        ("2023-01-01", "0.001", "0.0020"),
        ("2021-01-01", "0.001", "0.0023"),
        ("2019-06-03", "0.001", "0.0025"),
        ("1996-01-01", "0.003", "0.0030"),
    )
]
"""Out of a sale, newest first: since, KONEX, all other shares (on KOSPI the rural tax is in it: 0.05 + 0.15 = 0.20 %).

2025 and later: reference/kis.md 9. Earlier years: the tax law's own steps, from general knowledge (UNCONFIRMED here).
"""

SPREADS = [(ticks.day("2015-06-15"), 30), (Millis(-(2**60)), 15)]
"""Percent of the reference price that a day's prices may leave it by, newest first."""

KONEX_SPREAD = 15


def tailored(policy: MarketPolicy) -> Rules:
    """KRX's rules for this account and this list of symbols."""
    return rules(policy.terms, universe.rows(policy.universe))


def rules(terms: TermsPolicy, rows: dict[str, Row]) -> Rules:
    """The record of functions; `rows` says which symbol is on which board. One it does not have counts as KOSPI's."""
    grid = _Grid(terms, rows)
    return Rules(
        tick=grid.tick,
        floor_price=grid.floor_price,
        lot=lot,
        minimum=minimum,
        maximum=maximum,
        fee=grid.fee,
        tax=grid.tax,
        link=link,
        calendar=calendar,
        bounds=grid.bounds,
        booked=whole(terms.booking),
    )


class _Grid:
    """The rules that depend on a symbol's board, or on the account."""

    def __init__(self, terms: TermsPolicy, rows: dict[str, Row]) -> None:
        self._terms, self._rows = terms, rows
        self._fee = FEE if terms.fee is None else Decimal(str(terms.fee))
        self._fund_fee = FUND_FEE if terms.fund_fee is None else Decimal(str(terms.fund_fee))

    def tick(self, symbol: str, price: Decimal, at: Millis) -> Decimal:
        """Price step in KRW at `price` on the day of `at`."""
        return ticks.step(price, self._table(symbol, at))

    def floor_price(self, symbol: str, price: Decimal, side: Side, at: Millis) -> Decimal:
        """Nearest legal price that crosses no further: down for a buy, up for a sell.

        Raises:
            Refused: no legal price is left (a buy under the smallest step, or a price that is not above zero).
        """
        if price <= 0:
            raise Refused("A price must be above zero", symbol=symbol, price=price)
        legal = _snapped(price, self._table(symbol, at), ROUND_FLOOR if side is Side.BUY else ROUND_CEILING)
        if legal <= 0:
            raise Refused("The price is under the smallest step", symbol=symbol, price=price)
        return legal

    def bounds(self, symbol: str, reference: Decimal, at: Millis) -> tuple[Decimal, Decimal]:
        """The day's lowest and highest legal price about a reference price above zero.

        The width is cut to whole steps at the reference price, and both ends to steps of their own.
        """
        table = self._table(symbol, at)
        percent = next(percent for since, percent in SPREADS if at >= since)
        percent = min(percent, KONEX_SPREAD) if self._row(symbol).board == "KONEX" else percent
        width = reference * percent / 100
        width -= width % ticks.step(reference, table)
        lowest, highest = reference - width, reference + width
        return _snapped(lowest, table, ROUND_CEILING), _snapped(highest, table, ROUND_FLOOR)

    def fee(self, symbol: str, side: Side, at: Millis) -> Decimal:
        """Fraction of the traded value, the same for both sides."""
        return self._fund_fee if self._fund(symbol) else self._fee

    def tax(self, symbol: str, side: Side, at: Millis) -> Decimal:
        """Fraction of a sale's value; none on a buy, and none on funds and notes unless the settings say so."""
        if side is Side.BUY or (self._fund(symbol) and not self._terms.funds_taxed):
            return ZERO
        found = ((boards, others) for since, boards, others in TAXES if at >= since)
        boards, others = next(found, ({}, ZERO))
        return boards.get(self._row(symbol).board, others)

    def _table(self, symbol: str, at: Millis) -> ticks.Rows:
        kospi = self._row(symbol).board not in ("KOSDAQ", "KONEX")
        return ticks.table(fund=self._fund(symbol), kospi=kospi, fine=self._terms.fine_funds, at=at)

    def _fund(self, symbol: str) -> bool:
        return universe.fund(*self._row(symbol))

    def _row(self, symbol: str) -> Row:
        """Raises Refused for what is no code of KRX."""
        if not universe.CODE.fullmatch(symbol):
            raise Refused("KRX has no such symbol: write six digits or letters, and Q before a note", symbol=symbol)
        return self._rows.get(symbol) or SHIPPED.get(symbol) or Row(symbol, "", "")


def lot(symbol: str) -> Decimal:
    """One share."""
    return LOT


def minimum(symbol: str) -> Decimal:
    """KRX has no least order in KRW: one share is enough."""
    return ZERO


def maximum(symbol: str) -> Decimal:
    """Nor a largest one."""
    return BOUNDLESS


def link(symbol: str) -> str:
    """The page with the symbol's chart, by its code of six."""
    return CHART + symbol.removeprefix("Q")


def _snapped(price: Decimal, table: ticks.Rows, towards: str) -> Decimal:
    size = ticks.step(price, table)
    return (price / size).to_integral_value(rounding=towards) * size


RULES = rules(TermsPolicy(), SHIPPED)
