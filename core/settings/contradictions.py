"""What no single key can be blamed for, and what only the venue or the part that uses a value knows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from urllib.parse import urlsplit

from core.domain.errors import CoreError, Misconfigured
from core.domain.policies import AccountPolicy, Environment, ExitPolicy, MarketPolicy, RulePolicy, SafetyPolicy
from core.domain.rules import build
from core.domain.values import MINUTE, SPANS, Market
from core.feed.berths import capacity
from core.feed.pace import round_s, slowest
from core.settings.faults import Fault
from core.settings.tree import BrokerKind, Settings
from core.venues.spec import Channel, StreamSpec, Topic, environment, venue

HTTP, WEBSOCKET = ("http", "https"), ("ws", "wss")


def contradictions(settings: Settings) -> Iterator[Fault]:
    """Every fault of settings whose single values are all in order."""
    if not settings.enabled:
        yield Fault("markets", "none that is enabled", "one or more with `enabled: true`")
    yield from _broker_faults(settings)
    for market, policy in settings.markets.items():
        path = f"markets.{market}"
        yield from _rule_faults(f"{path}.rules", policy)
        yield from _money_faults(path, policy)
        yield from _key_faults(path, market, policy)
        yield from _address_faults(path, policy)
        if policy.enabled:  # the venue's code is loaded for it
            yield from _venue_faults(path, market, policy)
        yield from _span_faults(path, policy.exits)
    if settings.results.rates and not settings.results.currency:
        yield Fault("results.currency", "nothing", "the currency that results.rates are in, for example KRW")
    yield from _url_fault("notify.telegram.url", settings.notify.telegram.url, HTTP)
    if "telegram" in settings.notify.channels and not settings.notify.telegram.chat:
        yield Fault("notify.telegram.chat", "nothing", "the chat's id, because telegram is one of notify.channels")


def _address_faults(path: str, policy: MarketPolicy) -> Iterator[Fault]:
    yield from _url_fault(f"{path}.rest.url", policy.rest.url, HTTP)
    yield from _url_fault(f"{path}.stream.url", policy.stream.url, WEBSOCKET)
    if policy.account is not None:
        yield from _url_fault(f"{path}.account.url", policy.account.url, HTTP)
        if policy.account.stream_url:
            yield from _url_fault(f"{path}.account.stream_url", policy.account.stream_url, WEBSOCKET)


def _url_fault(key: str, url: str, schemes: tuple[str, ...]) -> Iterator[Fault]:
    try:
        parts = urlsplit(url)
        good = parts.scheme in schemes and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:  # brackets that do not close, a port that is no number
        good = False
    if not good:
        yield Fault(key, repr(url), "an address that begins with " + " or ".join(f"{one}://" for one in schemes))


def _venue_faults(path: str, market: Market, policy: MarketPolicy) -> Iterator[Fault]:
    """Names that this venue does not know: a flag that excludes nothing, a limit of no group, a feed that is none."""
    found = venue(market)
    if policy.safety.exclude != SafetyPolicy().exclude:  # the default has every venue's names
        for name in policy.safety.exclude:
            if name not in found.flags:
                yield Fault(f"{path}.safety.exclude", name, _among(name, found.flags))
    groups = {*found.rest.limits, *(found.rest.mock.limits if found.rest.mock else ())}
    for group in policy.rest.limits:
        if group not in groups:
            yield Fault(f"{path}.rest.limits", group, _among(group, groups))
    if policy.universe.busiest and found.rest.at(environment(policy)).busiest is None:
        more = ", or a real key first in keys" if found.rest.busiest else ""
        yield Fault(f"{path}.universe.busiest", f"{policy.universe.busiest}, where nothing is ranked", f"0{more}")
    yield from _watch_faults(path, found.stream, policy)
    for topic, detail in policy.stream.details.items():
        if topic not in found.stream.topics:
            yield Fault(f"{path}.stream.details", topic, _among(topic, found.stream.topics))
        else:
            yield from _detail_faults(f"{path}.stream.details.{topic}", found.stream, Topic(topic), detail)


def _watch_faults(path: str, stream: StreamSpec, policy: MarketPolicy) -> Iterator[Fault]:
    """Symbols that no connection has a place for; a market that has no key yet is told of that instead."""
    most, wanted = capacity(stream, policy), policy.watch.max_ws_subs
    if 0 < most < wanted:
        each = most // policy.stream.connections
        room = (
            f"{len(policy.keys)} app key(s) of {stream.slots} registrations, at least one for each symbol; or more keys"
            if stream.slots
            else f"{policy.stream.connections} of stream.connections, {each} symbols each"
        )
        yield Fault(f"{path}.watch.max_ws_subs", str(wanted), f"at most {most}: {room}")


def _detail_faults(path: str, stream: StreamSpec, topic: Topic, detail: str) -> Iterator[Fault]:
    """A feed that the venue does not have: it says so itself when it is asked for one."""
    try:
        stream.request(frozenset({Channel(topic, "A", detail)}), "")
    except Misconfigured as wrong:
        yield Fault(path, repr(detail), str(wrong.facts.get("allowed", "another one")))


def _among(name: str, known: Iterable[str]) -> str:
    names = sorted(map(str, known))
    near = get_close_matches(name, names, n=1)
    return (f"did you mean {near[0]}? " if near else "") + f"this market has {', '.join(names)}"


def _span_faults(path: str, exits: ExitPolicy) -> Iterator[Fault]:
    minutes = [span // MINUTE for span in SPANS]
    if exits.trend_span not in minutes:
        yield Fault(f"{path}.exits.trend_span", str(exits.trend_span), " or ".join(map(str, minutes)) + " (minutes)")


def _key_faults(path: str, market: Market, policy: MarketPolicy) -> Iterator[Fault]:
    """A market that wants to know who asks needs a key, and one whose environment is quick enough for the universe."""
    found = venue(market)
    if not policy.enabled or found.rest.keys is None:
        return
    if not policy.keys:
        yield Fault(f"{path}.keys", "no key", "the names of an app key's secrets, for quotes and streams")
    rest = found.rest.at(environment(policy))
    size, limit = rest.size(policy.universe), slowest(rest.limits, policy.rest.limits, policy.rest.headroom)
    needs_s, best = round_s(size, rest.batch, limit), -(-size // found.rest.batch)
    if needs_s > policy.scan.interval_s:
        yield Fault(
            f"{path}.keys[0].environment",
            f"{environment(policy).value}, where a scan of {size} symbols takes {needs_s:.0f} s",
            f"one that scans within scan.interval_s, {policy.scan.interval_s:g} s: a real key does it in {best} calls, "
            "and orders can go to the mock environment all the same (`account`); or a shorter universe",
        )


def _rule_faults(path: str, policy: MarketPolicy) -> Iterator[Fault]:
    rules = policy.rules
    names = [rule.name for rule in rules]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Fault(path, f"{names.count(name)} rules named {name}", "each name once")
    for at, rule in enumerate(rules):
        for other in rule.all_of:
            if other not in names or other == rule.name:
                yield Fault(f"{path}[{at}].all_of", repr(other), f"names of other rules: {', '.join(names)}")
        yield from _always_true(f"{path}[{at}]", rule)
    if len(set(names)) == len(names):
        try:
            build(rules, policy.indicators)
        except CoreError as trouble:
            yield Fault(path, trouble.found, ", ".join(f"{key} {value}" for key, value in trouble.facts.items()))


def _always_true(path: str, rule: RulePolicy) -> Iterator[Fault]:
    """Above its average a price is "at or under it by" nothing: such a rule would buy nearly everything at once."""
    threshold = rule.params.get("threshold")
    if rule.enabled and rule.kind == "disparity" and isinstance(threshold, float | int) and threshold > 0:
        allowed = "at most 0 (-0.08 is 8 % under the average); above it, `enabled: false` and the all_of of another"
        yield Fault(f"{path}.params.threshold", f"{threshold:g}", allowed)


def _broker_faults(settings: Settings) -> Iterator[Fault]:
    """Where orders leave this machine, every account must fit the broker; a market without one trades on paper."""
    accounts = {m: p.account for m, p in settings.markets.items() if p.account is not None and p.enabled}
    for market, account in accounts.items():
        yield from _account_faults(f"markets.{market}.account", market, account, settings.broker)
    if settings.broker is not BrokerKind.PAPER and not accounts:
        allowed = "paper, or an `account` on a market that is enabled"
        yield Fault("broker", f"{settings.broker.value!r} and no account", allowed)


def _account_faults(path: str, market: Market, account: AccountPolicy, broker: BrokerKind) -> Iterator[Fault]:
    orders = venue(market).orders
    if orders is None:
        yield Fault(path, "an account", "none: orders of this market go to paper only")
        return
    wanted = {BrokerKind.MOCK: Environment.MOCK, BrokerKind.LIVE: Environment.REAL}.get(broker)
    if not {wanted or account.key.environment, account.key.environment} <= orders.origins.keys():
        yield _without_tests(path, market, broker)
        return
    if orders.sign is not None and account.key.algorithm not in ("", *orders.algorithms):
        yield Fault(f"{path}.key.algorithm", repr(account.key.algorithm), " or ".join(orders.algorithms))
    known = orders.exchanges.get(account.key.environment, ())
    if account.exchange and account.exchange not in known:
        yield Fault(f"{path}.exchange", repr(account.exchange), " or ".join(known) or "nothing: there is only one")
    if wanted is not None and account.key.environment is not wanted:
        allowed = f"{wanted.value}, because broker is {broker.value}"
        yield Fault(f"{path}.key.environment", account.key.environment.value, allowed)
    if not orders.takes(account.key.environment, account.url):
        scheme, host, port = orders.origins[account.key.environment]
        yield Fault(f"{path}.url", account.url, f"{scheme}://{host}:{port}, or this machine for a simulator")


def _without_tests(path: str, market: Market, broker: BrokerKind) -> Fault:
    """A market whose venue has no test environment: there is nothing that `mock` could mean there."""
    if broker is BrokerKind.MOCK:
        allowed = f"none, because {market.value} has no test environment: without it its orders go to paper"
        return Fault(path, "an account while broker is mock", f"{allowed}; or broker paper or live")
    return Fault(f"{path}.key.environment", "mock", f"real, because {market.value} has no test environment")


def _money_faults(path: str, policy: MarketPolicy) -> Iterator[Fault]:
    if policy.risk.per_symbol > policy.risk.total_exposure:
        yield Fault(
            f"{path}.risk.per_symbol",
            str(policy.risk.per_symbol),
            f"at most risk.total_exposure, {policy.risk.total_exposure}",
        )
    if policy.risk.currency_exposure is not None and policy.risk.currency_exposure <= 0:
        found = str(policy.risk.currency_exposure)
        yield Fault(f"{path}.risk.currency_exposure", found, "more than 0, or nothing for no such limit")
    if policy.scan.max_interval_s < policy.scan.interval_s:
        yield Fault(
            f"{path}.scan.max_interval_s",
            str(policy.scan.max_interval_s),
            f"at least scan.interval_s, {policy.scan.interval_s}",
        )
