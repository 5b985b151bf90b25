"""What simulated Binance lists: the same coins as simulated Upbit, in USDT, each with filters of its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from core.simulators.coins import Coin
from core.simulators.coins import listing as coins
from core.simulators.ladder import Ladder
from core.simulators.market import SimulatedMarket
from core.simulators.stories import BOOKS as BOOKS_IN_WON

WON = 1388.0
"""KRW a USDT."""
QUOTES = ("USDT", "FDUSD", "BTC")
DIGITS = 6
"""Significant digits of a price."""
STATUSES = {"AQTUSDT": "BREAK", "CARVUSDT": "HALT"}
"""Pairs that are listed and do not trade."""
BOOKS = {
    name: tuple(replace(story, symbol=f"{story.symbol.removeprefix('KRW-')}USDT", flag=None) for story in stories)
    for name, stories in BOOKS_IN_WON.items()
}
"""What happens to the same coins in KRW; no warning is raised, because Binance's listing tells of none."""
ASLEEP = 0.001
"""Trades a second of such a pair's past: it has a history, and next to nothing happens."""


@dataclass(frozen=True)
class Pair:
    """One pair beside what its coin tells: `base` and `quote` assets, steps and least value as filters say them."""

    coin: Coin
    base: str
    quote: str
    tick: Decimal
    step: Decimal
    minimum: Decimal
    status: str = "TRADING"


def listing(count: int = 40) -> tuple[Pair, ...]:
    """`count` USDT pairs, one of them a coin that follows the dollar, and one pair in BTC."""
    won = [coin for coin in coins(count - 1) if coin.quote == "KRW"]
    pairs = [_pair(coin, coin.symbol.removeprefix("KRW-"), "USDT", 1 / WON) for coin in won]
    steady = Coin("KRW-USDC", "유에스디코인", "USD Coin", WON, 9e11, 3.0, restless=0.02)
    bitcoin = next(coin for coin in won if coin.symbol == "KRW-BTC").price
    ether = next((coin for coin in won if coin.symbol == "KRW-ETH"), won[0])
    return (*pairs, _pair(steady, "USDC", "USDT", 1 / WON), _pair(ether, "ETH", "BTC", 1 / bitcoin))


def _pair(coin: Coin, base: str, quote: str, rate: float) -> Pair:
    price, symbol = coin.price * rate, f"{base}{quote}"
    tick = Decimal(1).scaleb(max(math.floor(math.log10(price)) + 1 - DIGITS, -8))
    step = Decimal(1).scaleb(min(max(-math.floor(math.log10(price)) - 2, -8), 0) if price >= 1 else 0)
    habits = {"rate": coin.rate, "spread": coin.spread, "depth": coin.depth, "restless": coin.restless}
    if symbol in STATUSES:
        habits |= {"rate": ASLEEP, "restless": 0.0}
    moved = Coin(symbol, coin.korean, coin.english, price, coin.value * rate, **habits)  # type: ignore[arg-type]
    least = Decimal(5) if quote == "USDT" else Decimal("0.0001")
    return Pair(moved, base, quote, tick, step, least, STATUSES.get(symbol, "TRADING"))


def market_of(pairs: Sequence[Pair], *, seed: int, start: int) -> SimulatedMarket:
    """A market of these pairs; Binance's ids never fall, and have no gaps."""
    ladders = {pair.coin.symbol: Ladder([0.0], [float(pair.tick)]) for pair in pairs}
    coins = [pair.coin for pair in pairs]
    return SimulatedMarket(seed=seed, start=start, coins=coins, ladders=ladders.__getitem__, orderly=True)
