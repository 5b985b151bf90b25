"""What goes first when a bounded queue is full. Both choices name an entry; dropping and telling is the caller's."""

from __future__ import annotations

from collections.abc import Sequence

from core.domain.messages import Alert, Kind
from core.domain.signals import Signal
from core.domain.values import Millis, Side


def signal_to_shed(waiting: Sequence[Signal], at: Millis) -> int:
    """Index of the least useful signal: one that expired, else the oldest buy, else the oldest.

    A buy that does not happen costs a chance, a sell that does not happen costs money.
    """
    return _first([signal.expires <= at for signal in waiting], [signal.side is Side.BUY for signal in waiting])


def alert_to_shed(waiting: Sequence[Alert]) -> int:
    """Index of the least useful alert: the oldest "approaching", else the oldest."""
    return _first([alert.kind is Kind.APPROACHING for alert in waiting])


def _first(*wishes: list[bool]) -> int:
    """Where the first wish that any entry meets is first met; 0 where none is."""
    return next((met.index(True) for met in wishes if True in met), 0)
