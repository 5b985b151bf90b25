"""The settings tree: one YAML file, each key overridable by environment, every fault reported at once (I6, I7).

`HOGA__MARKETS__UPBIT__WATCH__MAX_WS_SUBS=30` overrides `markets.upbit.watch.max_ws_subs`; its value is read as YAML,
so lists and numbers work. Secrets are never here: only their names are.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import msgspec
import yaml
from msgspec import Meta

from core.domain import symbol_list
from core.domain.errors import CoreError, Misconfigured
from core.domain.policies import AccountPolicy, Environment, MarketPolicy, NotifyPolicy, Policy, RulePolicy
from core.domain.rules import build
from core.domain.values import Market
from core.feed.pace import round_s, slowest
from core.venues.spec import environment, venue

PREFIX = "HOGA__"


class Mode(StrEnum):
    A = "A"
    B = "B"


class Language(StrEnum):
    KO = "ko"
    EN = "en"


class BrokerKind(StrEnum):
    """Where orders go, on the markets that have an `account`; all others trade on paper whatever is said here.

    MOCK is the venue's own practice environment. LIVE is money: it also needs HOGA_LIVE_ACCOUNT in the environment.
    """

    PAPER = "paper"
    MOCK = "mock"
    LIVE = "live"


class Settings(Policy, frozen=True, kw_only=True):
    """Everything the owner may set, checked. Built by `load`, never by hand outside tests."""

    stage: Annotated[str, Meta(pattern="^[a-z][a-z0-9]{1,11}$")] = "dev"
    mode: Mode = Mode.A
    language: Language = Language.KO
    broker: BrokerKind = BrokerKind.PAPER
    markets: dict[Market, MarketPolicy]
    notify: NotifyPolicy = NotifyPolicy()

    @property
    def enabled(self) -> list[Market]:
        return [market for market, policy in self.markets.items() if policy.enabled]


PRESETS: dict[Mode, dict[str, Any]] = {
    Mode.A: {
        "scan": {"interval_s": 60.0, "second_pass_s": 0.0, "approach_alerts": True},
        "watch": {"max_ws_subs": 20},
        "rules": [{"name": "disparity", "kind": "disparity", "params": {"base": "daily", "threshold": -0.08}}],
    },
    Mode.B: {
        "scan": {"interval_s": 30.0, "second_pass_s": 30.0, "approach_alerts": False},
        "watch": {"max_ws_subs": 40},
        "rules": [
            {"name": "breakout", "kind": "breakout"},
            {"name": "fall", "kind": "fall", "params": {"minutes": 5, "fall": 0.03}},
        ],
    },
}
"""I7. What each mode sets for every market; a key written in the file wins over its preset."""


class _Plain(yaml.SafeLoader):
    """A safe loader to which 2026-12-01 is a text, as people mean it, and no date."""


_Plain.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rules if not tag.endswith(":timestamp")]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class Fault(msgspec.Struct, frozen=True):
    key: str
    found: str
    allowed: str

    def __str__(self) -> str:
        return f"{self.key}: found {self.found}; allowed: {self.allowed}"


class Faulty(Misconfigured):
    """Every fault of one settings file. `faults` lists them; the text has one line for each."""

    def __init__(self, source: str, faults: list[Fault]) -> None:
        super().__init__(f"{source} has {len(faults)} fault{'s' if len(faults) > 1 else ''}")
        self.faults = faults

    def __str__(self) -> str:
        return "\n".join([f"{self.found}:", *(f"  {fault}" for fault in self.faults), self.remedy])


def load(path: Path, env: Mapping[str, str]) -> Settings:
    """Read the file, lay the environment over it, check everything.

    Raises:
        Misconfigured: the file cannot be read, or (as `Faulty`) it has faults; all of them are listed.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as trouble:
        raise Misconfigured("the settings file cannot be read", file=path.name, why=trouble) from None
    return _with_lists(parse(text, env, source=path.name), path)


def _with_lists(settings: Settings, path: Path) -> Settings:
    """The settings with each market's list of symbols, read from the file that it names beside this one (A5)."""
    faults: list[Fault] = []
    markets = {market: _with_list(market, policy, path, faults) for market, policy in settings.markets.items()}
    if faults:
        raise Faulty(path.name, faults)
    return msgspec.structs.replace(settings, markets=markets)


def _with_list(market: Market, policy: MarketPolicy, path: Path, faults: list[Fault]) -> MarketPolicy:
    universe = policy.universe
    if not universe.file:
        return policy
    try:
        rows = symbol_list.read((path.parent / universe.file).read_text(encoding="utf-8"))
    except (OSError, ValueError) as trouble:
        why = trouble.strerror if isinstance(trouble, OSError) else str(trouble)
        faults.append(Fault(f"markets.{market}.universe.file", universe.file, f"a list of symbols ({why})"))
        return policy
    return msgspec.structs.replace(policy, universe=msgspec.structs.replace(universe, listed=rows))


def parse(text: str, env: Mapping[str, str], source: str = "settings.yaml") -> Settings:
    """As `load`, from the file's text."""
    faults: list[Fault] = []
    document = _laid_over(_document(text, source), env, faults)
    settings: Settings | None = _struct(Settings, _with_presets(document), "", faults)
    if settings is not None:
        faults.extend(_contradictions(settings))
    if faults or settings is None:
        raise Faulty(source, [_named_by(fault, env) for fault in faults])
    return settings


def _document(text: str, source: str) -> dict[str, Any]:
    try:
        document = yaml.load(text, _Plain)
    except yaml.YAMLError as trouble:
        where = re.sub(r"\s+", " ", str(trouble))
        raise Misconfigured(f"{source} is not YAML", why=where) from None
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise Misconfigured(f"{source} is not a mapping of keys", holds=type(document).__name__)
    return document


def _laid_over(document: dict[str, Any], env: Mapping[str, str], faults: list[Fault]) -> dict[str, Any]:
    for name in sorted(env):
        if name.startswith(PREFIX):
            _lay(document, name, env[name], faults)
    return document


def _lay(document: dict[str, Any], name: str, text: str, faults: list[Fault]) -> None:
    *parents, leaf = name.removeprefix(PREFIX).lower().split("__")
    place: Any = document
    for parent in parents:
        place = place.setdefault(parent, {}) if isinstance(place, dict) else place
        if not isinstance(place, dict):
            faults.append(
                Fault(name, f"a value where {parent!r} should have keys", "a name that follows the file's keys")
            )
            return
    try:
        place[leaf] = yaml.load(text, _Plain)
    except yaml.YAMLError:
        faults.append(Fault(name, repr(text), "a YAML value"))


def _with_presets(document: dict[str, Any]) -> dict[str, Any]:
    mode, markets = document.get("mode", Mode.A.value), document.get("markets")
    if mode not in list(Mode) or not isinstance(markets, dict):
        return document
    preset = PRESETS[Mode(mode)]
    merged = {name: _merged(preset, body) if isinstance(body, dict) else body for name, body in markets.items()}
    return {**document, "markets": merged}


def _merged(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    both = {
        key: _merged(under[key], over[key]) for key in under.keys() & over.keys() if _are_dicts(under[key], over[key])
    }
    return {**under, **over, **both}


def _are_dicts(*values: object) -> bool:
    return all(isinstance(value, dict) for value in values)


# ---- reading, one fault at a time, never stopping at the first --------------------------------------------------


def _struct(kind: type[Any], found: Any, path: str, faults: list[Fault]) -> Any:
    if not isinstance(found, dict):
        faults.append(Fault(path or "the file", _shown(found), "keys: " + ", ".join(_names(kind))))
        return None
    known = {field.name: field for field in msgspec.structs.fields(kind)}
    faults.extend(_unknown(key, path, list(known)) for key in found if key not in known)
    values, before = {}, len(faults)
    for name, field in known.items():
        if name in found:
            values[name] = _value(field.type, found[name], _join(path, name), faults)
        elif field.required:
            faults.append(Fault(_join(path, name), "nothing", "it must be given"))
    return kind(**values) if len(faults) == before else None


def _value(kind: Any, found: Any, path: str, faults: list[Fault]) -> Any:
    if isinstance(kind, type) and issubclass(kind, Policy):
        return _struct(kind, found, path, faults)
    if kind == tuple[RulePolicy, ...] and isinstance(found, list):
        return tuple(_struct(RulePolicy, rule, f"{path}[{at}]", faults) for at, rule in enumerate(found))
    if kind == dict[Market, MarketPolicy] and isinstance(found, dict):
        return _markets(found, path, faults)
    return _leaf(kind, found, path, faults)


def _markets(found: dict[Any, Any], path: str, faults: list[Fault]) -> dict[Market, Any]:
    known = [market.value for market in Market]
    faults.extend(_unknown(name, path, known) for name in found if name not in known)
    chosen = {Market(name): body for name, body in found.items() if name in known}
    if not chosen:
        faults.append(Fault(path, "no market", "one or more of " + ", ".join(known)))
    return {market: _struct(MarketPolicy, body, _join(path, market), faults) for market, body in chosen.items()}


def _leaf(kind: Any, found: Any, path: str, faults: list[Fault]) -> Any:
    try:
        value = msgspec.convert(found, kind, strict=kind is not Decimal)
    except msgspec.ValidationError as trouble:
        faults.append(Fault(path, _shown(found), _allowed(kind, str(trouble))))
        return None
    if isinstance(value, Decimal) and not (value.is_finite() and value > 0):
        faults.append(Fault(path, _shown(found), "an amount of money above 0"))
    return value


def _allowed(kind: Any, complaint: str) -> str:
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return " or ".join(member.value for member in kind)
    if kind is Decimal:
        return "an amount of money above 0"
    expected = re.sub(r" - at `\$?(.*)`$", r" (at \1)", complaint).removeprefix("Expected ")
    pattern = re.search(r"\^\(([a-z|]+)\)\$", expected)
    return " or ".join(pattern[1].split("|")) if pattern else expected.replace("`", "")


def _unknown(key: object, path: str, known: list[str]) -> Fault:
    near = difflib.get_close_matches(str(key), known, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return Fault(_join(path, str(key)), "a key that is not known", f"{hint}keys here are {', '.join(known)}")


def _names(kind: type[Any]) -> list[str]:
    return [field.name for field in msgspec.structs.fields(kind)]


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _shown(found: object) -> str:
    text = repr(found)
    return text if len(text) <= 60 else text[:57] + "..."


def _named_by(fault: Fault, env: Mapping[str, str]) -> Fault:
    name = PREFIX + fault.key.upper().replace(".", "__")
    return msgspec.structs.replace(fault, key=f"{fault.key} (set by {name})") if name in env else fault


# ---- what no single key can be blamed for ----------------------------------------------------------------------


def _contradictions(settings: Settings) -> Iterator[Fault]:
    yield from _broker_faults(settings)
    for market, policy in settings.markets.items():
        yield from _rule_faults(f"markets.{market}.rules", policy.rules)
        yield from _money_faults(f"markets.{market}", policy)
        yield from _key_faults(f"markets.{market}", market, policy)
    for channel in ("telegram",):
        if channel in settings.notify.channels and not settings.notify.telegram.chat:
            yield Fault("notify.telegram.chat", "nothing", "the chat's id, because telegram is one of notify.channels")


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


def _rule_faults(path: str, rules: tuple[RulePolicy, ...]) -> Iterator[Fault]:
    names = [rule.name for rule in rules]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Fault(path, f"{names.count(name)} rules named {name}", "each name once")
    for at, rule in enumerate(rules):
        for other in rule.all_of:
            if other not in names or other == rule.name:
                yield Fault(f"{path}[{at}].all_of", repr(other), f"names of other rules: {', '.join(names)}")
    if len(set(names)) == len(names):
        try:
            build(rules)
        except CoreError as trouble:
            yield Fault(path, trouble.found, ", ".join(f"{key} {value}" for key, value in trouble.facts.items()))


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
    if wanted is not None and account.key.environment is not wanted:
        allowed = f"{wanted.value}, because broker is {broker.value}"
        yield Fault(f"{path}.key.environment", account.key.environment.value, allowed)
    if not orders.takes(account.key.environment, account.url):
        scheme, host, port = orders.origins[account.key.environment]
        yield Fault(f"{path}.url", account.url, f"{scheme}://{host}:{port}, or this machine for a simulator")


def _money_faults(path: str, policy: MarketPolicy) -> Iterator[Fault]:
    if policy.risk.per_symbol > policy.risk.total_exposure:
        yield Fault(
            f"{path}.risk.per_symbol",
            str(policy.risk.per_symbol),
            f"at most risk.total_exposure, {policy.risk.total_exposure}",
        )
    if policy.scan.max_interval_s < policy.scan.interval_s:
        yield Fault(
            f"{path}.scan.max_interval_s",
            str(policy.scan.max_interval_s),
            f"at least scan.interval_s, {policy.scan.interval_s}",
        )
