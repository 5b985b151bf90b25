"""One session an app key: who holds it, and for how long the server remembers one that dropped. Pure."""

from __future__ import annotations

from typing import NamedTuple

from core.simulators.kis_limits import KisLimits


class Holder(NamedTuple):
    """`until` is 0 while the connection lives, else when the server forgets it (epoch ms)."""

    link: int
    until: int


class Slots:
    """Sessions by app key."""

    def __init__(self, limits: KisLimits) -> None:
        self._limits = limits
        self._held: dict[str, Holder] = {}

    def claim(self, app_key: str, link: int, at: int) -> bool:
        """Whether `link` has the key's session from now on."""
        holder = self._held.get(app_key)
        if holder and holder.link != link and (not holder.until or at < holder.until):
            return False
        self._held[app_key] = Holder(link, 0)
        return True

    def free(self, link: int, at: int, *, clean: bool) -> None:
        """A connection ended: with a close frame its session is free at once, without one it is kept for a while."""
        kept = 0 if clean else round(self._limits.slot_kept_s * 1000)
        self._held = {
            key: Holder(link, at + kept) if holder.link == link else holder for key, holder in self._held.items()
        }
