"""`hoga halt`, `resume` and `flatten`: the kill switch by symbol, market or for everything (E10)."""

from __future__ import annotations

import click
import msgspec

from core.app.flatten import concerns, within
from core.app.remainder import booked
from core.cli import place
from core.cli.answers import json_option, say, say_json, say_table
from core.domain.errors import CoreError
from core.domain.values import Market
from core.local.telling import units

ALL = "all"
FLAT, LEFT, UNPROVEN = 0, 1, 3
TRIES = 3
"""One call of the function sells for up to 50 s; after this many the order stands, and the next minute goes on."""


@click.command()
@click.argument("scope", required=False)
@click.option("--reason", default="stopped by hand", show_default=True, help="What `status` will say.")
@json_option
def halt(scope: str | None, reason: str, as_json: bool) -> None:
    """Stop buying everything, or SCOPE only (a market or a symbol); exits go on."""
    site = place.site()
    named = scope_of(site, scope)
    site.books.ledger.halt(named, reason, place.clock())
    say(as_json, {"halted": named, "reason": reason}, f"buying is halted ({named}): {reason}. Exits go on.")


@click.command()
@click.argument("scope", required=False)
@json_option
def resume(scope: str | None, as_json: bool) -> None:
    """Allow buying again, everything or SCOPE (a market or a symbol)."""
    site = place.site()
    named = scope_of(site, scope)
    site.books.ledger.resume(named)
    left = site.books.ledger.halts()
    still = "; still halted: " + ", ".join(sorted(left)) if left else ""
    say(as_json, {"resumed": named, "halts": left}, f"buying is allowed again ({named}){still}")


@click.command()
@click.argument("scope", required=False)
@click.option("--reason", default="flattened by hand", show_default=True, help="What `status` will say.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@click.pass_context
def flatten(context: click.Context, scope: str | None, reason: str, yes: bool, as_json: bool) -> None:
    """Halt SCOPE (everything, a market, a symbol) and sell all that is held in it.

    The order stands until the venue itself holds nothing of it, whatever restarts meanwhile; `hoga resume` takes it
    back. Exit code 0: flat. 1: something is left. 3: the venue did not say what it holds.
    """
    site = place.site()
    named = scope_of(site, scope)
    held = held_in(site, named)
    if not yes:
        click.confirm(f"Halt {named} and sell {_shown(held)} now?", abort=True, err=True)
    site.books.ledger.halt(named, reason, place.clock(), sells=True)
    answers = _carried_out(site, named)
    left, unproven = held_in(site, named), _unproven(answers, named)
    standing = named in site.books.ledger.flattening()
    code = LEFT if left else UNPROVEN if standing or unproven else FLAT
    if as_json:
        say_json({"flatten": named, "held": held, "left": left, "standing": standing, "unproven": unproven})
    else:
        _tell(named, held, left, unproven, standing)
    context.exit(code)


def held_in(site: place.Site, scope: str) -> dict[str, str]:
    """Units by instrument, as our books say."""
    return {str(on): units(quantity) for on, quantity in booked(site.books.leases) if within(scope, on)}


def scope_of(site: place.Site, text: str | None) -> str:
    """`all`, a market's name, or a symbol as people type it. Raises NoSuchSymbol."""
    if text is None or text.strip().lower() == ALL:
        return ALL
    named = text.strip().lower()
    return named if named in {market.value for market in site.markets} else str(site.instrument(text))


def _carried_out(site: place.Site, scope: str) -> list[object]:
    """Have the function do it at once, a few times; that it cannot be reached only means that its next run does it."""
    answers: list[object] = []
    for _ in range(TRIES):
        try:
            answers.append(site.cloud.invoke("Liquidate", {}))
        except CoreError as trouble:
            click.echo(f"not at once: {trouble}", err=True)
        if scope not in site.books.ledger.flattening():
            break
    return answers


def _unproven(answers: list[object], scope: str) -> str:
    """What the last run said of a venue that did not tell its holdings."""
    last = msgspec.convert(answers[-1], dict[str, object]) if answers else {}
    for market in Market:
        if not concerns(scope, market) or not isinstance(answer := last.get(market.value), dict):
            continue
        found = answer.get("flatten", {}).get(scope, {}).get("unproven", "")
        if found:
            return str(found)
    return ""


def _shown(held: dict[str, str]) -> str:
    return ", ".join(f"{quantity} {on}" for on, quantity in sorted(held.items())) or "nothing (none is held)"


def _tell(scope: str, held: dict[str, str], left: dict[str, str], unproven: str, standing: bool) -> None:
    rows = [(on, quantity, left.get(on, "0")) for on, quantity in sorted(held.items())]
    say_table(f"flatten {scope}", ("instrument", ">held", ">left"), rows, none=f"flatten {scope}: nothing was held")
    if unproven:
        click.echo(unproven)
    if standing:
        click.echo("the order stands: each minute goes on with it, across restarts, until the venue holds nothing")
    else:
        click.echo(f"flat; buying stays halted ({scope}) until `hoga resume" + (f" {scope}`" if scope != ALL else "`"))


COMMANDS = (halt, resume, flatten)
