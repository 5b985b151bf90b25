"""Everything outside that the streamer uses."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from core.adapters.secrets import Secrets
from core.app.ports import Alerts, Credentials, Leases, Ledger, Notices, Quotes, Shards, Shelf, Signals
from core.domain.values import Market, Millis


class Ports(msgspec.Struct, frozen=True, kw_only=True):
    """`quotes` makes one REST client for a market; `say` writes one line.

    credentials, secrets   used where a venue asks for app keys
    notices                where notices of our own orders go; None for a market whose orders never reach the venue
    shards                 who streams what, where there may be several hosts; None: this one streams everything
    gone                   whether a host of that name has ended for certain
    """

    shelf: Shelf
    leases: Leases
    ledger: Ledger
    signals: Signals
    alerts: Alerts
    quotes: Callable[[Market], Quotes]
    clock: Callable[[], Millis]
    dice: Callable[[], float]
    host: str
    say: Callable[[str], None]
    stage: str
    credentials: Callable[[Market], Credentials] | None = None
    secrets: Callable[[], Secrets] | None = None
    notices: Callable[[Market], Notices | None] = lambda market: None
    shards: Shards | None = None
    gone: Callable[[str], bool] = lambda host: False
