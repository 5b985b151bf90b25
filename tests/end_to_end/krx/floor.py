"""A whole system for KRX in this process, trading against a KIS simulator in another one, over real sockets.

Only the cloud is missing: stores and queues are in memory, the schedules are threads. Everything else is what runs for
an owner with a live account: signing, the shared budget, the streamer's station, workers, sweep, forced liquidation.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import requests

from core.adapters import accounts
from core.adapters.http import HttpQuotes
from core.adapters.keyring import KeyRing, ring
from core.adapters.memory.books import MemoryBooks
from core.adapters.memory.budget import MemoryBudget
from core.adapters.memory.notices import MemoryNotices
from core.adapters.memory.queue import MemoryAlerts
from core.adapters.memory.shelf import MemoryShelf
from core.adapters.memory.tokens import MemoryVault
from core.adapters.secrets import EnvSecrets
from core.app import liquidate, safety, scan, sweep
from core.app.desk import LATER, Desk, Verdict
from core.app.lookout import Lookout
from core.app.ports import Budget
from core.app.standstill import phase
from core.app.tokens import Vault
from core.app.trade import handle
from core.domain.errors import CoreError, Transient
from core.domain.levels import SafeSet
from core.domain.policies import AccountPolicy, Environment, KeyPolicy, MarketPolicy
from core.domain.signals import Signal
from core.domain.values import Market, Millis
from core.local.processes import Child, Children
from core.local.template import ROOT
from core.settings import BrokerKind, load
from core.venues.spec import Venue, purse, venue
from streamer.ports import Ports
from streamer.station import Station

KEY = KeyPolicy(app_key="kis_app_key", app_secret="kis_app_secret", environment=Environment.REAL)
PATIENCE_S = 60.0


def wall() -> Millis:
    return Millis(time.time_ns() // 1_000_000)


def until(true: Callable[[], Any], what: str, patience_s: float = PATIENCE_S) -> Any:
    """The first answer that counts as true. Fails the test at the deadline."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        if answer := true():
            return answer
        time.sleep(0.05)
    raise AssertionError(f"{what} did not come about")


class Exchange:
    """The simulators' process, seen from outside; `close` ends it."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.children = Children()
        command = [sys.executable, "-m", "core.simulators", "--seed", "7", "--krx-vi", "5", *words]
        child: Child = self.children.start(
            "simulators", command, {"PATH": os.environ["PATH"]}, folder / "simulators.log", cwd=ROOT, talks=True
        )
        self.said: dict[str, Any] = msgspec.json.decode(child.line(60.0))
        self.rest_url: str = self.said["kis_rest_url"]
        self.stream_url: str = self.said["kis_stream_url"]
        self.secrets: dict[str, str] = self.said["kis_secrets"]["real"]
        self.codes: list[str] = self.said["markets"]["krx"]["codes"]
        self._http = requests.Session()
        self._http.trust_env = False

    def ask(self, door: str) -> dict[str, Any]:
        found: dict[str, Any] = self._http.get(f"{self.said['kis_control_url']}/{door}", timeout=10).json()
        return found

    def tell(self, door: str, body: Any) -> None:
        reply = self._http.post(f"{self.said['kis_control_url']}/{door}", json=body, timeout=10)
        assert reply.ok, reply.text

    def close(self) -> None:
        self.children.close()


def policy_at(exchange: Exchange, codes: Sequence[str], **changes: Any) -> MarketPolicy:
    """The shipped settings of KRX, pointed at the simulator, orders to its live account."""
    base = load(ROOT / "settings.yaml", {}).markets[Market.KRX]
    replace = msgspec.structs.replace
    account = AccountPolicy(
        url=exchange.rest_url, stream_url=exchange.stream_url, key=KEY, number="kis_account", hts_id="kis_hts_id"
    )
    found = replace(
        base,
        enabled=True,
        rest=replace(base.rest, url=exchange.rest_url),
        stream=replace(base.stream, url=exchange.stream_url),
        keys=(KEY,),
        account=account,
        universe=replace(base.universe, codes=tuple(codes)),
    )
    return replace(found, **changes)


class Outside:
    """How one caller reaches KIS. `budget` and `vault` are shared by all, as the tables are."""

    def __init__(
        self, exchange: Exchange, policy: MarketPolicy, *, budget: Budget | None = None, vault: Vault | None = None
    ) -> None:
        self.policy = policy
        self.venue: Venue = venue(Market.KRX, policy)
        self.budget: Budget = budget or MemoryBudget()
        self.vault: Vault = vault or MemoryVault()
        self.secrets = EnvSecrets({f"HOGA_SECRET_{name.upper()}": text for name, text in exchange.secrets.items()})
        self.number = exchange.secrets["kis_account"]

    def keys(self) -> KeyRing:
        """A key ring of one's own, as each function has: what it shares is the vault."""
        owners = count(1)
        me = threading.get_ident()
        return ring(
            self.venue.rest, self.policy, self.secrets, self.vault, self.budget, wall, time.sleep, random.random,
            lambda: f"{me}/{next(owners)}",
        )  # fmt: skip

    def quotes(self) -> HttpQuotes:
        return HttpQuotes(
            self.venue.rest, self.policy.rest, self.budget, wall, time.sleep, random.random,
            sign=self.keys()[KEY.app_key], purse=purse(KEY.environment),
        )  # fmt: skip


class Queue:
    """Signals as SQS delivers them: at least once. Each message is given out `copies` times, to whoever comes first."""

    def __init__(self, copies: int) -> None:
        self._copies = copies
        self._waiting: deque[tuple[Signal, int]] = deque()
        self.taken: list[Signal] = []
        self._seen: set[str] = set()

    def send(self, signals: Sequence[Signal]) -> None:
        for signal in signals:
            if signal.id not in self._seen:
                self._seen.add(signal.id)
                self.taken.append(signal)
                self._waiting.extend([(signal, 0)] * self._copies)

    def take(self) -> tuple[Signal, int] | None:
        try:
            return self._waiting.popleft()
        except IndexError:
            return None

    def back(self, signal: Signal, tries: int) -> None:
        self._waiting.append((signal, tries))

    def __len__(self) -> int:
        return len(self._waiting)


class NoPasses:
    def ask(self, market: Market, after_s: float, at: Millis) -> None:
        """No second pass is taken."""


class Floor:
    """Everything that trades KRX. `start` begins the schedules, the streamer and the workers; `stop` ends them.

    shelf, outside  what an earlier look left: levels, token and budget
    """

    def __init__(
        self,
        exchange: Exchange,
        policy: MarketPolicy,
        folder: Path,
        *,
        workers: int = 30,
        shelf: MemoryShelf | None = None,
        outside: Outside | None = None,
    ) -> None:
        self.exchange, self.policy, self.folder = exchange, policy, folder
        self.outside = Outside(
            exchange, policy, **({"budget": outside.budget, "vault": outside.vault} if outside else {})
        )
        self.venue, self._quotes = self.outside.venue, self.outside.quotes()
        self.books, self.shelf, self.alerts = MemoryBooks(), shelf or MemoryShelf(wall), MemoryAlerts()
        self.notices, self.sendings = MemoryNotices(), self.books.sendings
        self.queue = Queue(copies=3)
        self.verdicts: list[Verdict] = []
        self.faults: list[str] = []
        self.scans: list[scan.Scanned] = []
        self.runs: Counter[str] = Counter()
        self.left: dict[str, str] = {}
        self._days = self.venue.rules.calendar(policy.day)
        self._workers = workers
        self._over = threading.Event()
        self._hushed = threading.Event()
        self._threads: list[threading.Thread] = []
        self._owners = count(1)
        self._broker = accounts.broker(
            BrokerKind.LIVE, policy, self.venue, sign=self.outside.keys()[KEY.app_key], secrets=self.outside.secrets,
            opt_in=self.outside.number, budget=self.outside.budget, purse=purse(KEY.environment),
            sendings=self.sendings, board=self.notices, days=lambda: self._days, clock=wall, sleep=time.sleep,
            dice=random.random,
            phase=lambda instrument, at: phase(instrument, self._days, self.shelf, policy, at),
        )  # fmt: skip

    def lookout(self) -> Lookout:
        return Lookout(
            market=Market.KRX, policy=self.policy, venue=self.venue, shelf=self.shelf, quotes=self.outside.quotes(),
            alerts=self.alerts, clock=wall, pause=time.sleep,
        )  # fmt: skip

    def desk(self) -> Desk:
        owner, nonces = f"function/{next(self._owners)}", count(1)
        quotes = self._quotes
        return Desk(
            market=Market.KRX, policy=self.policy, rules=self.venue.rules, shelf=self.shelf, leases=self.books.leases,
            ledger=self.books.ledger, broker=self._broker, alerts=self.alerts, clock=wall, monotonic_s=time.monotonic,
            pause=time.sleep, owner=owner, nonce=lambda: f"{owner}/{next(nonces)}", deadline_ms=Millis(21_000),
            name=lambda symbol: "",
            last_price=lambda symbol: next((row.price for row in quotes.tickers([symbol], "KRW")), None),
            state=quotes.state,
        )  # fmt: skip

    def look(self) -> safety.Filtered:
        """The safety filter, before the day opens."""
        return safety.run(self.lookout(), self.books.leases, self.queue)

    def start(self, *, scan_every_s: float) -> None:
        self._thread(self._stream)
        self._every("scan", scan_every_s, lambda: self._scan())
        self._every("sweep", 2.0, lambda: sweep.run(self.desk(), self._quotes))
        self._every("liquidate", 1.0, self._liquidate)
        for _ in range(self._workers):
            self._thread(self._work)

    def hush(self) -> None:
        """The streamer stops, so that nothing is bought for the next day."""
        self._hushed.set()

    def stop(self) -> None:
        self._hushed.set()
        self._over.set()
        for thread in self._threads:
            thread.join(30)

    @property
    def safe(self) -> tuple[str, ...]:
        found = self.shelf.read(SafeSet, Market.KRX)
        return found.safe if found else ()

    def _scan(self) -> None:
        self.scans.append(scan.run(self._lookout, NoPasses(), second=True))

    def _liquidate(self) -> None:
        done = liquidate.run(self.desk())
        self.left = {str(symbol): str(units) for symbol, units in done.left.items()}

    def _work(self) -> None:
        while not self._over.is_set():
            if (found := self.queue.take()) is None:
                time.sleep(0.02)
                continue
            signal, tries = found
            try:
                verdict = handle(signal, self.desk())
            except Transient as fault:
                self.faults.append(f"{signal.id}: {fault}")
                self.queue.back(signal, tries + 1)
                continue
            self.verdicts.append(verdict)
            if verdict.outcome in LATER and tries < 20:
                time.sleep(0.2)
                self.queue.back(signal, tries + 1)

    def _every(self, name: str, seconds: float, run: Callable[[], object]) -> None:
        def loop() -> None:
            while not self._over.is_set():
                begun = time.monotonic()
                try:
                    run()
                    self.runs[name] += 1
                except CoreError as fault:
                    self.faults.append(f"{name}: {fault}")
                self._over.wait(max(seconds - (time.monotonic() - begun), 0.05))

        if name == "scan":
            self._lookout = self.lookout()
        self._thread(loop)

    def _stream(self) -> None:
        asyncio.run(self._streaming())

    async def _streaming(self) -> None:
        self.station = Station(self.venue, self.policy, self._ports(), self.folder)
        running = asyncio.create_task(self.station.run())
        while not self._hushed.is_set():
            await asyncio.sleep(0.05)
            if running.done():
                break
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await self.station.finish(2.0)

    def _ports(self) -> Ports:
        return Ports(
            shelf=self.shelf, leases=self.books.leases, ledger=self.books.ledger, signals=self.queue,
            alerts=self.alerts, quotes=lambda market: self.outside.quotes(), clock=wall, dice=random.random,
            host="test", stage="test", say=lambda line: None, credentials=lambda market: self.outside.keys(),
            secrets=lambda: self.outside.secrets, notices=lambda market: self.notices,
        )  # fmt: skip

    def _thread(self, run: Callable[[], None]) -> None:
        thread = threading.Thread(target=run, daemon=True)
        self._threads.append(thread)
        thread.start()
