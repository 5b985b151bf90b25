"""The composition root of everything in the cloud: who gets which client, table, queue and setting.

Everything is made when it is first asked for and kept for the life of the process. Imports stand inside the methods
on purpose: a cold start pays for what its function uses (botocore 100 ms, requests 60, pynamodb 30), not for all.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import msgspec

from core.adapters.access import access
from core.domain.errors import Misconfigured
from core.domain.policies import MarketPolicy
from core.domain.values import Market, Millis
from core.venues.spec import environment, purse, venue

if TYPE_CHECKING:
    from botocore.session import Session

    from core.adapters.http import HttpQuotes
    from core.adapters.keyring import AppKey, KeyRing
    from core.adapters.returns import SqsReturns
    from core.adapters.secrets import Secrets
    from core.adapters.spare import SpareBudget
    from core.app import ports
    from core.app.desk import Desk
    from core.app.lookout import Lookout
    from core.domain.messages import Alert
    from core.domain.policies import RestPolicy
    from core.domain.sessions import Calendar
    from core.settings import Settings
    from core.venues.spec import Rules

ROOT = Path(__file__).parents[2]
"""Where the package lies; a relative settings path may be relative to it."""


QUICK_TRIES, QUICK_S = 2, 2.0
"""A trade asks for a price and a book within one call of 20 s: each may fail twice and leave time to say so."""


def hurried(policy: RestPolicy) -> RestPolicy:
    """The owner's REST settings with the patience of a trade; what is shorter already stays."""
    backoff = tuple(min(pause, 0.2) for pause in policy.backoff_s)
    return msgspec.structs.replace(
        policy, connect_s=min(policy.connect_s, 1.0), read_s=min(policy.read_s, QUICK_S), backoff_s=backoff
    )


def surroundings() -> Mapping[str, str]:
    """This process's environment, for a program that has no composition root of its own (streamer/market_data.py)."""
    return os.environ


def wall_clock() -> Millis:
    return time.time_ns() // 1_000_000  # type: ignore[return-value]  # calling Millis for every frame would be felt


class Wiring:
    """`env` is the process's environment: HOGA_* names what template.yaml made, AWS_* belongs to botocore."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.env = env
        self._clients: dict[str, Any] = {}
        self._quotes: dict[Market, ports.Quotes] = {}
        self._quick: dict[Market, HttpQuotes] = {}
        self._brokers: dict[Market, ports.Broker] = {}
        self._spare: dict[Market, SpareBudget] = {}
        self._carries_out = False
        self._rings: dict[Market, KeyRing] = {}
        self._names: dict[Market, dict[str, str]] = {}
        self._engaged: dict[Market, dict[str, Millis]] = {}
        self._rules: dict[Market, Rules] = {}
        self.clock = wall_clock

    def named(self, variable: str) -> str:
        """Raises Misconfigured where the variable is missing or empty."""
        found = self.env.get(variable, "")
        if not found:
            raise Misconfigured("a variable of the environment is missing", variable=variable)
        return found

    @property
    def stage(self) -> str:
        """Which deployment this is: part of the paths of its secrets and of the names of its metrics."""
        return self.named("HOGA_STAGE")

    @cached_property
    def settings(self) -> Settings:
        from core.settings import load

        path = Path(self.named("HOGA_SETTINGS"))
        return load(path if path.exists() else ROOT / path, self.env)

    def policy(self, market: Market) -> MarketPolicy:
        """Raises Misconfigured for a market that the settings do not have, or have switched off."""
        if market not in self.settings.enabled:
            raise Misconfigured("this market is not enabled", market=market.value)
        return self.settings.markets[market]

    def days(self, market: Market) -> Calendar:
        """When the market is open, and where its days are cut."""
        policy = self.policy(market)
        return venue(market).rules.calendar(policy.day, self.told(market))

    def rules(self, market: Market) -> Rules:
        """What an order must look like, by the settings and by what the listing said of each symbol."""
        if market not in self._rules:
            from core.adapters.specifications import Listed

            self._rules[market] = venue(market, self.policy(market), Listed(self.shelf, market, self.clock)).rules
        return self._rules[market]

    def told(self, market: Market) -> Mapping[str, bool]:
        """What the venue told of single days, where it tells anything: seconds old at most."""
        from core.domain.levels import OpenDays
        from core.domain.sessions import TOLD

        if venue(market).rest.holidays is None:
            return TOLD
        known = self.recent.read(OpenDays, market)
        return known.days if known else TOLD

    def client(self, service: str) -> Any:
        """A client of AWS with short time-outs and botocore's own few retries."""
        if service not in self._clients:
            from botocore.config import Config

            patience = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})
            self._clients[service] = self._made(service, patience)
        return self._clients[service]

    @cached_property
    def lock_client(self) -> Any:
        """DynamoDB without botocore's retries: the lock protocol repeats its own requests, with its own nonce."""
        from core.adapters.dynamo.calls import CONFIG

        return self._made("dynamodb", CONFIG)

    def _made(self, service: str, config: Any) -> Any:
        make: Any = self._session.create_client
        return make(service, config=config, **access(self.env))

    @cached_property
    def _session(self) -> Session:
        import botocore.session

        from core.adapters.models import LOADER

        own = botocore.session.get_session()
        own.register_component("data_loader", LOADER)
        return own

    @cached_property
    def shelf(self) -> ports.Shelf:
        from core.adapters.dynamo.shelf import DynamoShelf

        return DynamoShelf(self.named("HOGA_STATE_TABLE"), self.clock, access=access(self.env))

    @cached_property
    def recent(self) -> ports.Shelf:
        """The shelf for whoever trades: a level that was read within seconds is not read again."""
        from core.adapters.recent import RecentShelf

        return RecentShelf(self.shelf, self.clock)

    @cached_property
    def leases(self) -> ports.Leases:
        from core.adapters.dynamo.leases import DynamoLeases

        return DynamoLeases(
            self.named("HOGA_LOCKS_TABLE"),
            self.named("HOGA_LEDGER_TABLE"),
            self.lock_client,
            state=self.named("HOGA_STATE_TABLE"),
        )

    @cached_property
    def ledger(self) -> ports.Ledger:
        from core.adapters.dynamo.ledger import DynamoLedger

        return DynamoLedger(self.named("HOGA_LEDGER_TABLE"), self.lock_client)

    @cached_property
    def cooldowns(self) -> ports.Cooldowns:
        from core.adapters.dynamo.cooldowns import DynamoCooldowns

        return DynamoCooldowns(self.named("HOGA_STATE_TABLE"), self.client("dynamodb"))

    @cached_property
    def budget(self) -> ports.Budget:
        from core.adapters.dynamo.budget import DynamoBudget

        return DynamoBudget(self.named("HOGA_STATE_TABLE"), self.client("dynamodb"))

    @cached_property
    def shards(self) -> ports.Shards:
        from core.adapters.dynamo.shards import DynamoShards

        return DynamoShards(self.named("HOGA_STATE_TABLE"), self.lock_client)

    @cached_property
    def signals(self) -> ports.Signals:
        from core.adapters.queue import SqsSignals

        return SqsSignals(self.named("HOGA_SIGNALS_QUEUE"), self.client("sqs"))

    @cached_property
    def returns(self) -> SqsReturns:
        """The signals queue, for those of its messages that must come back soon."""
        from core.adapters.returns import SqsReturns

        return SqsReturns(self.named("HOGA_SIGNALS_QUEUE"), self.client("sqs"))

    @cached_property
    def alert_returns(self) -> SqsReturns:
        """The alerts queue, for alerts that a chat service did not take yet."""
        from core.adapters.returns import ALERT_STEPS_S, SqsReturns

        return SqsReturns(self.named("HOGA_ALERTS_QUEUE"), self.client("sqs"), ALERT_STEPS_S)

    @cached_property
    def alerts(self) -> ports.Alerts:
        from core.adapters.queue import SqsAlerts

        return SqsAlerts(self.named("HOGA_ALERTS_QUEUE"), self.client("sqs"), self.settings.notify.channels)

    @cached_property
    def dead_letters(self) -> ports.DeadLetters:
        from core.adapters.queue import SqsDeadLetters

        urls = {name: self.named(f"HOGA_{name.upper()}_DEAD") for name in ("signals", "alerts", "jobs")}
        return SqsDeadLetters(urls, self.client("sqs"))

    @cached_property
    def passes(self) -> ports.Passes:
        from core.adapters.passes import SqsPasses

        return SqsPasses(self.named("HOGA_PASSES_QUEUE"), self.client("sqs"))

    @cached_property
    def news(self) -> ports.News:
        from core.adapters.news import EventBridgeNews

        return EventBridgeNews(self.named("HOGA_BUS"), self.client("events"))

    def quotes(self, market: Market) -> ports.Quotes:
        """The venue's REST side; one session for each market, all functions within one budget."""
        if market not in self._quotes:
            policy = self.policy(market)
            self._quotes[market] = self._asked(market, policy.rest, policy.scan.tries)
        return self._quotes[market]

    def quick_quotes(self, market: Market) -> HttpQuotes:
        """The same for a trade, which has seconds: few tries, short patience, within the same budget."""
        if market not in self._quick:
            rest = hurried(self.policy(market).rest)
            self._quick[market] = self._asked(market, rest, QUICK_TRIES, self.spare(market) or self.budget)
        return self._quick[market]

    def carrying_out(self) -> Wiring:
        """The same, for the process that carries signals out: it may claim what is kept free of the venues' limits."""
        self._carries_out = True
        return self

    def spare(self, market: Market) -> SpareBudget | None:
        """The budget of calls that a trade makes; None for whoever carries no signals out: he shares everybody's."""
        if not self._carries_out:
            return None
        if market not in self._spare:
            from core.adapters.dynamo.budget import DynamoSpare
            from core.adapters.spare import SpareBudget

            rest = venue(market).rest
            self._spare[market] = SpareBudget(
                self.budget,
                DynamoSpare(self.named("HOGA_STATE_TABLE"), self.client("dynamodb")),
                uuid4().hex,
                self.policy(market).rest.headroom,
                dict.fromkeys(rest.limits, rest.counted),
            )
        return self._spare[market]

    def _asked(self, market: Market, rest: RestPolicy, tries: int, budget: ports.Budget | None = None) -> HttpQuotes:
        from core.adapters.circuits import tell_open
        from core.adapters.http import HttpQuotes

        policy = self.policy(market)
        return HttpQuotes(
            venue(market, policy).rest,
            rest,
            budget or self.budget,
            self.clock,
            time.sleep,
            random.random,
            tries=tries,
            sign=self._signer(market),
            purse=purse(environment(policy)),
            on_open=lambda path: tell_open(self.alerts, market, path, self.clock()),
        )

    def credentials(self, market: Market) -> KeyRing:
        """The market's app keys, and the account's: tokens and approval keys that everybody shares (E12)."""
        if market not in self._rings:
            from core.adapters.dynamo.tokens import DynamoVault
            from core.adapters.keyring import ring

            self._rings[market] = ring(
                venue(market).rest,
                self.policy(market),
                self.secrets,
                DynamoVault(self.named("HOGA_STATE_TABLE"), self.client("dynamodb")),
                self.budget,
                self.clock,
                time.sleep,
                random.random,
                lambda: uuid4().hex,
            )
        return self._rings[market]

    def notices(self, market: Market) -> ports.Notices | None:
        """Where notices of our own orders go; None for a market whose orders never reach its venue."""
        from core.adapters.broker_wiring import notices

        return notices(self, market)

    def _signer(self, market: Market) -> AppKey | None:
        """Who asks for quotes: the market's first key; nobody where everybody may ask."""
        if venue(market).rest.keys is None:
            return None
        if not (keys := self.policy(market).keys):
            raise Misconfigured("this market answers app keys only: `keys` names none", market=market.value)
        return self.credentials(market)[keys[0].app_key]

    def broker(self, market: Market) -> ports.Broker:
        """Paper, unless settings say otherwise and the market has an account; live needs both opt-ins besides."""
        from core.adapters import broker_wiring

        if market not in self._brokers:
            account = broker_wiring.account(self, market)
            made = broker_wiring.at_venue(self, market, account) if account else broker_wiring.paper(self, market)
            self._brokers[market] = made
        return self._brokers[market]

    def lookout(self, market: Market) -> Lookout:
        """What the scheduled use cases that watch a market need."""
        from core.app.lookout import Lookout

        return Lookout(
            market=market,
            policy=self.policy(market),
            venue=venue(market, self.policy(market)),
            shelf=self.shelf,
            quotes=self.quotes(market),
            alerts=self.alerts,
            clock=self.clock,
            pause=time.sleep,
            told=self.told(market),
        )

    def desk(self, market: Market, owner: str, lease_ms: Millis) -> Desk:
        """What a trade needs. `owner` says who acts; its locks end `lease_ms` after they were asked for."""
        from core.app.desk import Desk

        return Desk(
            market=market,
            policy=self.policy(market),
            rules=self.rules(market),
            shelf=self.recent,
            leases=self.leases,
            ledger=self.ledger,
            broker=self.broker(market),
            alerts=self.alerts,
            clock=self.clock,
            monotonic_s=time.monotonic,
            pause=time.sleep,
            owner=owner,
            nonce=lambda: uuid4().hex,
            deadline_ms=lease_ms,
            name=lambda symbol: self._name(market, symbol),
            last_price=lambda symbol: self._last_price(market, symbol),
            state=lambda symbol: self.quick_quotes(market).state(symbol),
            told=self.told(market),
            engaged=self._engaged.setdefault(market, {}),
            turns=self._turns(market),
            paid_alike=self._paid_alike(market),
        )

    def _turns(self, market: Market) -> ports.Turns:
        from core.adapters import broker_wiring
        from core.app.desk import Unshared

        spare = self.spare(market)
        return Unshared() if spare is None else broker_wiring.turns(self, market, spare)

    def _paid_alike(self, market: Market) -> frozenset[Market]:
        """Whatever is in the settings, enabled or not: a market that was switched off may still hold something."""
        markets = self.settings.markets
        quote = markets[market].universe.quote
        return frozenset(each for each, policy in markets.items() if policy.universe.quote == quote)

    def _name(self, market: Market, symbol: str) -> str:
        """As the last listing called it. Read once for the process: names hardly change."""
        if market not in self._names:
            from core.domain.levels import SafeSet

            safe = self.recent.read(SafeSet, market)
            if safe is None:
                return ""
            self._names[market] = safe.names
        return self._names[market].get(symbol, "")

    def _last_price(self, market: Market, symbol: str) -> float | None:
        rows = self.quick_quotes(market).tickers([symbol], self.policy(market).universe.quote)
        return (rows[0].price or None) if rows else None

    @cached_property
    def notifiers(self) -> dict[str, ports.Notifier]:
        """One for each channel of the settings; their secrets are read when the first message goes out."""
        from core.adapters.channels import notifiers

        return notifiers(self.settings.notify, self.settings.language.value, self.secrets)

    @cached_property
    def secrets(self) -> Secrets:
        """Read when the first of them is needed."""
        from core.adapters.secrets import SsmSecrets

        return SsmSecrets(f"/hoga/{self.stage}", self.client("ssm"), time.monotonic)

    @property
    def picture(self) -> Callable[[Alert], bytes | None]:
        """Draws an alert's chart; draws nothing, and loads nothing to draw with, where charts are switched off."""
        if not self.settings.notify.charts:
            return lambda alert: None
        from core.adapters.pictures import picture

        return picture


@cache
def wired() -> Wiring:
    """This process's wiring. The environment is read here and nowhere else in the functions."""
    return Wiring(os.environ)
