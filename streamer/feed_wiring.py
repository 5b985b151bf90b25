"""Puts one market's unified data together: REST client, keys, limits, feed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from uuid import uuid4

import msgspec

from core.adapters.http import HttpQuotes
from core.adapters.keyring import KeyRing, ring
from core.adapters.memory.budget import MemoryBudget
from core.adapters.memory.tokens import MemoryVault
from core.adapters.paced import Circuit
from core.adapters.secrets import EnvSecrets
from core.adapters.wiring import QUICK_TRIES, hurried
from core.domain.errors import Misconfigured
from core.domain.policies import MarketPolicy
from core.domain.unified import Limits
from core.domain.values import Market, Millis
from core.feed.berths import berths
from core.venues.spec import Rules, Venue, environment, purse, venue
from streamer.market_feed import MarketFeed
from streamer.seats import Seats

SLACK = 0.002
"""The previous close is worked out from a rounded change: a price this little outside the limits is let through."""

Clock = Callable[[], Millis]
Sleep = Callable[[float], None]
Dice = Callable[[], float]


class WiredFeed(msgspec.Struct, frozen=True):
    """A feed and what stands behind it; `keys` is None where nobody need sign."""

    feed: MarketFeed
    quotes: HttpQuotes
    keys: KeyRing | None
    first: str = ""

    def circuits(self) -> dict[str, Circuit]:
        """The breakers of the market's endpoints, those of the token calls among them."""
        return {**(self.keys[self.first].circuits if self.keys else {}), **self.quotes.circuits}

    async def close(self) -> None:
        await self.feed.close()
        self.quotes.close()


def wired(
    market: Market, policy: MarketPolicy, env: Mapping[str, str], clock: Clock, sleep: Sleep, dice: Dice
) -> WiredFeed:
    """Everything for one market of a program of its own: budget, tokens and keys are this process's.

    REST gets the patience of a trade: where it does not answer soon, the stream does.

    Raises Misconfigured where the market answers app keys only and the settings name none.
    """
    home, budget = venue(market, policy), MemoryBudget()
    keys = _keys(home, policy, env, budget, clock, sleep, dice)
    first = policy.keys[0].app_key if keys else ""
    quotes = HttpQuotes(
        home.rest,
        hurried(policy.rest),
        budget,
        clock,
        sleep,
        dice,
        tries=QUICK_TRIES,
        sign=keys[first] if keys else None,
        purse=purse(environment(policy)),
    )
    seats = _seats(home, policy, keys)
    feed = MarketFeed(home, policy, quotes, day_limits(home.rules), clock=clock, dice=dice, seats=seats)
    return WiredFeed(feed, quotes, keys, first)


def day_limits(rules: Rules) -> Limits:
    """The venue's legal prices of a day, a hair wider; None wherever the venue has none, or the close is not known."""

    def limits(symbol: str, close: float, at: Millis) -> tuple[float, float] | None:
        if rules.bounds is None or close <= 0.0:
            return None
        lowest, highest = rules.bounds(symbol, Decimal(str(round(close, 8))), at)
        return float(lowest) * (1.0 - SLACK), float(highest) * (1.0 + SLACK)

    return limits


def _keys(
    home: Venue,
    policy: MarketPolicy,
    env: Mapping[str, str],
    budget: MemoryBudget,
    clock: Clock,
    sleep: Sleep,
    dice: Dice,
) -> KeyRing | None:
    if home.rest.keys is None:
        return None
    if not policy.keys:
        raise Misconfigured("this market answers app keys only: `keys` names none", market=home.market.value)
    secrets, vault = EnvSecrets(env), MemoryVault()
    return ring(home.rest, policy, secrets, vault, budget, clock, sleep, dice, lambda: uuid4().hex)


def _seats(home: Venue, policy: MarketPolicy, keys: KeyRing | None) -> Seats | None:
    if not home.stream.keyed or keys is None:
        return None
    thread = ThreadPoolExecutor(1, thread_name_prefix=f"keys-{home.market.value}")

    async def approval(key: str, refused: str) -> str:
        return await asyncio.get_running_loop().run_in_executor(thread, keys.approval, key, refused)

    return Seats(home.stream, policy, berths(policy, orders=False), approval)
