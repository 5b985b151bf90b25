"""`hoga plan`: what a set-up would cost and use before anything is deployed, and what of it cannot work."""

from __future__ import annotations

import click

from core.cli import place
from core.cli.answers import json_option, say_json, say_table
from core.local import costs, quotas, usage
from core.local.schedules import schedules
from core.local.template import functions, load
from core.settings import Settings

REFUSED = 1


@click.command()
@click.option("--signals", default=40, show_default=True, help="Buys a day and market to reckon with.")
@click.option("--streamer-hours", type=click.Choice(["auto", "always", "krx"]), default="auto", show_default=True)
@click.option("--fixed-egress", is_flag=True, help="Orders from one fixed address (Upbit).")
@click.option("--no-alarms", is_flag=True, help="Without alarms and dashboard.")
@click.option("--free-tier", is_flag=True, help="Take off what every account has free each month, for ever.")
@json_option
@click.pass_context
def plan(
    context: click.Context,
    signals: int,
    streamer_hours: str,
    fixed_egress: bool,
    no_alarms: bool,
    free_tier: bool,
    as_json: bool,
) -> None:
    """What the settings would cost on AWS, what they use of the exchanges' limits, and what cannot work."""
    settings, at = place.settings(), place.clock()
    prices, found = costs.book(), usage.opened(settings, at)
    hours = _hours(found) if streamer_hours == "auto" else streamer_hours
    wish = usage.Wish(signals=signals, hours=hours, egress=fixed_egress, alarms=not no_alarms, free_tier=free_tier)
    bill = costs.lines(settings, wish, prices, at)
    bodies = functions(load())
    against = quotas.conflicts(found, wish, schedules(bodies), bodies)
    total = sum(line.usd for line in bill)
    if as_json:
        say_json(
            {
                "monthly_usd": round(total, 2),
                "largest": bill[0].name,
                "prices_of": prices.dated,
                "streamer_hours": hours,
                "lines": [{**_plain(line), "usd": round(line.usd, 2)} for line in bill],
                "quota": quotas.quota(found),
                "slots": quotas.slots(found),
                "conflicts": against,
            }
        )
    else:
        _tell(settings, bill, total, prices, found, hours, against)
    if against:
        context.exit(REFUSED)


def _hours(found: list[usage.Opened]) -> str:
    """Market hours where every market that is switched on has them."""
    return "krx" if all(one.hours < 700 for one in found) else "always"


def _plain(line: costs.Cost) -> dict[str, object]:
    return {"name": line.name, "of": line.of}


def _tell(
    settings: Settings,
    bill: list[costs.Cost],
    total: float,
    prices: costs.Book,
    found: list[usage.Opened],
    hours: str,
    against: list[quotas.Conflict],
) -> None:
    markets = ", ".join(market.value for market in settings.enabled)
    rows = [(line.name, f"{line.usd:.2f}", line.of) for line in bill] + [
        ("all", f"{total:.2f}", f"largest: {bill[0].name}")
    ]
    say_table(
        f"a month of {markets}, USD, prices of {prices.dated}, streamer {hours}", ("line", ">USD", "of"), rows, none=""
    )
    shares = [
        (
            row.market.value,
            row.what,
            row.calls,
            f"{row.seconds:.1f}",
            f"{row.every_s:g}",
            f"{row.limit_per_s:.1f}",
            f"{row.share:.0%}",
        )
        for row in quotas.quota(found)
    ]
    columns = ("market", "calls", ">count", ">take (s)", ">every (s)", ">limit (/s)", ">of its minute")
    say_table("exchange limits", columns, shares, none="")
    rooms = [(one.market.value, one.wanted, one.allowed, one.of) for one in quotas.slots(found)]
    say_table("subscriptions", ("market", ">wanted at most", ">allowed", "of"), rooms, none="")
    for one in against:
        click.echo(f"cannot work: {one.what} ({one.why}). Change: {one.do}.", err=True)


COMMANDS = (plan,)
