"""One candle, forming or closed: what the hot path writes."""

from __future__ import annotations

from core.domain.quality import Quality


class Candle:
    """One candle, forming or closed. `first_at` and `last_at` are the times of the trades that open and close it.

    quality, reason   how far it can be trusted, and why where it is not whole
    """

    __slots__ = (
        "close",
        "ends",
        "first_at",
        "high",
        "last_at",
        "low",
        "open",
        "opens",
        "quality",
        "reason",
        "settled",
        "value",
        "volume",
    )

    def __init__(self, opens: int, ends: int, at: int, price: float) -> None:
        self.opens, self.ends = opens, ends
        self.open = self.high = self.low = self.close = price
        self.volume = self.value = 0.0
        self.first_at = self.last_at = at
        self.settled = False
        self.quality, self.reason = Quality.WHOLE.value, ""

    def spoil(self, quality: Quality, reason: str) -> bool:
        """Say that it is not whole; what the venue told, and what was said before, stays. True where it is news."""
        if self.quality != Quality.WHOLE:
            return False
        self.quality, self.reason = quality.value, reason
        return True

    def add(self, at: int, price: float, quantity: float, amount: float) -> None:
        """Count one trade, in whatever order it comes."""
        self.volume += quantity
        self.value += amount
        self.high = max(self.high, price)
        self.low = min(self.low, price)
        if at >= self.last_at:
            self.close, self.last_at = price, at
        if at < self.first_at:
            self.open, self.first_at = price, at
