"""What is known of one order at the simulated KIS, and what is told of it. Source: reference/kis.md 7.8, 8.2."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

SELL, BUY = "01", "02"
NEW, AMEND, CANCEL = "0", "1", "2"

LIMITED = frozenset({"00", "02", "11", "12", "41", "42", "43"})
MARKET = frozenset({"01", "13", "14"})
BEST = frozenset({"03", "15", "16", "44", "45", "46"})
FIRST = frozenset({"04", "47"})
AT_CLOSE = frozenset({"05", "06"})
AT_ONCE = frozenset({"11", "13", "15", "42", "45"})
ALL_AT_ONCE = frozenset({"12", "14", "16", "43", "46"})
EVENING = frozenset({"41", "42", "43", "44", "45", "46", "47"})
IN_AUCTION = frozenset({"00", "01", "02"})
DAYTIME = (LIMITED | MARKET | BEST | FIRST) - EVENING


class Said(StrEnum):
    """What a notice says."""

    ACCEPTED = "accepted"
    FILLED = "filled"
    AMENDED = "amended"
    CANCELLED = "cancelled"
    KILLED = "killed"


class Execution(NamedTuple):
    """`place` is its number among all of the account's; `fee` and `tax` are what it added to its order's, in KRW."""

    at: int
    quantity: int
    price: int
    fee: int
    tax: int
    place: int


@dataclass
class KisOrder:
    """One order. `price` is 0 where it names none; `limit` is what it trades up (or down) to, 0 for any price.

    blocked   KRW a share that a buy keeps from the cash
    original  number of the order that this one changes, "" for none; `action` is new, amend or cancel
    gone      shares that were cancelled, moved to another order, or expired
    exchange  where it was sent: KRX, NXT or SOR
    """

    number: str
    branch: str
    symbol: str
    side: str
    kind: str
    quantity: int
    price: int
    limit: int
    blocked: int
    at: int
    date: str
    original: str = ""
    action: str = NEW
    gone: int = 0
    gone_at: int = 0
    cancelled: bool = False
    exchange: str = "KRX"
    executions: list[Execution] = field(default_factory=list)

    @property
    def filled(self) -> int:
        return sum(one.quantity for one in self.executions)

    @property
    def value(self) -> int:
        return sum(one.quantity * one.price for one in self.executions)

    @property
    def costs(self) -> tuple[int, int]:
        """Fee and tax so far."""
        return sum(one.fee for one in self.executions), sum(one.tax for one in self.executions)

    @property
    def open(self) -> int:
        """Shares that may still trade."""
        return 0 if self.action == CANCEL else self.quantity - self.filled - self.gone

    def takes(self, price: int) -> bool:
        """Whether it would trade at a price."""
        return not self.limit or (self.limit >= price if self.side == BUY else self.limit <= price)


class Notice(NamedTuple):
    """One thing told of an order, as it goes to the own-order stream."""

    order: KisOrder
    said: Said
    quantity: int
    price: int
    at: int


def reserved(order: KisOrder) -> int:
    """KRW that an open buy keeps from the cash."""
    return order.blocked * order.open if order.side == BUY else 0
