"""Cash and holdings of one simulated account, with settlement on the second trading day. Whole KRW, whole shares."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from core.domain.values import Millis, Side
from core.simulators.kis_order import BUY
from core.simulators.kis_time import Timetable
from core.venues.spec import Rules

SETTLES = 2
"""Trading days from a trade to its money, and from selling out to the end of the empty row."""


class Flow(NamedTuple):
    date: str
    amount: int


@dataclass
class Holding:
    """One issue held. `cost` is what the present shares cost without fees; `gone` the date the empty row goes."""

    symbol: str
    quantity: int = 0
    cost: int = 0
    bought: int = 0
    sold: int = 0
    bought_before: int = 0
    sold_before: int = 0
    gone: str = ""

    @property
    def average(self) -> Decimal:
        return Decimal(self.cost) / self.quantity if self.quantity else Decimal(0)


@dataclass
class Purse:
    """`deposit` is settled cash; what was traded lately is in `flows` until its date."""

    deposit: int
    rules: Rules
    timetable: Timetable
    date: str
    flows: list[Flow] = field(default_factory=list)
    holdings: dict[str, Holding] = field(default_factory=dict)
    fees: int = 0
    taxes: int = 0
    bought: int = 0
    sold: int = 0
    costs_today: int = 0

    @property
    def settled_later(self) -> int:
        """Cash when everything traded has settled: what may be spent, open orders aside."""
        return self.deposit + sum(flow.amount for flow in self.flows)

    @property
    def tomorrow(self) -> int:
        """Cash on the next trading day."""
        due = self.timetable.later(self.date, 1)
        return self.deposit + sum(flow.amount for flow in self.flows if flow.date <= due)

    def roll(self, date: str) -> None:
        """Begin another day: settle what is due, forget yesterday's sums, drop empty rows whose time has come."""
        if date <= self.date:
            return
        self.deposit += sum(flow.amount for flow in self.flows if flow.date <= date)
        self.flows = [flow for flow in self.flows if flow.date > date]
        self.date, self.bought, self.sold, self.costs_today = date, 0, 0, 0
        self.holdings = {code: one for code, one in self.holdings.items() if one.quantity or one.gone > date}
        for one in self.holdings.values():
            one.bought_before, one.sold_before, one.bought, one.sold = one.bought, one.sold, 0, 0

    def cost_of(self, symbol: str, side: str, amount: int, at: int) -> tuple[int, int]:
        """Fee and tax of what an order came to, each to the nearest KRW."""
        way = Side.BUY if side == BUY else Side.SELL
        fee = amount * self.rules.fee(symbol, way, Millis(at))
        return _won(fee), _won(amount * self.rules.tax(symbol, way, Millis(at)))

    def take(self, symbol: str, side: str, quantity: int, price: int, fee: int, tax: int) -> None:
        """Book one execution with what it costs."""
        amount = quantity * price
        self.fees, self.taxes, self.costs_today = self.fees + fee, self.taxes + tax, self.costs_today + fee + tax
        held = self.holdings.setdefault(symbol, Holding(symbol))
        if side == BUY:
            held.quantity, held.cost, held.bought = held.quantity + quantity, held.cost + amount, held.bought + quantity
            self.bought += amount
        else:
            held.cost -= _won(held.average * quantity)
            held.quantity, held.sold = held.quantity - quantity, held.sold + quantity
            self.sold += amount
        due = self.timetable.later(self.date, SETTLES)
        held.gone = due
        self.flows.append(Flow(due, -(amount + fee) if side == BUY else amount - fee - tax))


def _won(amount: Decimal) -> int:
    return int(amount.to_integral_value(rounding=ROUND_HALF_UP))
