"""The settings of a system on one machine: the owner's own, with what has to be different here. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import yaml

from core.domain.errors import Misconfigured
from core.domain.policies import (
    DayPolicy,
    KeyPolicy,
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
from core.domain.values import DAY, KST, Market, Millis
from core.settings import BrokerKind, Settings

CHAT = "10001"
"""Any chat will do: the simulated Telegram knows no accounts."""


AUCTION_S = 2.0
"""Length of each auction of a pressed day, on a market that has them."""


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """One simulated market.

    control_url  side door: stories and faults; `day_url` takes the hours of today, "" where it never closes
    codes        what is listed, where the venue must be told what to list
    keys         names of its app keys' secrets; `secrets` has their values, which are nobody's
    """

    rest_url: str
    stream_url: str
    control_url: str
    day_url: str = ""
    codes: tuple[str, ...] = ()
    keys: tuple[KeyPolicy, ...] = ()
    secrets: dict[str, str] = {}


class Urls(msgspec.Struct, frozen=True, kw_only=True):
    """The line in which the simulators say where they listen.

    telegram_token    the key that the simulated Bot API takes; `discord_url` is a whole webhook address, itself a key
    chat_control_url  side door: what the chat services were told
    """

    markets: dict[Market, Exchange]
    telegram_url: str
    telegram_token: str
    discord_url: str
    chat_control_url: str


def written(settings: Settings) -> str:
    """The settings as the YAML file that every part of the system reads; overrides and presets are in it."""
    document = msgspec.to_builtins(settings, str_keys=True, enc_hook=str)
    return yaml.safe_dump(document, allow_unicode=True, sort_keys=False)


def on_simulators(settings: Settings, urls: Urls) -> Settings:
    """The owner's settings with every address pointing at the simulators, and the alerts sent to them.

    Every market that is simulated takes part, switched on or not; orders stay on paper.
    """
    markets = {
        market: _at(policy, urls.markets[market])
        for market, policy in settings.markets.items()
        if market in urls.markets
    }
    notify = msgspec.structs.replace(
        settings.notify,
        channels=("log", "telegram", "discord"),
        telegram=TelegramPolicy(url=urls.telegram_url, chat=CHAT),
    )
    return msgspec.structs.replace(on_paper(settings), markets=markets, notify=notify)


def on_paper(settings: Settings) -> Settings:
    """The same with no account that an order could go to."""
    markets = {market: msgspec.structs.replace(policy, account=None) for market, policy in settings.markets.items()}
    return msgspec.structs.replace(settings, broker=BrokerKind.PAPER, markets=markets)


def alone(settings: Settings, market: Market) -> Settings:
    """Only one market, switched on. Raises Misconfigured where the settings do not have it."""
    if market not in settings.markets:
        raise Misconfigured("the settings have no such market", market=market.value)
    chosen = msgspec.structs.replace(settings.markets[market], enabled=True)
    return msgspec.structs.replace(settings, markets={market: chosen})


def pressed(settings: Settings, begins: Millis, ends: Millis) -> Settings:
    """A trading day pressed into a minute, closed flat: periods shrink, the rules and the money stay as they are."""
    markets = {market: _pressed(policy, begins, ends) for market, policy in settings.markets.items()}
    notify: NotifyPolicy = msgspec.structs.replace(settings.notify, cooldown_s=600.0)
    return msgspec.structs.replace(settings, markets=markets, notify=notify)


def clock_of(at: Millis) -> str:
    """The time of day in Korea, to the second.

    >>> clock_of(Millis(0))
    '09:00:00'
    """
    return datetime.fromtimestamp((at + KST) / 1000, UTC).strftime("%H:%M:%S")


def date_of(at: Millis) -> str:
    """The date in Korea.

    >>> date_of(Millis(0))
    '1970-01-01'
    """
    return datetime.fromtimestamp((at + KST) / 1000, UTC).strftime("%Y-%m-%d")


def hours_of(begins: Millis, ends: Millis) -> str:
    """The hours of the day that `begins` lies in; those after midnight go on counting from 24.

    >>> hours_of(Millis(0), Millis(16 * 3_600_000))
    '09:00:00-25:00:00'
    """
    midnight = (begins + KST) // DAY * DAY - KST
    opens, closes = ((at - midnight) // 1000 for at in (begins, ends))
    return "-".join(f"{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}" for s in (opens, closes))


def _at(policy: MarketPolicy, venue: Exchange) -> MarketPolicy:
    return msgspec.structs.replace(
        policy,
        enabled=True,
        rest=msgspec.structs.replace(policy.rest, url=venue.rest_url),
        stream=msgspec.structs.replace(policy.stream, url=venue.stream_url),
        keys=venue.keys,
        account=None,
        universe=msgspec.structs.replace(policy.universe, codes=venue.codes),
    )


def _pressed(policy: MarketPolicy, begins: Millis, ends: Millis) -> MarketPolicy:
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
            ends=clock_of(ends),
            liquidate=True,
            liquidate_before_s=12.0,
            thin_before_s=15.0,
            thin_value=1_000_000_000.0,
            hours={date_of(begins): hours_of(begins, ends)},
            auction_s=AUCTION_S,
            settle_s=0.0,
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
    return msgspec.structs.replace(
        policy, max_ws_subs=12, subscribe_cooldown_s=4.0, refresh_s=0.5, min_stay_s=2.0, churn_per_min=60
    )
