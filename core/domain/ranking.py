"""The Top N by traded value, slow to change on purpose (C1-C3). A pure fold: yesterday's answer in, today's out."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from core.domain.events import Ticker
from core.domain.levels import Member, TopN
from core.domain.policies import RankPolicy
from core.domain.values import Market, Millis


class Ranking(NamedTuple):
    """The new Top N and what changed; both changes in the order of their symbols."""

    top: TopN
    added: tuple[str, ...]
    removed: tuple[str, ...]


def rank(previous: TopN | None, tickers: Sequence[Ticker], policy: RankPolicy, at: Millis, market: Market) -> Ranking:
    """Fold one look at the market into the Top N.

    The raw ranking is the N of `tickers` with the largest 24 h traded value; ties go by symbol.
    A newcomer enters once it has been in every raw ranking for `min_symbol_stable_time_s`, and there is room; a member
    leaves once it has been out of every one for as long. The very first ranking is taken whole: there is nothing yet
    that it could unsettle. Never more than N: if N itself is lowered, the smallest go at once.
    """
    values = {ticker.instrument.symbol: ticker.value_24h for ticker in tickers}
    raw = sorted(values, key=lambda symbol: (-values[symbol], symbol))[: policy.top_n]
    before = previous.members if previous else ()
    stable_ms = policy.min_symbol_stable_time_s * 1000 if previous else 0.0
    waiting = {symbol: previous.entering.get(symbol, at) if previous else at for symbol in raw}

    stay = _staying(before, frozenset(raw), values, policy, at)
    inside = {member.symbol for member in stay}
    ready = [symbol for symbol in raw if symbol not in inside and at - waiting[symbol] >= stable_ms]
    entered = [Member(symbol, at, values[symbol]) for symbol in ready[: policy.top_n - len(stay)]]

    members = tuple(sorted([*stay, *entered], key=lambda member: (-member.value_24h, member.symbol)))
    now = {member.symbol for member in members}
    then = {member.symbol for member in before}
    entering = {symbol: since for symbol, since in waiting.items() if symbol not in now}
    version = (previous.version if previous else 0) + (now != then)
    top = TopN(market=market, at=at, version=version, members=members, entering=entering)
    return Ranking(top, tuple(sorted(now - then)), tuple(sorted(then - now)))


def _staying(
    members: tuple[Member, ...], raw: frozenset[str], values: Mapping[str, float], policy: RankPolicy, at: Millis
) -> list[Member]:
    """Members whose absence has not lasted; those in the raw ranking first when N has shrunk under them."""
    told = [_told(member, raw, values, at) for member in members]
    stay = [m for m in told if m.missing is None or at - m.missing < policy.min_symbol_stable_time_s * 1000]
    stay.sort(key=lambda member: (member.missing is not None, -member.value_24h, member.symbol))
    return stay[: policy.top_n]


def _told(member: Member, raw: frozenset[str], values: Mapping[str, float], at: Millis) -> Member:
    """The member with today's value, and since when it has been missing."""
    absent = at if member.missing is None else member.missing
    return Member(
        member.symbol,
        member.since,
        values.get(member.symbol, member.value_24h),
        None if member.symbol in raw else absent,
    )
