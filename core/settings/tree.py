"""What the owner may set for the whole system, and what each mode sets for him."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from msgspec import Meta

from core.domain.policies import Environment, MarketPolicy, NotifyPolicy, Policy, ResultsPolicy
from core.domain.values import Market


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
    results: ResultsPolicy = ResultsPolicy()

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


def _account(key: str, secret: str, environment: Environment) -> dict[str, Any]:
    return {"key": {"app_key": key, "app_secret": secret, "environment": environment.value}, "number": key}


ACCOUNTS: dict[str, dict[Environment, dict[str, Any]]] = {
    "upbit": dict.fromkeys(Environment, _account("upbit_access_key", "upbit_secret_key", Environment.REAL)),
    "binance": {
        Environment.REAL: _account("binance_api_key", "binance_api_secret", Environment.REAL),
        Environment.MOCK: _account("binance_test_api_key", "binance_test_api_secret", Environment.MOCK),
    },
}
"""Names of an account's secrets where the file names none. Its key is also what HOGA_LIVE_ACCOUNT names it by."""
