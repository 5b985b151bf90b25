"""The settings of a system on one machine: the owner's own, with what has to be different here. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import yaml

from core.domain.policies import (
    DayPolicy,
    MarketPolicy,
    NotifyPolicy,
    RankPolicy,
    RulePolicy,
    SafetyPolicy,
    ScanPolicy,
    TelegramPolicy,
    WatchPolicy,
    WhenHeld,
    WhenRemoved,
)
from core.domain.values import KST, Market, Millis
from core.settings import Settings

CHAT = "10001"
"""Any chat will do: the simulated Telegram knows no accounts."""


class Urls(msgspec.Struct, frozen=True, kw_only=True):
    """The line in which the simulators say where they listen.

    *_control_url   side doors: stories and faults of the exchange, what the chat services were told
    telegram_token  the key that the simulated Bot API takes; `discord_url` is a whole webhook address, itself a key
    """

    rest_url: str
    stream_url: str
    upbit_control_url: str
    telegram_url: str
    telegram_token: str
    discord_url: str
    chat_control_url: str


def written(settings: Settings) -> str:
    """The settings as the YAML file that every part of the system reads; overrides and presets are in it."""
    document = msgspec.to_builtins(settings, str_keys=True, enc_hook=str)
    return yaml.safe_dump(document, allow_unicode=True, sort_keys=False)


def on_simulators(settings: Settings, urls: Urls) -> Settings:
    """The owner's settings with every address pointing at the simulators, and the alerts sent to them."""
    markets = {market: _at(policy, urls) for market, policy in settings.markets.items() if market is Market.UPBIT}
    notify = msgspec.structs.replace(
        settings.notify,
        channels=("log", "telegram", "discord"),
        telegram=TelegramPolicy(url=urls.telegram_url, chat=CHAT),
    )
    return msgspec.structs.replace(settings, markets=markets, notify=notify)


def pressed(settings: Settings, ends: Millis) -> Settings:
    """A trading day pressed into a minute, closed flat: periods shrink, the rules and the money stay as they are."""
    markets = {market: _pressed(policy, ends) for market, policy in settings.markets.items()}
    notify: NotifyPolicy = msgspec.structs.replace(settings.notify, cooldown_s=600.0)
    return msgspec.structs.replace(settings, markets=markets, notify=notify)


def clock_of(at: Millis) -> str:
    """The time of day in Korea, to the second.

    >>> clock_of(Millis(0))
    '09:00:00'
    """
    return datetime.fromtimestamp((at + KST) / 1000, UTC).strftime("%H:%M:%S")


def _at(policy: MarketPolicy, urls: Urls) -> MarketPolicy:
    return msgspec.structs.replace(
        policy,
        rest=msgspec.structs.replace(policy.rest, url=urls.rest_url),
        stream=msgspec.structs.replace(policy.stream, url=urls.stream_url),
    )


def _pressed(policy: MarketPolicy, ends: Millis) -> MarketPolicy:
    return msgspec.structs.replace(
        policy,
        safety=_safety(policy.safety),
        scan=_scan(policy.scan),
        rank=_rank(policy.rank),
        watch=_watch(policy.watch),
        stream=msgspec.structs.replace(policy.stream, save_s=0.5),
        rules=RULES,
        exits=msgspec.structs.replace(policy.exits, stop_loss=0.03, take_profit=0.05, repeat_s=1.0),
        day=DayPolicy(
            ends=clock_of(ends), liquidate=True, liquidate_before_s=12.0, thin_before_s=15.0, thin_value=1_000_000_000.0
        ),
        sweep=msgspec.structs.replace(policy.sweep, silent_s=20.0),
    )


RULES = (
    RulePolicy(name="disparity", kind="disparity", params={"base": "daily", "threshold": -0.08}),
    RulePolicy(name="deep", kind="disparity", params={"base": "daily", "threshold": -0.085}),
    RulePolicy(name="surge", kind="surge", params={"minutes": 1, "times": 5.0, "average": 20, "fall": 0.01}),
    RulePolicy(name="breakout", kind="breakout", params={"margin": 0.03}),
)
"""One for each kind of story that the simulated market tells. `deep` follows `disparity` within the second: by then
the symbol is owned, so the second signal meets a lock that is refused.
"""


def _safety(policy: SafetyPolicy) -> SafetyPolicy:
    return msgspec.structs.replace(policy, when_held=WhenHeld.LIQUIDATE)


def _scan(policy: ScanPolicy) -> ScanPolicy:
    return msgspec.structs.replace(policy, interval_s=1.0, pause_s=0.05, second_pass_s=0.0, approach_alerts=True)


def _rank(policy: RankPolicy) -> RankPolicy:
    return msgspec.structs.replace(policy, min_symbol_stable_time_s=2.0, when_removed=WhenRemoved.KEEP, pause_s=0.05)


def _watch(policy: WatchPolicy) -> WatchPolicy:
    return msgspec.structs.replace(policy, max_ws_subs=12, subscribe_cooldown_s=4.0, refresh_s=0.5)
