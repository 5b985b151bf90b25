"""The settings tree: one YAML file, each key overridable by environment, every fault reported at once (I6, I7).

`HOGA__MARKETS__UPBIT__WATCH__MAX_WS_SUBS=30` overrides `markets.upbit.watch.max_ws_subs`; its value is read as YAML,
so lists and numbers work. Secrets are never here: only their names are.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from core.domain import symbol_list
from core.domain.errors import Misconfigured
from core.domain.policies import MarketPolicy
from core.domain.values import Market
from core.settings.contradictions import contradictions
from core.settings.document import PREFIX, laid_over, read, with_presets
from core.settings.faults import Fault, Faulty
from core.settings.reading import struct
from core.settings.tree import PRESETS, BrokerKind, Language, Mode, Settings

__all__ = ["PRESETS", "BrokerKind", "Fault", "Faulty", "Language", "Mode", "Settings", "load", "parse"]


def load(path: Path, env: Mapping[str, str]) -> Settings:
    """Read the file, lay the environment over it, check everything.

    Raises:
        Misconfigured: the file cannot be read, or (as `Faulty`) it has faults; all of them are listed.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as trouble:
        raise Misconfigured(
            "the settings file cannot be read",
            file=path,
            why=trouble.strerror if isinstance(trouble, OSError) else trouble,
        ) from None
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
    document = laid_over(read(text, source, faults), env, faults)
    settings: Settings | None = struct(Settings, with_presets(document), "", faults)
    if settings is not None:
        faults.extend(contradictions(settings))
    if faults or settings is None:
        raise Faulty(source, [_named_by(fault, env) for fault in faults])
    return settings


def _named_by(fault: Fault, env: Mapping[str, str]) -> Fault:
    name = PREFIX + fault.key.upper().replace(".", "__")
    return msgspec.structs.replace(fault, key=f"{fault.key} (set by {name})") if name in env else fault
