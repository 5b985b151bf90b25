"""A whole trade on simulated venues, over real sockets, whose process the system ends (SIGKILL) before any step.

A step is whatever leaves the process: a request to the tables, a request to the venue, a write of the broker's own log,
an alert. The tables are the model checker's (held against DynamoDB itself by tests/adapters/dynamo/test_lock_contract).
Between two steps nothing leaves the process, so dying before each of them is dying everywhere.
"""

from collections.abc import Callable
from decimal import Decimal
from itertools import count
from signal import SIGKILL
from urllib.parse import urlsplit

import requests
from msgspec.structs import replace

from core.adapters.dynamo.leases import DynamoLeases
from core.adapters.dynamo.ledger import DynamoLedger
from core.adapters.dynamo.sendings import DynamoSendings
from core.adapters.memory.shelf import MemoryShelf
from core.app import liquidate, sweep
from core.app.crew import enlist
from core.domain.levels import SafeSet
from core.domain.orders import DONE
from core.domain.policies import DayPolicy, WorkerPolicy
from core.domain.signals import Signal
from core.domain.values import ZERO, Market, Millis, Side
from core.domain.workers import Status
from tests.adapters.dynamo.couriers import awake
from tests.crash.processes import end_by_sigkill, run
from tests.fakes import Died, Told, desk_of, policy
from tests.model.table import Table
from tests.reckoning import differences
from tests.watching import Quotes

POLICY = policy()

ENDS = "12:50"
"""The day's end in Korea, some minutes after a floor's clock begins: everything is sold before it."""

HOURS = {"2026-09-23": f"09:00-{ENDS}"}
LEASE_S = 20
WRITES = {"write", "claim", "record"}
TABLES = {"get_item", "put_item", "update_item", "delete_item", "transact_write_items", "query", "scan"}

owners = count(1)


class Steps:
    """What leaves the process, by name; it dies before the `last`: `die` ends it."""

    def __init__(self, last: int | None = None, die: Callable[[str], None] | None = None) -> None:
        self.last, self.taken, self.die = last, [], die or _died
        self.on = True

    def take(self, name: str) -> None:
        if not self.on:
            return
        self.taken.append(name)
        if self.last is not None and len(self.taken) == self.last:
            self.on = False
            self.die(name)


def _died(name: str) -> None:
    raise Died(name)


def _bare(port):
    return port._port if isinstance(port, Watched) else port


class Watched:
    """A port whose calls of these names are steps."""

    def __init__(self, port, steps, names, told=""):
        self._port, self._steps, self._names, self._told = port, steps, names, told

    def __getattr__(self, name):
        method = getattr(self._port, name)
        if name not in self._names:
            return method

        def stepped(*args, **kwargs):
            self._steps.take(f"{self._told}{name}")
            return method(*args, **kwargs)

        return stepped


class Ground:
    """A floor, tables, levels and alerts that outlive every process. `desk(steps)` is a process."""

    def __init__(self, floor, patch):
        self.floor, self.book, self.table, self.told = floor, floor, Table(), Told()
        self.clock, self.on = floor.clock, floor.instrument
        self.shelf = MemoryShelf(self.clock)
        self.shelf.write(SafeSet(market=self.on.market, at=self.clock(), safe=(self.on.symbol,), excluded=()))
        later = Millis(self.clock() + 86_400_000)  # a streamer that sees everything leaves the sweep no exits to watch
        seen = {"subscribed": (self.on.symbol,), "heard": {self.on.symbol: later}}
        self.shelf.write(replace(awake(later), market=self.on.market, **seen))
        self.steps = Steps(None)
        self.steps.on = False
        send = requests.Session.send
        self.slippage = POLICY.risk.max_slippage

        def sent(session, request, **more):
            self.steps.take(f"venue: {request.method} {urlsplit(request.url).path}")
            return send(session, request, **more)

        patch.setattr(requests.Session, "send", sent)
        floor.grounds.append(self)
        floor.sendings = DynamoSendings("ledger", self.table, pause=lambda s: None, dice=lambda: 0.5)
        enlist(self.desk(), self.clock())

    def desk(self, **changes):
        """A fresh process's: it shares nothing with another but the world."""
        client = Watched(self.table, self.steps, TABLES)
        floor, owner, nonces = self.floor, f"worker/{next(owners)}", count(1)
        capital = (floor.price * floor.quantity * Decimal("1.05")).quantize(Decimal(1))
        risk = replace(
            POLICY.risk, per_symbol=capital, total_exposure=3 * capital, max_positions=3, max_slippage=self.slippage
        )
        policy = replace(
            POLICY, workers=WorkerPolicy(count=2, capital=capital), risk=risk,
            safety=replace(POLICY.safety, max_age_s=10**6), **changes,
        )  # fmt: skip
        return desk_of(
            market=self.on.market, policy=policy, rules=floor.venue.rules, shelf=self.shelf,
            leases=DynamoLeases("locks", "ledger", client, pause=lambda s: None, dice=lambda: 0.5),
            ledger=DynamoLedger("ledger", client, pause=lambda s: None, dice=lambda: 0.5),
            broker=floor.broker(**self._noted()), alerts=Watched(self.told, self.steps, {"send"}, "alerts: "),
            clock=self.clock, monotonic_s=lambda: self.clock() / 1000, pause=self.clock.sleep, owner=owner,
            nonce=lambda: f"{owner}/{next(nonces)}", deadline_ms=Millis(LEASE_S * 1000),
            last_price=lambda symbol: float(floor.price),
        )  # fmt: skip

    def _noted(self):
        if hasattr(self.floor, "store"):
            if not isinstance(self.floor.store, Watched):
                self.floor.store = Watched(self.floor.store, self.steps, WRITES | {"order", "holding"}, "paper: ")
            self.floor.store._steps = self.steps
            return {}
        return {"sendings": Watched(self.floor.sendings, self.steps, WRITES | {"read"}, "the broker's log: ")}

    def signal(self, side, name="s", expires_s=600):
        price = float(self.floor.price)
        return Signal(
            id=f"{self.on}:{name}", instrument=self.on, side=side, rule="fall" if side is Side.BUY else "stop_loss",
            price=price, value=-0.1, threshold=-0.08, at=self.clock(), seen=self.clock(),
            expires=Millis(self.clock() + expires_s * 1000),
        )  # fmt: skip

    def mortal(self, steps, act):
        """Run `act` as a process that dies where `steps` say; True where it did."""
        self.steps = steps
        try:
            act()
        except Died:
            return True
        finally:
            self.steps = Steps(None)
            self.steps.on = False
        return False

    def killed(self, steps, act):
        """As `mortal`, in a process of its own that SIGKILL ends."""
        ours = dict.fromkeys(("book", "table", "told", "shelf", "clock"), self)
        theirs = ("sendings", "board", "budget", "vault", "store", "clock")
        owners = {**ours, **{name: self.floor for name in theirs if hasattr(self.floor, name)}}
        world = {name: _bare(getattr(owner, name)) for name, owner in owners.items()}

        def live(far, tell):
            for name, owner in owners.items():
                setattr(owner, name, far[name])
            self.clock = self.floor.clock
            steps.die = lambda name: (tell(steps.taken), end_by_sigkill())
            self.steps = steps
            act()
            tell(steps.taken)

        code, told = run(world, live)
        assert code in (0, -SIGKILL), told
        steps.taken = told
        return code != 0

    def sweep(self):
        return sweep.run(self.desk(), Quotes(self.on.symbol))

    def liquidate(self):
        return liquidate.run(self.desk(**self.day()))

    def day(self):
        """A day that ends soon, whatever the market's habit."""
        return {
            "day": DayPolicy(ends=ENDS if self.on.market is not Market.KRX else "16:30", hours=HOURS, liquidate=True)
        }

    def lock(self):
        return self.desk().leases.lock(self.on)

    def untold(self):
        """Fills that nobody was told of, even once the sweep came by."""
        day = self.desk().days.day_of(self.clock())
        orders = self.desk().ledger.orders(self.on.market, day)
        told = {alert.id.partition(":")[0] for alert in self.told.sent}
        return {order.id for order in orders if order.fills and order.reason != "dust"} - told

    def written(self):
        """Every order that our ledger has as finished."""
        days = {self.desk().days.day_of(Millis(deal.at)) for deal in self.floor.deals()}
        rows = [order for day in days for order in self.desk().ledger.orders(self.on.market, day)]
        return [order for order in rows if order.state in DONE]

    def trouble(self):
        """What is not as it must be once everything has settled; nothing where all is well."""
        desk, lock = self.desk(), self.lock()
        held = lock.position if lock else None
        units = held.quantity if held else ZERO
        dust = lock.dust if lock else ZERO
        worth = held.cost + held.fees if held else ZERO
        account = desk.ledger.account(self.on.market, "any")
        holding = [w.symbol for w in desk.ledger.workers(self.on.market) if w.status in (Status.HOLD,)]
        checks = {
            "the venue holds": (self.floor.units, units + dust),
            "lock": ((lock.owner, lock.intent) if lock else ("", None), ("", None)),
            "open orders": (desk.ledger.open_orders(self.on.market), []),
            "account": ((account.exposure, account.positions), (worth, int(held is not None))),
            "workers": (holding, [self.on.symbol] if held else []),
        }
        known = {name: pair for name, pair in checks.items() if pair[0] != pair[1]}
        return known | differences(self.floor.deals(), desk)
