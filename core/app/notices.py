"""What own-order notices say of one order. They come at once and are never repeated, so they may be too few.

A notice of a number that nobody knows yet simply lies on the board: the acceptance of an order often comes before the
answer to its POST. A cancel has a number of its own and names the order that it is about.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec

from core.domain.events import NoticeKind, OrderNotice
from core.domain.orders import State
from core.domain.values import ZERO, Side


class Part(msgspec.Struct, frozen=True):
    """One execution: units and price in quote currency."""

    quantity: Decimal
    price: Decimal


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """`state` is None where the notices do not add up to a finished order: then the venue must be asked."""

    parts: tuple[Part, ...] = ()
    state: State | None = None
    note: str = ""

    @property
    def filled(self) -> Decimal:
        return sum((part.quantity for part in self.parts), ZERO)


def heard(number: str, side: Side, quantity: Decimal, notices: Iterable[OrderNotice]) -> Heard:
    """Everything that was told of the order with this number.

    A finish is believed only where the units add up: what was filled, and what was taken back, make the order. More
    fills than units mean that something was told twice, and then nothing of it is believed.
    """
    mine = [notice for notice in notices if notice.side is side and number in (notice.order, notice.original)]
    fills = [n for n in mine if n.kind is NoticeKind.FILLED and n.order == number]
    found = Heard(parts=tuple(Part(fill.quantity, fill.price) for fill in fills))
    if found.filled > quantity:
        return Heard()
    return msgspec.structs.replace(found, state=_finish(number, quantity - found.filled, found.filled, mine))


def _finish(number: str, left: Decimal, filled: Decimal, mine: Sequence[OrderNotice]) -> State | None:
    if not left:
        return State.FILLED
    if not filled and any(n.kind is NoticeKind.REJECTED and n.order == number for n in mine):
        return State.REJECTED
    back = sum((n.quantity for n in mine if n.kind is NoticeKind.CANCELLED), ZERO)
    return State.CANCELLED if back == left else None
