"""Which symbols are worth a subscription: scores, targets, and the wanted list with its cooldowns (D2-D4)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from math import log

import msgspec

from core.domain.levels import Candidate, Snapshot, Targets
from core.domain.policies import MarketPolicy, WatchPolicy, Weights
from core.domain.values import Market, Millis

THRESHOLD = -0.08
"""What D10 names for the disparity: the score's threshold where no disparity rule is set."""

STICKY = 1.1
"""A newcomer must beat what is already there by this factor, or two symbols of like score change places for ever."""


class Wanted(msgspec.Struct, frozen=True):
    """What to subscribe, most important first, and until when (epoch ms) each dropped symbol is not taken back."""

    symbols: tuple[str, ...]
    cooldowns: dict[str, Millis]


def score(row: Snapshot, threshold: float, weights: Weights) -> float:
    """How much one symbol deserves watching, 0 or more.

    w1 / (abs(disparity - threshold) + eps) + w2 * intraday volatility + w3 * log(traded value), where the volatility
    is the day's range over the price and the value that of 24 hours. A disparity that is not known adds nothing,
    neither does a traded value of 1 or less (its logarithm would take away).
    """
    near = 0.0 if row.disparity is None else weights.disparity / (abs(row.disparity - threshold) + weights.eps)
    volatility = max(row.high - row.low, 0.0) / row.price if row.price > 0.0 else 0.0
    return near + weights.volatility * volatility + weights.value * log(max(row.value_24h, 1.0))


def targets(
    previous: Targets | None, rows: Iterable[Snapshot], policy: MarketPolicy, at: Millis, market: Market
) -> Targets:
    """The `max_ws_subs` best of one scan, best first, those of the last scan with an edge of STICKY.

    `version` grows by one when the set of symbols is another than before; scores may change without it. The threshold
    of the score is that of the first disparity rule.
    """
    watch, threshold = policy.watch, aimed_at(policy)
    before = {candidate.symbol for candidate in previous.candidates} if previous else set()
    scored = [Candidate(row.symbol, score(row, threshold, watch.weights)) for row in rows]
    best = _ordered(scored, before)[: watch.max_ws_subs]
    changed = {candidate.symbol for candidate in best} != before
    version = (previous.version if previous else 0) + changed
    best.sort(key=lambda candidate: (-candidate.score, candidate.symbol))
    return Targets(market=market, at=at, version=version, candidates=tuple(best))


def wanted(
    held: Collection[str],
    top: Sequence[str],
    candidates: Iterable[Candidate],
    subscribed: Collection[str],
    cooldowns: Mapping[str, Millis],
    policy: WatchPolicy,
    at: Millis,
) -> Wanted:
    """What the streamer should be subscribed to now: held positions, then the Top N, then the best scores.

    Held symbols are always in, even where they alone are more than `max_ws_subs`: an exit must see its price. A symbol
    dropped is not taken back for `subscribe_cooldown_s`, unless it is held. What is subscribed keeps an edge of STICKY
    over what is not. Asking again with the answer gives the answer again.
    """
    running = {symbol: ends for symbol, ends in cooldowns.items() if ends > at}
    first = dict.fromkeys(sorted(held))
    best = [candidate.symbol for candidate in _ordered(candidates, subscribed)]
    rest = dict.fromkeys(symbol for symbol in (*top, *best) if symbol not in first and symbol not in running)
    room = max(policy.max_ws_subs - len(first), 0)
    symbols = (*first, *list(rest)[:room])

    ends = Millis(at + int(policy.subscribe_cooldown_s * 1000))
    dropped = {symbol: ends for symbol in sorted(set(subscribed).difference(symbols)) if ends > at}
    kept = {symbol: until for symbol, until in running.items() if symbol not in first}
    return Wanted(symbols, kept | dropped)


def _ordered(candidates: Iterable[Candidate], present: Collection[str]) -> list[Candidate]:
    """Best first, with an edge for what is present; ties by symbol, so that the same input gives the same list."""
    return sorted(candidates, key=lambda c: (-c.score * (STICKY if c.symbol in present else 1.0), c.symbol))


def aimed_at(policy: MarketPolicy) -> float:
    """The disparity that the score prefers: the threshold of the first disparity rule, else THRESHOLD."""
    found = (rule.params.get("threshold") for rule in policy.rules if rule.kind == "disparity")
    return float(next((threshold for threshold in found if threshold is not None), THRESHOLD))
