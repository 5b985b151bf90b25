"""From the subscription to the signal: slot, line, newest data, candles, and each rule at the newest price."""

from __future__ import annotations

from collections.abc import Iterator

from core.app.gates.facts import Facts, Gate, Mark, passed, seconds
from core.domain.levels import StreamHealth
from core.domain.quality import Quality
from core.domain.sight import MOST, RuleSight, Sight
from core.domain.values import SECOND
from core.domain.wording import plain

SEEN_MS = 30 * SECOND
"""What a streamer writes of its symbols is older than this only where it does not write any more."""


def streamed(facts: Facts) -> Iterator[Gate]:
    health = facts.stream
    if health is None:
        yield Gate("stream", Mark.WAIT, "the streamer has not reported yet")
        return
    yield _line(facts, health)
    yield _slot(facts, health)
    yield passed(facts.symbol not in health.halted, "trading", "halted" if facts.symbol in health.halted else "free")
    yield from _data(facts)
    yield _signal(facts)
    if facts.signal is not None:
        most = facts.signal.price * (1 + facts.policy.risk.max_slippage)
        yield passed(facts.price <= most, "price moved", plain(facts.price), f"at most {plain(most)}")


def _line(facts: Facts, health: StreamHealth) -> Gate:
    age, most = facts.at - health.at, facts.policy.sweep.silent_s * 1000
    found = f"said so {seconds(age)} ago, {'connected' if health.connected else 'lost'}"
    return passed(age <= most and health.connected, "stream", found, f"at most {seconds(most)}", bad=Mark.WAIT)


def _slot(facts: Facts, health: StreamHealth) -> Gate:
    """Has it a place on a connection, and if not, which place in the queue?"""
    place = _place(facts.symbol, health.wanted)
    of = f"{len(health.subscribed)} subscribed, {len(health.wanted)} wanted"
    if facts.symbol in health.subscribed:
        return Gate("subscription", Mark.PASS, "subscribed" + (f", place {place}" if place else ""), of)
    if queue := _place(facts.symbol, health.cut):
        found = f"no registration is left for it: place {queue} of {len(health.cut)} in the queue"
        return Gate("subscription", Mark.WAIT, found, of)
    if place:
        return Gate("subscription", Mark.WAIT, f"wanted, place {place}, not confirmed yet", of)
    ends = facts.watched.cooldowns.get(facts.symbol, 0) if facts.watched else 0
    if ends > facts.at:
        cooldown = f"{facts.policy.watch.subscribe_cooldown_s:g} s after it was dropped"
        return Gate("subscription", Mark.WAIT, f"cooling down, {seconds(ends - facts.at)} left", cooldown)
    return Gate("subscription", Mark.WAIT, "not wanted", f"the best {facts.policy.watch.max_ws_subs}, {of}")


def _place(symbol: str, symbols: tuple[str, ...]) -> int:
    return symbols.index(symbol) + 1 if symbol in symbols else 0


def _data(facts: Facts) -> Iterator[Gate]:
    seen, sight = facts.watched, facts.sight
    if seen is None or facts.at - seen.at > SEEN_MS:
        yield Gate("data", Mark.WAIT, "the streamer has told of no symbol lately", f"at most {seconds(SEEN_MS)}")
        return
    if sight is None:
        told = f"of the {MOST} most wanted symbols only" if len(seen.sights) >= MOST else ""
        yield Gate("data", Mark.WAIT, "nothing came yet", told)
        return
    stale_s = facts.policy.stream.stale_s
    most = (facts.venue.stream.stale_s if stale_s is None else stale_s) * 1000
    age = seen.at - sight.at
    limit = f"at most {seconds(most)}" if most else ""
    fresh = not most or age <= most or not facts.days.is_open(facts.at)
    found = f"last trade {seconds(age)} old" if sight.at else "no trade yet"
    yield passed(fresh and bool(sight.at), "data", found, limit, f"at {plain(sight.price)}", bad=Mark.WAIT)
    yield _candle(sight, seen.at)
    yield from (_rule(rule, sight.price) for rule in sight.rules)


def _candle(sight: Sight, at: int) -> Gate:
    if not sight.opens:
        return Gate("candle", Mark.WAIT, "none yet")
    found = f"1m of {seconds(max(0, at - sight.opens))} ago, {sight.quality}"
    detail = ", ".join(part for part in (sight.reason, f"{sight.candles} closed ones kept") if part)
    return passed(sight.quality != Quality.GAPPED, "candle", found, "not gapped", detail, bad=Mark.WAIT)


def _rule(rule: RuleSight, price: float) -> Gate:
    """How far the price is from where the rule could be true."""
    name = f"rule {rule.name}"
    if rule.deaf:
        return Gate(name, Mark.WAIT, rule.deaf, "", rule.condition)
    if rule.value is not None and rule.threshold is not None:
        said = "" if rule.armed else ", said already: it must be false once before it is said again"
        return Gate(name, Mark.PASS, f"true: {rule.value:+.4f}", f"{rule.threshold:+.4f}", rule.condition + said)
    edges = [(f"at or under {plain(rule.below)}", rule.below)] if rule.below else []
    edges += [(f"at or over {plain(rule.above)}", rule.above)] if rule.above else []
    away = ", ".join(f"{edge / price - 1:+.2%} away" for _, edge in edges) if price > 0.0 else ""
    limit = " or ".join(words for words, _ in edges)
    return Gate(name, Mark.WAIT, f"false at {plain(price)}", limit, " · ".join(filter(None, (rule.condition, away))))


def _signal(facts: Facts) -> Gate:
    newest = facts.signal
    if newest is None:
        known = len(facts.buyable.signals) if facts.buyable else 0
        return Gate("signal", Mark.WAIT, "no live buy signal", "", f"{known} symbols have one")
    left = newest.expires - facts.at
    found = f"{newest.rule}, {seconds(facts.at - newest.at)} ago at {plain(newest.price)}: {newest.value:+.4f}"
    if left <= 0:
        return Gate("signal", Mark.WAIT, found, f"{newest.threshold:+.4f}", "expired; its condition still holds")
    if facts.lock is not None and newest.id in facts.lock.done:
        return Gate("signal", Mark.WAIT, found, f"{newest.threshold:+.4f}", "acted on already: the next one counts")
    return Gate("signal", Mark.PASS, found, f"{newest.threshold:+.4f}", f"expires in {seconds(left)}")
