"""What the use cases need of the world, each as small as its users allow; adapters and fakes are checked against it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Protocol, TypeVar, runtime_checkable

import msgspec

from core.domain.events import Bar, Book, Listing, MarketState, OrderNotice, Ticker
from core.domain.leases import Answer, Ask, Granted, Intent, Left, Lock
from core.domain.messages import Alert, Delivery
from core.domain.orders import Fill, Order
from core.domain.policies import UniversePolicy
from core.domain.positions import Position, RoundTrip
from core.domain.sendings import Sending, Taking
from core.domain.signals import Signal
from core.domain.tenure import Shard, Tenure
from core.domain.turns import Stretch
from core.domain.values import ZERO, Instrument, Market, Millis
from core.domain.workers import Status, Worker

T = TypeVar("T")

Clock = Callable[[], Millis]
"""Epoch milliseconds; given to a use case by its composition root, never read inside the rings."""


class Shelf(Protocol):
    """Level state by type and market: written whole, read by anyone (core/domain/levels.py)."""

    def read(self, kind: type[T], market: Market) -> T | None: ...

    def write(self, value: msgspec.Struct, *, ttl_s: int | None = None, tag: str = "") -> None:
        """Replace the level; the key is the value's class, its `market`, and `tag` where there is one."""

    def write_once(self, value: msgspec.Struct, tag: str) -> bool:
        """Write under class, market and `tag` unless it is there already; False where it was."""

    def read_tagged(self, kind: type[T], market: Market, tag: str) -> T | None: ...


class Quotes(Protocol):
    """A venue's public REST side, paced and retried within the shared budget. Raises Transient or Refused."""

    def listing(self, universe: UniversePolicy) -> list[Listing]: ...

    def tickers(self, symbols: Sequence[str], quote: str) -> list[Ticker]: ...

    def books(self, symbols: Sequence[str], depth: int) -> list[Book]: ...

    def bars(self, symbol: str, span: Millis, count: int, until: Millis | None = None) -> list[Bar]: ...

    def history(self, symbol: str, counts: Mapping[Millis, int]) -> dict[Millis, list[Bar]]:
        """The newest candles by length, at least so many of each, in as few calls as the venue allows."""
        ...

    def holidays(self, first: str) -> dict[str, bool]:
        """Does each day from `first` (YYYY-MM-DD) on trade? As far as the venue says; empty where it never does."""
        ...

    def busiest(self, count: int) -> list[str]:
        """Symbols of the largest traded value today, largest first; empty where the venue ranks nothing."""
        ...

    def state(self, symbol: str) -> MarketState | None:
        """Does the venue let it trade now? None where the venue has no word for it."""
        ...

    @property
    def calls(self) -> int:
        """HTTP calls made so far by this object."""
        ...


class Credentials(Protocol):
    """Keys of a market's streams. Asked before each connection; one process in all fetches, the others read."""

    def approval(self, key: str, refused: str = "") -> str:
        """The approval key of the app key that settings name `key` (KeyPolicy.app_key).

        refused  one that the venue did not accept: another is fetched, as soon as the venue allows it
        Raises Transient (RateLimited with a pause), Refused, Misconfigured.
        """


class Notices(Protocol):
    """Where a venue's own-order notices of our account are put, in the order in which they came. Raises Transient."""

    def put(self, notices: Sequence[OrderNotice]) -> None: ...


class NoticeBoard(Protocol):
    """What was put there, for whoever asks about an order. Raises Transient."""

    def about(self, instrument: Instrument, since: Millis) -> list[OrderNotice]:
        """In the order in which they came; `since` is by our clock. A number nobody knows yet simply lies there."""


class Sendings(Protocol):
    """A broker's own log of what it sent, one entry for each client order id. Raises Transient."""

    def read(self, order: str) -> Sending | None: ...

    def write(self, sending: Sending) -> bool:
        """False where what is there is not one version older: someone else was here.

        Raises OrderExecutionError, with nothing written, where a buy would be noted as sent into a halt.
        """

    def claim(self, sending: Sending, identity: str) -> bool:
        """As `write`, and the venue's order is ours from now on; False also where it is another order's."""


class Budget(Protocol):
    """The calls per second that all functions share."""

    def take(self, market: Market, group: str, limit: float, at: Millis) -> int:
        """Take one call; returns 0 where it may go at once, else how many ms to wait before asking again."""


class Claim(msgspec.Struct, frozen=True):
    """Whether it is ours, and until when that holds by the clock of whoever has it."""

    mine: bool
    until: Millis


class Spare(Protocol):
    """Which process may use what is kept free of a market's limits: one at a time. Raises Transient."""

    def claim(self, market: Market, owner: str, at: Millis) -> Claim:
        """Have it, or go on having it, where nobody else does."""


class Turns(Protocol):
    """Who pays for the calls to the venue that a buy makes. Raises Transient."""

    def unasked(self, order: Order, at: Millis) -> bool:
        """Can this process look at the venue before such a buy without asking anybody for a turn?"""

    def wanted(self, order: Order, at: Millis, *, looked: bool) -> Sequence[Stretch]:
        """What is to be taken with the symbol for the rest of its calls, the looks among them unless `looked`."""

    def took(self, stretches: Sequence[Stretch]) -> None:
        """They are this process's: its calls go in them from now on."""


class Leases(Protocol):
    """The symbol locks: every write that matters carries the fence."""

    def grant(self, ask: Ask, at: Millis) -> Answer: ...

    def engage(
        self,
        ask: Ask,
        order: Order,
        worker: Worker,
        limits: Limits,
        at: Millis,
        turns: Sequence[Stretch] = (),
    ) -> Answer | Left | Reserved:
        """A buy's grant and reservation in one write: all of it, or nothing and no lock taken.

        turns  of the venue's budget, taken in the same write; a grant has those that were free, or soon free (`turns`)
        """

    def reserve(self, held: Granted, order: Order, worker: Worker, limits: Limits, at: Millis) -> Reserved: ...

    def note(self, held: Granted, order: Order, at: Millis) -> Reserved:
        """Write a sell order before the venue is asked."""

    def commit(self, held: Granted, settlement: Settlement, at: Millis) -> bool:
        """Write position or flat, order, result, worker, account, signal done; give the lock back. False = not ours.

        Raises UnknownOutcome, with nothing written, where the number that the order came with is not its own.
        """

    def park(self, held: Granted, order: Order, at: Millis, taking: Taking | None = None) -> bool:
        """It is not finished: keep the intent, write the order as it is, let the lease lapse. Raises as commit."""

    def release(self, held: Granted, at: Millis) -> bool:
        """Give the lock back with nothing taken: the intent goes, its signal counts as settled. False = not ours."""

    def renew(self, held: Granted, ends: Millis) -> bool:
        """Make the lease end later. False where it is no longer ours."""

    def adopt(self, lock: Lock, worker: Worker, at: Millis) -> bool:
        """Give a dead worker's position to a free one, and fence the old owner off. False where anything changed."""

    def evict(self, lock: Lock) -> bool:
        """End a lease now and fence its owner off; any intent stays and is finished by whoever comes next."""

    def amend(self, lock: Lock, change: Amendment, at: Millis) -> bool:
        """Make the books of a symbol that nobody works on as they should be. False where anything moved meanwhile."""

    def tidy(self, lock: Lock, at: Millis) -> bool:
        """Take the name of an owner off whose lease has ended and that left nothing. False where anything changed."""

    def locks(self) -> list[Lock]: ...

    def lock(self, instrument: Instrument) -> Lock | None: ...


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a buy must fit into, in quote currency: checked by the store in the transaction that takes it.

    daily_loss         less what open positions stand to lose, where the owner has that counted
    currency           what it is paid in: the exposure of all its markets is counted together, "" for not at all
    currency_exposure  their limit, None for none
    streak             that many positions lost one after the other today stop buys, 0 for never
    streak_since       losses before this do not stop them any more
    workers            as many positions there can be, one for each; 0 where the workers themselves tell
    """

    cost: Decimal
    per_symbol: Decimal
    total_exposure: Decimal
    daily_loss: Decimal
    max_positions: int
    day: str
    currency: str = ""
    currency_exposure: Decimal | None = None
    streak: int = 0
    streak_since: Millis = Millis(0)
    workers: int = 0


class Reserved(msgspec.Struct, frozen=True, kw_only=True):
    """`refused` is empty where the order may go on, else the `Barrier` that stood in the way, with its figures.

    lost  the lock is not ours any more, or the store did not answer: do nothing, the lease lapses by itself
    """

    refused: str = ""
    detail: str = ""
    lost: bool = False


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one finished (or partly finished) order changes, written in one transaction.

    position  what is held afterwards, None for flat
    trip      the results row of a sell, None for a buy or for nothing sold
    freed     exposure given back to the account (less than zero where the fills cost more than was reserved)
    day       the market's day whose realised profit and loss the trip belongs to
    done      the signal is settled: the lock is given back. Else `next` is the intent of the next leg, and we keep it
    currency  as in the limits that the exposure was reserved under
    lost      did the position that this closes end with a loss? None where none is closed
    dust      units that this writes off: the venue has them still
    news      what people are to be told of it: kept with the order until `Ledger.told`, whoever dies before telling it
    taking    the venue's number of the order, where it becomes its own with this
    """

    order: Order
    position: Position | None
    trip: RoundTrip | None
    worker: str
    freed: Decimal
    day: str
    done: bool
    next: Intent | None = None
    currency: str = ""
    lost: bool | None = None
    dust: Decimal = ZERO
    news: Alert | None = None
    taking: Taking | None = None


class Amendment(msgspec.Struct, frozen=True, kw_only=True):
    """What a symbol's books become where the venue was right and they were not (E8), in one transaction.

    position  what is held afterwards, None for flat; `dust` the units of nobody that the venue has besides
    trip      the results row of what a person sold or what was written off, None for neither
    hired     the worker that owns it from now on, as it was read; None where the owner stays
    dismissed the worker that holds nothing any more; freed, day, currency, lost, news as in a settlement
    order     an order of ours that had been given up and that the venue has: its row, in `decided`, its own day
    """

    position: Position | None
    dust: Decimal
    freed: Decimal
    day: str
    currency: str
    trip: RoundTrip | None = None
    lost: bool | None = None
    hired: Worker | None = None
    dismissed: str = ""
    news: Alert | None = None
    order: Order | None = None
    decided: str = ""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """What one market's positions and pending buys have taken, and what its day has realised; quote currency.

    streak  positions lost one after the other today; `lost` when the last of them was
    """

    exposure: Decimal
    positions: int
    realised: Decimal
    streak: int = 0
    lost: Millis = Millis(0)


class Total(msgspec.Struct, frozen=True, kw_only=True):
    """What is counted as taken in a market, or of a currency (no positions there). `moves` grows with every change."""

    exposure: Decimal
    positions: int
    moves: int


class Ledger(Protocol):
    """Orders, round trips, workers and accounts, for reading and for what needs no lock."""

    def workers(self, market: Market) -> list[Worker]: ...

    def register(self, worker: Worker) -> bool:
        """Write a worker that is not there yet, or whose life has ended; False where it was there."""

    def move(self, worker: Worker, to: Status, at: Millis, note: str = "") -> bool:
        """Move a worker that still is as `worker` says; False where it has changed. Raises WorkerError."""

    def beat(self, worker: Worker, at: Millis) -> bool:
        """Say that a worker was found in order; False where it moved since it was read."""

    def account(self, market: Market, day: str) -> Account: ...

    def exposure(self, currency: str) -> Decimal:
        """What positions and pending buys have taken in all markets of a currency."""

    def total(self, of: Market | str) -> Total:
        """As it is counted, of a market or of a currency by its name; nothing and no move where it never was."""

    def correct(self, of: Market | str, was: Total, exposure: Decimal, positions: int) -> bool:
        """Make a total what the locks add up to; False where anything moved since `was` was read."""

    def order(self, key: str) -> Order | None: ...

    def close(self, order: Order, was: Order, day: str) -> bool:
        """Write the end of an order that no lock is about; False where its row is not as `was` any more."""

    def open_orders(self, market: Market) -> list[Order]: ...

    def untold(self, market: Market) -> list[tuple[str, Alert]]:
        """News of orders and amendments, by a key, that nobody has confirmed (`told`) yet; it may have been sent."""

    def told(self, key: str) -> None:
        """The news of this key is on its way."""

    def orders(self, market: Market, day: str) -> list[Order]: ...

    def trips(self, market: Market, day: str) -> list[RoundTrip]: ...

    def halted(self, market: Market, symbol: str = "") -> str:
        """Why buys are stopped in this market, or for this symbol of it; "" where they are not."""

    def halts(self) -> dict[str, str]:
        """Every halt in force, its reason by its scope."""

    def halt(self, scope: str, reason: str, at: Millis, *, sells: bool = False) -> None:
        """Stop buys. `scope` is "all", a market, or market:symbol; `sells`: what is held there is sold as well."""

    def flattening(self) -> dict[str, str]:
        """The halts whose positions are still to be sold, their reasons by scope."""

    def flattened(self, scope: str) -> None:
        """All of it is sold; buys stay halted."""

    def resume(self, scope: str) -> None:
        """Allow buys again; what was not sold yet is not sold any more."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a venue says of one of our orders. `order.state` is OPEN, PARTIAL or one of DONE."""

    venue_id: str
    state: str
    fills: tuple[Fill, ...]
    note: str = ""


class Broker(Protocol):
    """Where orders go. Raises OrderExecutionError (refused, nothing done), UnknownOutcome, Transient (was not sent)."""

    def place(self, order: Order, at: Millis) -> Outcome: ...

    def find(self, order: Order, at: Millis) -> Outcome | None:
        """None only where it is certain that the venue has never had this order; UnknownOutcome where it is not."""

    def cancel(self, order: Order, at: Millis) -> Outcome: ...

    def taking(self, order: Order) -> Taking | None:
        """What the end of this order has to write of it besides, handed over once; None where there is nothing."""

    def holdings(self, market: Market) -> dict[str, Decimal]:
        """Units by symbol, as the venue says."""


@runtime_checkable
class Purse(Protocol):
    """A broker that can say what the account's cash buys; paper has no cash. Raises Transient or Refused."""

    def affordable(self, symbol: str, price: Decimal | None) -> Decimal:
        """Units at that price, or at whatever a market order costs at most; without credit."""
        ...


class Shards(Protocol):
    """Who streams which part of a market (D13). Raises Transient."""

    def read(self, shard: Shard) -> Tenure:
        """The row as it is now; an empty one, of version 0, where there is none."""

    def write(self, shard: Shard, row: Tenure) -> bool:
        """Replace the row, where it still is of the version that `row` names; False where it is not."""


class Signals(Protocol):
    def send(self, signals: Sequence[Signal]) -> None: ...


class Alerts(Protocol):
    """Where alerts are put for delivery: one message for each channel."""

    def send(self, alerts: Iterable[Alert]) -> None: ...


class DeadLetters(Protocol):
    """Where messages lie that nobody could handle. Raises Transient or Misconfigured."""

    def depths(self) -> dict[str, int]:
        """Messages by queue, as far as the service counts them."""


class Cooldowns(Protocol):
    """F3: one claim per topic and channel, kept across restarts and shared by all senders."""

    def claim(self, delivery: Delivery, cooldown_ms: int, at: Millis) -> bool:
        """True where this delivery may be sent: nothing on its topic within the cooldown, or this same alert unsent.

        Raises Transient while another delivery of this same alert is at it (`free` and `sent` end that).
        """

    def sent(self, delivery: Delivery, at: Millis) -> None: ...

    def free(self, delivery: Delivery) -> None:
        """It was not sent: the same alert may be claimed again at once."""


class Notifier(Protocol):
    """One chat service. Raises RateLimited, Transient, Refused."""

    def send(self, alert: Alert, picture: bytes | None) -> None: ...


class News(Protocol):
    """Says once that the Top N changed, to whoever subscribed (C2)."""

    def publish(
        self, market: Market, added: Sequence[str], removed: Sequence[str], version: int, at: Millis
    ) -> None: ...


class Passes(Protocol):
    """Asks for another scan of a market after a pause shorter than any schedule can say (mode B)."""

    def ask(self, market: Market, after_s: float, at: Millis) -> None: ...
