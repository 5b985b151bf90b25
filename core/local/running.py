"""Starts the whole system on one machine, the simulators where the feed is theirs, and stops all of it again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol

from core.adapters.dynamo.tokens import DynamoVault
from core.domain.values import Market
from core.local import register
from core.local.credentials import shared
from core.local.day import alone, on_paper, on_simulators, written
from core.local.processes import Children, clean
from core.local.simulated import Simulators
from core.local.stack import NOBODY, Stack
from core.local.system import Feed, Plan, System
from core.settings import Settings


class Vault(Protocol):
    """Where secrets are kept for the functions."""

    def secret(self, name: str, value: str) -> None: ...


@contextmanager
def running(plan: Plan, told: Callable[[str], None]) -> Iterator[System]:
    """Start everything but the streamer and the schedules; stop all of it at the end, whatever happens."""
    folder = register.room(plan.base, plan.pid)
    with Children() as children:
        try:
            simulators = _simulators(plan, children, folder, told)
            settings = plan.shape(pointed(plan, simulators))
            path = folder / "settings.yaml"
            path.write_text(written(settings))
            with Stack.start(
                path,
                log=folder / "aws.log",
                stage=settings.stage,
                host=plan.host,
                children=children,
                told=told,
            ) as stack:
                keep_secrets(plan, stack, settings, simulators)
                own = DynamoVault(stack.outputs["StateTable"], stack.client("dynamodb"))
                with shared(plan, settings, own), closing(System(plan, settings, folder, stack, simulators)) as system:
                    system.register()
                    yield system
        finally:
            (folder / register.FILE).unlink(missing_ok=True)


def pointed(plan: Plan, simulators: Simulators | None) -> Settings:
    """The owner's settings for this feed. Orders of a local run stay on paper whatever they say."""
    if simulators is not None:
        return on_simulators(plan.settings, simulators.urls)
    return on_paper(alone(plan.settings, Market(plan.feed.value)))


def _simulators(plan: Plan, children: Children, folder: Path, told: Callable[[str], None]) -> Simulators | None:
    if plan.feed is not Feed.SIM:
        return None
    told("starting the simulated exchange and chat services")
    env, log = {**NOBODY, **clean(plan.host)}, folder / "simulators.log"
    return Simulators.start(children, env, log, seed=plan.seed, markets=plan.markets)


def keep_secrets(plan: Plan, stack: Vault, settings: Settings, simulators: Simulators | None) -> None:
    """Put the keys where the functions read them: the simulators' own, or those of the environment."""
    notify = settings.notify
    if simulators is not None:
        urls = simulators.urls
        stack.secret(notify.telegram.secret, urls.telegram_token)
        stack.secret(notify.discord.secret, urls.discord_url)
        for venue in urls.markets.values():
            for name, own in venue.secrets.items():
                stack.secret(name, own)
        return
    keys = (key for market in settings.enabled for key in settings.markets[market].keys)
    names = (name for key in keys for name in (key.app_key, key.app_secret))
    for name in (notify.telegram.secret, notify.discord.secret, *names):
        if value := plan.host.get(f"HOGA_SECRET_{name.upper()}"):
            stack.secret(name, value)
