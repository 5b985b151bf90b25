"""A simulated KIS on a day of its own, and a station on it: approval keys from the simulator, REST that only notes."""

import asyncio
import random
import time
from decimal import Decimal

import msgspec

from core.adapters.memory.books import MemoryBooks
from core.adapters.memory.notices import MemoryNotices
from core.adapters.memory.queue import MemoryAlerts, MemorySignals
from core.adapters.memory.shelf import MemoryShelf
from core.adapters.secrets import Secret
from core.domain.errors import Misconfigured, Transient
from core.domain.leases import Lock
from core.domain.levels import Candidate, SafeSet, StreamHealth, Targets
from core.domain.policies import (
    AccountPolicy,
    Environment,
    KeyPolicy,
    MarketPolicy,
    RestPolicy,
    RulePolicy,
    StreamPolicy,
    WatchPolicy,
)
from core.domain.positions import Position
from core.domain.values import Instrument, Market
from core.simulators.kis_issues import listing
from core.simulators.kis_market import KrxMarket
from core.venues.kis import VENUE
from streamer.ports import Ports
from streamer.station import Station

NOON = 1_790_134_742_000
"""Wednesday 2026-09-23 12:39:02 in Korea: in the middle of a day of trading."""
OFFSET = NOON - time.time_ns() // 1_000_000
FALL = RulePolicy(name="fall", kind="fall", params={"minutes": 1, "fall": 0.02})
REAL_KEY = KeyPolicy(app_key="real_key", app_secret="real_secret")
MOCK_KEY = KeyPolicy(app_key="mock_key", app_secret="mock_secret", environment=Environment.MOCK)


def clock():
    return time.time_ns() // 1_000_000 + OFFSET


def krx():
    return KrxMarket(seed=7, start=clock(), issues=listing(100, []))


class NotingQuotes:
    """Bars are asked for and there are none."""

    calls = 0

    def __init__(self):
        self.asked = []

    def bars(self, symbol, span, count, until=None):
        self.asked.append((symbol, span, count))
        return []

    def history(self, symbol, counts):
        return {span: self.bars(symbol, span, count) for span, count in counts.items()}


class Keys:
    """Approval keys, as fast as the simulator gives them out; `given` notes what was refused each time."""

    def __init__(self, *simulators):
        names = {"real_key": Environment.REAL, "mock_key": Environment.MOCK, "second_key": Environment.REAL}
        self._of = {name: next((s for s in simulators if s.flavour is of), None) for name, of in names.items()}
        self.given, self.current, self.down = [], {}, False

    def approval(self, key, refused=""):
        if self.down:
            raise Transient("the vault does not answer")
        self.given.append((key, refused))
        if refused or key not in self.current:
            sim = self._of[key]
            self.current[key] = sim.keys.approve(sim.app_keys[key == "second_key"], clock() + 1_100 * len(self.given))
        return self.current[key]


class Safe:
    """Secrets by name."""

    def __init__(self, **texts):
        self.texts = texts

    def get(self, name):
        if name not in self.texts:
            raise Misconfigured("a secret is missing", name=name)
        if self.texts[name] is None:
            raise Transient("the store does not answer")
        return Secret(self.texts[name])


class KrxWorld:
    """What a station needs around it; survives the station."""

    def __init__(self, folder, *simulators, orders=None, hts_id="HOGASIM", keys=(REAL_KEY,), **stream):
        """orders: the simulator that orders go to; None for paper."""
        self.sim, self.folder = simulators[0], folder
        self.shelf, self.books, self.quotes, self.board = MemoryShelf(), MemoryBooks(), NotingQuotes(), MemoryNotices()
        self.signals, self.alerts, self.lines = MemorySignals(), MemoryAlerts(), []
        self.credentials = Keys(*simulators)
        self.secrets = Safe(kis_hts_id=hts_id, kis_account=orders.app_keys[0].account if orders else "0")
        account = orders and AccountPolicy(
            url=orders.rest_url,
            stream_url=orders.stream_url,
            key=REAL_KEY if orders.flavour is Environment.REAL else MOCK_KEY,
        )
        settings = {"save_s": 0.2, "flush_s": 0.01, "backoff_s": (0.05, 0.1), "reconnects_alert": 500}
        self.policy = MarketPolicy(
            rest=RestPolicy(url=self.sim.rest_url),
            stream=StreamPolicy(url=self.sim.stream_url, **(settings | stream)),
            watch=WatchPolicy(max_ws_subs=40, subscribe_cooldown_s=0.0, refresh_s=0.2, min_stay_s=0.0),
            rules=(FALL,),
            keys=keys,
            account=account,
        )
        self.orders, self.tasks = orders, []

    def station(self):
        ports = Ports(
            shelf=self.shelf,
            leases=self.books.leases,
            ledger=self.books.ledger,
            signals=self.signals,
            alerts=self.alerts,
            quotes=lambda market: self.quotes,
            clock=clock,
            dice=random.Random(3).random,
            host="test",
            say=self.lines.append,
            stage="test",
            credentials=lambda market: self.credentials,
            secrets=lambda: self.secrets,
            notices=lambda market: self.board if self.orders else None,
        )
        return Station(VENUE, self.policy, ports, self.folder)

    async def on_air(self):
        station = self.station()
        self.tasks.append(asyncio.create_task(station.run()))
        return station

    async def kill(self):
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.tasks.clear()

    def symbols(self, count):
        return list(self.sim.market.lines)[:count]

    def target(self, *symbols, version=1):
        rows = tuple(Candidate(symbol, 1.0 - place / 1000) for place, symbol in enumerate(symbols))
        self.shelf.write(Targets(market=Market.KRX, at=clock(), version=version, candidates=rows))
        self.shelf.write(SafeSet(market=Market.KRX, at=clock(), safe=symbols, excluded=()))

    def hold(self, symbol, price="1000"):
        about = Instrument(Market.KRX, symbol)
        position = Position(
            instrument=about, worker="w", quantity=Decimal(1), cost=Decimal(price), fees=Decimal(0),
            price=Decimal(price), opened=clock(), signal="s", rule="fall", reference=Decimal(price),
        )  # fmt: skip
        self.books.leases._put(Lock(instrument=about, fence=1, position=position))

    def health(self):
        return self.shelf.read(StreamHealth, Market.KRX)

    def change(self, **watch):
        self.policy = msgspec.structs.replace(self.policy, watch=msgspec.structs.replace(self.policy.watch, **watch))
