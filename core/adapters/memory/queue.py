"""Queues in memory, for replay and tests. Like SQS FIFO, a signal that was sent before is taken in silence."""

from collections import deque
from collections.abc import Iterable, Sequence

from core.domain.messages import Alert, Delivery
from core.domain.signals import Signal


class MemorySignals:
    """`waiting` is what nobody has taken yet, oldest first."""

    def __init__(self) -> None:
        self.waiting: deque[Signal] = deque()
        self._seen: set[str] = set()

    def send(self, signals: Sequence[Signal]) -> None:
        for signal in signals:
            if signal.id not in self._seen:
                self._seen.add(signal.id)
                self.waiting.append(signal)


class MemoryAlerts:
    """`sent` keeps every alert; `waiting` one delivery for each channel, until it is taken."""

    def __init__(self, channels: Sequence[str] = ("log",)) -> None:
        self.sent: list[Alert] = []
        self.waiting: deque[Delivery] = deque()
        self._channels = tuple(channels)

    def send(self, alerts: Iterable[Alert]) -> None:
        for alert in alerts:
            self.sent.append(alert)
            self.waiting.extend(Delivery(channel, alert) for channel in self._channels)
