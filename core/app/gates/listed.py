"""From the list to the ranking: session, halts, the safety filter, the scan and its pre-filters, score and Top N."""

from __future__ import annotations

from collections.abc import Iterator

from core.app.gates.facts import Facts, Gate, Mark, passed, seconds
from core.domain import watchlist
from core.domain.phases import AUCTIONS
from core.domain.sessions import thin_liquidating
from core.domain.wording import plain

STALE_SCANS = 3
"""Intervals after which a scan is no picture of the market any more."""


def listed(facts: Facts) -> Iterator[Gate]:
    yield from _session(facts)
    yield passed(not facts.halted, "halt", facts.halted or "buying is allowed")
    yield from _safe(facts)
    yield from _scanned(facts)
    yield from _ranked(facts)


def _session(facts: Facts) -> Iterator[Gate]:
    phase, opens = facts.days.phase(facts.at), facts.days.opens(facts.at)
    shut = not facts.days.is_open(facts.at)
    detail = f"opens in {seconds(opens - facts.at)}" if shut else ""
    yield passed(not shut and phase not in AUCTIONS, "session", phase.value, detail=detail)
    if facts.days.flat:
        ends = thin_liquidating(facts.at, facts.policy.day, facts.days)
        before_s = max(facts.policy.day.thin_before_s, facts.policy.day.liquidate_before_s)
        left = facts.days.closes(facts.at) - facts.at
        yield passed(not ends, "day end", f"{seconds(left)} left", f"more than {seconds(before_s * 1000)}")


def _safe(facts: Facts) -> Iterator[Gate]:
    safe, most = facts.safe, facts.policy.safety.max_age_s * 1000
    if safe is None:
        yield Gate("safe list", Mark.STOP, "there is none yet")
        return
    age = facts.at - safe.at
    yield passed(age <= most, "safe list", f"{seconds(age)} old", f"at most {seconds(most)}")
    reasons = next((one.reasons for one in safe.excluded if one.symbol == facts.symbol), ())
    good = facts.symbol in safe.safe
    yield passed(good, "safety filter", "safe" if good else ", ".join(reasons) or "not in the universe")


def _scanned(facts: Facts) -> Iterator[Gate]:
    health = facts.health
    if health is not None:
        yield passed(not health.safe_mode, "safe mode", health.reason if health.safe_mode else "off")
    if facts.scan is None:
        yield Gate("scan", Mark.WAIT, "none yet")
        return
    age = facts.at - facts.scan.at
    most = STALE_SCANS * (health.interval_ms if health else facts.policy.scan.interval_s * 1000)
    young = age <= most or not facts.days.is_open(facts.at)
    yield passed(young, "scan", f"{seconds(age)} ago", f"at most {seconds(most)}", bad=Mark.WAIT)
    yield from _filters(facts)


def _filters(facts: Facts) -> Iterator[Gate]:
    row, limits = facts.row, facts.policy.scan
    if row is None:
        yield Gate("pre-filter", Mark.STOP, "not in the last scan", detail="only safe symbols are scanned")
        return
    value = max(row.value, row.value_24h)
    yield passed(row.price > 0.0, "price", plain(row.price), "above 0", f"{row.change:+.2%} today")
    yield passed(row.volume >= limits.min_volume, "volume", plain(row.volume), f"at least {plain(limits.min_volume)}")
    yield passed(value >= limits.min_value, "traded value", plain(value), f"at least {plain(limits.min_value)}")
    known, most = row.spread is not None, f"at most {limits.max_spread:.2%}"
    found = f"{row.spread:.2%}" if row.spread is not None else "not known"
    yield passed(not known or (row.spread or 0.0) <= limits.max_spread, "spread", found, most)


def _ranked(facts: Facts) -> Iterator[Gate]:
    yield _scored(facts)
    members = facts.top.members if facts.top else ()
    place = next((number for number, one in enumerate(members, 1) if one.symbol == facts.symbol), 0)
    needed = facts.policy.risk.only_top_n
    size = facts.policy.rank.top_n
    detail = "" if needed else "not needed to buy: `risk.only_top_n` is off"
    if place:
        yield Gate("top N", Mark.PASS, f"place {place}", f"of {size}", detail)
        return
    least = f", the last has {plain(members[-1].value_24h)}" if members else ""
    yield Gate("top N", Mark.STOP if needed else Mark.NONE, "not in it", f"{len(members)} of {size}{least}", detail)


def _scored(facts: Facts) -> Gate:
    candidates = facts.targets.candidates if facts.targets else ()
    most = facts.policy.watch.max_ws_subs
    place = next((number for number, one in enumerate(candidates, 1) if one.symbol == facts.symbol), 0)
    if place:
        return Gate("score", Mark.PASS, f"{candidates[place - 1].score:.4g}, place {place}", f"the best {most}")
    if facts.row is None:
        return Gate("score", Mark.WAIT, "not scored", f"the best {most}")
    own = watchlist.score(facts.row, watchlist.aimed_at(facts.policy), facts.policy.watch.weights)
    least = f"the best {most}" + (f", the last has {candidates[-1].score:.4g}" if candidates else "")
    return Gate("score", Mark.WAIT, f"{own:.4g}", least, "not among those worth a subscription")
