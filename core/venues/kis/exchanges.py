"""Which exchange an order goes to: KRX, NXT, or the better of both as KIS finds (SOR). Source: reference/kis.md 8.2, 9.

The owner's choice holds while both trade. Auctions, trading at the close and the evening are KRX's, whatever was
chosen: which kinds of order NXT takes in its own auctions, and in its sessions before and after KRX's, nobody wrote
down, and what is held can be sold at either.
"""

from __future__ import annotations

from core.domain.phases import Phase
from core.domain.policies import DayPolicy, Environment
from core.domain.values import Millis
from core.venues.kis.calendar import nxt_phase

KRX, NXT, SOR = "KRX", "NXT", "SOR"
EVERY = "ALL"
EXCHANGES = {Environment.REAL: (KRX, NXT, SOR), Environment.MOCK: (KRX,)}
"""What settings may name (`account.exchange`), the usual one first; mock has KRX only (reference 8.8)."""

AT_NXT = nxt_phase(DayPolicy())
"""By the shipped table of days: NXT opens 30 s after KRX and ends its main session ten minutes before it."""


def exchange_at(chosen: str, phase: Phase, at: Millis) -> str:
    """Where an order goes at a moment; `phase` is KRX's, and its symbol's."""
    both = phase is Phase.REGULAR and AT_NXT(at) is Phase.REGULAR
    return chosen if both and chosen in (NXT, SOR) else KRX


def listed_under(chosen: str) -> str:
    """What a list of orders is asked for: where NXT or SOR was chosen, orders of ours may be under any."""
    return EVERY if chosen in (NXT, SOR) else KRX


def may_be_ours(name: str, chosen: str) -> bool:
    """May an order that a list shows under this exchange be one that we sent? Older rows name none."""
    return name in (("", KRX, NXT, SOR) if chosen in (NXT, SOR) else ("", KRX))
