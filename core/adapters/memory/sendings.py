"""A broker's log of what it sent, in memory, for tests and replay."""

from threading import Lock

from core.domain.sendings import Sending, Taking


class MemorySendings:
    """Implements ports.Sendings."""

    def __init__(self) -> None:
        self._sent: dict[str, Sending] = {}
        self._claims: dict[tuple[str, str], str] = {}
        self._write = Lock()

    def read(self, order: str) -> Sending | None:
        return self._sent.get(order)

    def write(self, sending: Sending) -> bool:
        with self._write:
            return self._written(sending)

    def claim(self, sending: Sending, identity: str) -> bool:
        key = (sending.instrument.market.value, identity)
        with self._write:
            if self._claims.get(key, sending.order) != sending.order or not self._written(sending):
                return False
            self._claims[key] = sending.order
            return True

    def take(self, taking: Taking) -> bool:
        """As the tables of the locks write it with an order's end: whoever asked meanwhile may have written it."""
        key = (taking.sending.instrument.market.value, taking.identity)
        return self.claim(taking.sending, taking.identity) or self._claims.get(key) == taking.sending.order

    def _written(self, sending: Sending) -> bool:
        known = self._sent.get(sending.order)
        if (known.version if known else 0) != sending.version - 1:
            return False
        self._sent[sending.order] = sending
        return True
