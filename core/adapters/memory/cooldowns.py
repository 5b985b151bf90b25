"""Alert cooldowns in memory, for replay and tests."""

import msgspec

from core.app.notify import HOLD_MS, cooldown_key, on_its_way, over_before
from core.domain.messages import Delivery
from core.domain.values import Millis


class Claim(msgspec.Struct, frozen=True):
    since: Millis
    alert: str
    sent: bool = False
    freed: bool = False


class MemoryCooldowns:
    def __init__(self) -> None:
        self._claims: dict[tuple[str, str], Claim] = {}

    def claim(self, delivery: Delivery, cooldown_ms: int, at: Millis) -> bool:
        key = (cooldown_key(delivery), delivery.channel)
        last = self._claims.get(key)
        if last is not None and last.since > over_before(delivery, cooldown_ms, at):
            if last.sent or last.alert != delivery.alert.id:
                return False
            if not last.freed and last.since > at - HOLD_MS:
                raise on_its_way(delivery)
        self._claims[key] = Claim(at, delivery.alert.id)
        return True

    def sent(self, delivery: Delivery, at: Millis) -> None:
        self._mark(delivery, sent=True)

    def free(self, delivery: Delivery) -> None:
        self._mark(delivery, freed=True)

    def _mark(self, delivery: Delivery, **marks: bool) -> None:
        key = (cooldown_key(delivery), delivery.channel)
        claim = self._claims.get(key)
        if claim is not None and claim.alert == delivery.alert.id:
            self._claims[key] = msgspec.structs.replace(claim, **marks)
