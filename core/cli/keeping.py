"""`hoga secrets`: keys and tokens go to SSM and nowhere else; what is typed is not shown, and nothing prints one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

import click
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from core.cli import deployed, place
from core.cli.answers import json_option, say, say_json, say_table
from core.domain.errors import Misconfigured, Refused, Transient
from core.domain.policies import KeyPolicy, MarketPolicy
from core.settings import Settings

LONGEST = 4096
"""What a parameter of the standard tier holds, free of charge."""


class NoSuchSecret(Misconfigured):
    remedy = "`hoga secrets list` shows every name that settings.yaml uses."


@click.group()
def secrets() -> None:
    """Keys and tokens of the cloud: kept in SSM, encrypted; never in a file, never shown."""


@secrets.command("list")
@click.option("--stage", help="Another stage than that of the settings.")
@json_option
def show(stage: str | None, as_json: bool) -> None:
    """Every secret that the settings use, and whether it is stored."""
    settings = place.settings()
    prefix = _prefix(stage or settings.stage)
    client = deployed.client("ssm", place.environment())
    rows = [(name, use, _stored(client, f"{prefix}/{name}")) for name, use in used(settings)]
    if as_json:
        say_json([{"name": name, "for": use, "stored": when} for name, use, when in rows])
        return
    table = [(name, use, when or "missing") for name, use, when in rows]
    say_table(f"secrets under {prefix}", ("name", "used for", "stored"), table, none="the settings use no secret")


@secrets.command("set")
@click.argument("name")
@click.option("--stage", help="Another stage than that of the settings.")
@json_option
def put(name: str, stage: str | None, as_json: bool) -> None:
    """Store the secret NAME; asks for it without showing it, or reads it from a pipe."""
    settings = place.settings()
    known = dict(used(settings))
    if name not in known:
        near = get_close_matches(name, known, n=3)
        raise NoSuchSecret("no setting uses a secret of this name", name=name, **({"like": near} if near else {}))
    path = f"{_prefix(stage or settings.stage)}/{name}"
    text = _typed(name)
    _store(deployed.client("ssm", place.environment()), path, text)
    say(as_json, {"stored": path}, f"stored as {path}; functions read it within 5 minutes")


def used(settings: Settings) -> Iterator[tuple[str, str]]:
    """(name, what for) of every secret that these settings name, each once."""
    found: dict[str, str] = {}
    for market in settings.enabled:
        for name, use in _of_market(settings.markets[market]):
            found.setdefault(name, f"{market.value} {use}")
    for channel, name in (("telegram", settings.notify.telegram.secret), ("discord", settings.notify.discord.secret)):
        if channel in settings.notify.channels:
            found.setdefault(name, f"{channel} alerts")
    yield from found.items()


def _of_market(policy: MarketPolicy) -> Iterator[tuple[str, str]]:
    for key in policy.keys:
        yield from _of_key(key, "quotes")
    if policy.account is not None:
        yield from _of_key(policy.account.key, "orders")
        yield policy.account.number, "orders: account"
        if policy.account.hts_id:
            yield policy.account.hts_id, "orders: notices"


def _of_key(key: KeyPolicy, use: str) -> Iterator[tuple[str, str]]:
    yield key.app_key, f"{use}: key"
    yield key.app_secret, f"{use}: secret"


def _prefix(stage: str) -> str:
    return f"/hoga/{stage}"


def _typed(name: str) -> str:
    """What was typed or piped, without the line's end. Raises Refused for what cannot be a secret."""
    shown = sys.stdin.isatty()
    text = str(click.prompt(f"{name} (not shown)", hide_input=True) if shown else sys.stdin.read()).strip()
    if not text:
        raise Refused("nothing was typed: nothing is stored", name=name)
    if len(text) > LONGEST or "\n" in text:
        raise Refused("this is no key or token: it has several lines or is too long", name=name, characters=len(text))
    return text


def _store(client: Any, path: str, text: str) -> None:
    """Faults are told by their code alone: a message might repeat what was sent."""
    try:
        client.put_parameter(Name=path, Value=text, Type="SecureString", Overwrite=True, Tier="Standard")
    except ClientError as fault:
        raise Refused("SSM refuses to store it", path=path, why=fault.response["Error"]["Code"]) from None
    except NoCredentialsError:
        raise deployed.NoAccess("storing a secret needs AWS credentials", path=path) from None
    except BotoCoreError as fault:
        raise Transient("SSM does not answer", fault=type(fault).__name__) from None


def _stored(client: Any, path: str) -> str:
    """When it was last stored, "" where it is not there; its value is not asked for in the clear."""
    try:
        found = client.get_parameter(Name=path, WithDecryption=False)["Parameter"]
    except ClientError as fault:
        if fault.response["Error"]["Code"] == "ParameterNotFound":
            return ""
        raise Refused("SSM refuses to look", path=path, why=fault.response["Error"]["Code"]) from None
    except NoCredentialsError:
        raise deployed.NoAccess("looking at secrets needs AWS credentials", path=path) from None
    except BotoCoreError as fault:
        raise Transient("SSM does not answer", fault=type(fault).__name__) from None
    return str(found["LastModifiedDate"].strftime("%Y-%m-%d %H:%M"))


COMMANDS = (secrets,)
