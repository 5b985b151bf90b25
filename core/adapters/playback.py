"""Everything a replay stands on, in memory and empty: `hoga replay FILE` is one call of `play`."""

from collections.abc import Iterable
from itertools import count

from core.adapters.memory.books import MemoryBooks
from core.adapters.memory.paper import MemoryPaperStore
from core.adapters.memory.queue import MemoryAlerts
from core.adapters.memory.shelf import MemoryShelf
from core.adapters.paper import PaperBroker
from core.app.desk import Desk
from core.app.playhead import Playhead
from core.app.replay import Replay, replay
from core.domain.engine import Engine
from core.domain.policies import MarketPolicy
from core.domain.values import MINUTE, Market, Millis
from core.feed.session import Session
from core.venues.spec import venue


def play(tape: Iterable[tuple[Millis, bytes]], market: Market, policy: MarketPolicy) -> Replay:
    """Play a market's tape under an owner's settings. Nothing is kept, no one is called, no clock is read."""
    playhead, found = Playhead(), venue(market)
    engine = Engine(market, policy, found.rules.link)
    session = Session(found.stream, policy.stream, "replay")
    return replay(tape, session, engine, desk(market, policy, playhead), playhead)


def desk(market: Market, policy: MarketPolicy, playhead: Playhead) -> Desk:
    """A desk whose only venue is the tape."""
    rules, books, attempts = venue(market).rules, MemoryBooks(), count(1)
    return Desk(
        market=market,
        policy=policy,
        rules=rules,
        shelf=MemoryShelf(playhead.clock),
        leases=books.leases,
        ledger=books.ledger,
        broker=PaperBroker(playhead, rules, MemoryPaperStore(), playhead.clock),
        alerts=MemoryAlerts(),
        clock=playhead.clock,
        monotonic_s=playhead.monotonic_s,
        pause=_at_once,
        owner="replay",
        nonce=lambda: f"replay-{next(attempts)}",
        deadline_ms=MINUTE,
        name=str,
        last_price=playhead.last_price,
    )


def _at_once(seconds: float) -> None:
    """Nobody waits in a replay: only the tape moves its time."""
