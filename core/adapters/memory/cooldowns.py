"""Alert cooldowns in memory, for replay and tests."""

from core.app.notify import cooldown_key, over_before
from core.domain.messages import Delivery
from core.domain.values import Millis


class MemoryCooldowns:
    def __init__(self) -> None:
        self._claims: dict[tuple[str, str], tuple[Millis, str, bool]] = {}

    def claim(self, delivery: Delivery, cooldown_ms: int, at: Millis) -> bool:
        key = (cooldown_key(delivery), delivery.channel)
        if key in self._claims:
            since, alert, sent = self._claims[key]
            if since > over_before(delivery, cooldown_ms, at) and (sent or alert != delivery.alert.id):
                return False
        self._claims[key] = (at, delivery.alert.id, False)
        return True

    def sent(self, delivery: Delivery, at: Millis) -> None:
        key = (cooldown_key(delivery), delivery.channel)
        since, alert, _ = self._claims.get(key, (at, "", False))
        if alert == delivery.alert.id:
            self._claims[key] = (since, alert, True)
