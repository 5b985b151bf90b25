"""What the memory adapters of locks and ledger share: the same rows as the tables hold, under one lock."""

from __future__ import annotations

import threading
from collections import defaultdict
from decimal import Decimal

import msgspec

from core.adapters.memory.sendings import MemorySendings
from core.domain.leases import Lock
from core.domain.messages import Alert
from core.domain.orders import Order
from core.domain.positions import RoundTrip
from core.domain.values import ZERO, Instrument, Market, Millis
from core.domain.workers import Worker


class Row(msgspec.Struct, frozen=True):
    """An order, the market's day it was decided in, and the news of it that may not have been told."""

    order: Order
    day: str
    news: Alert | None = None


class Item(msgspec.Struct, frozen=True):
    """One symbol's item: what everyone may see of it, and the nonce of the attempt that took it."""

    lock: Lock
    nonce: str = ""


class Books:
    """What both views write; `guard` is held for the length of every write."""

    def __init__(self) -> None:
        self.guard = threading.RLock()
        self.items: dict[Instrument, Item] = {}
        self.orders: dict[str, Row] = {}
        self.trips: dict[str, tuple[RoundTrip, str]] = {}
        self.workers: dict[tuple[Market, str], Worker] = {}
        self.exposure: dict[Market, Decimal] = defaultdict(lambda: ZERO)
        self.positions: dict[Market, int] = defaultdict(int)
        self.realised: dict[tuple[Market, str], Decimal] = defaultdict(lambda: ZERO)
        self.losses: dict[tuple[Market, str], tuple[int, Millis]] = defaultdict(lambda: (0, Millis(0)))
        self.currency: dict[str, Decimal] = defaultdict(lambda: ZERO)
        self.moves: dict[str, int] = defaultdict(int)
        self.news: dict[str, Alert] = {}
        self.halts: dict[str, str] = {}
        self.selling: set[str] = set()
        self.sendings = MemorySendings()

    def item(self, instrument: Instrument) -> Item:
        return self.items.get(instrument) or Item(Lock(instrument=instrument, fence=0))

    def moved(self, *totals: str) -> None:
        """Something was taken or given back: whoever read these totals before must read them again."""
        for each in totals:
            self.moves[each] += 1
