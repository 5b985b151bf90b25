"""A worker's life (E2): a slot of capital that owns at most one position."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from core.domain.errors import WorkerError
from core.domain.values import Market, Millis


class Status(StrEnum):
    IDLE = "IDLE"
    SCAN = "SCAN"
    HOLD = "HOLD"
    EXIT = "EXIT"


ALLOWED: dict[Status, frozenset[Status]] = {
    Status.IDLE: frozenset({Status.SCAN, Status.EXIT}),
    Status.SCAN: frozenset({Status.HOLD, Status.EXIT}),
    Status.HOLD: frozenset({Status.SCAN, Status.EXIT}),
    Status.EXIT: frozenset(),
}
"""Started, bought, sold, stopped: any other move is an error."""


class Worker(msgspec.Struct, frozen=True, kw_only=True):
    """`capital` is what it may spend on one position, quote currency; `symbol` what it holds, "" for nothing.

    heartbeat  when it last moved, or when the sweep last found it in order
    note       why it was stopped, "" while it works
    """

    id: str
    market: Market
    status: Status
    capital: Decimal
    symbol: str = ""
    heartbeat: Millis = Millis(0)
    note: str = ""


def move(worker: Worker, to: Status, at: Millis, symbol: str = "", note: str = "") -> Worker:
    """The worker after a move. Raises WorkerError for one that its life does not allow."""
    if to not in ALLOWED[worker.status]:
        raise WorkerError("a worker cannot move like that", worker=worker.id, was=worker.status.value, to=to.value)
    return msgspec.structs.replace(worker, status=to, symbol=symbol, heartbeat=at, note=note)
