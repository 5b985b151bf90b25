"""`hoga bench stream`: how fast this machine takes a venue's stream, measured on the streamer's own parts."""

from __future__ import annotations

import os
import sys

import click
import msgspec

from core.cli import place
from core.cli.answers import json_option
from core.domain.errors import Misconfigured
from core.venues.spec import HOMES, Topic

VENUES = sorted(HOMES.values())


@click.group()
def bench() -> None:
    """Measure this machine."""


@bench.command()
@click.option("--url", required=True, help="A server that speaks the venue's protocol; any path.")
@click.option("--venue", required=True, type=click.Choice(VENUES))
@click.option("--messages", required=True, type=click.IntRange(1), help="Frames of market data to take.")
@click.option("--paced", type=click.IntRange(1), help="Frames a second that the server sends: only told in the answer.")
@click.option("--symbols", default="", help="What to ask for, with commas; some busy ones by default.")
@click.option(
    "--topics", default="", help="trade, book, ticker, ... with commas; what the streamer asks for by default."
)
@click.option("--ticket", default="", help="KIS's approval key, where the server looks at it.")
@click.option("--transport", type=click.Choice(["picows", "websockets"]), default="picows", show_default=True)
@click.option(
    "--quiet", type=click.FloatRange(0.1), default=15.0, show_default=True, help="Stop after so long a silence (s)."
)
@json_option
def stream(as_json: bool, **chosen: object) -> None:
    """Take a venue's stream with the streamer's own link, session and engine, and tell what it cost.

    Nothing is left out and nothing is added for the measurement, but no signal leaves: snapshot, candles of 1m, 5m
    and 1h with their indicators, and the rules of the settings run on every trade. It subscribes as the streamer does;
    a server that only sends is fine, and so are symbols that nobody asked for. It ends after N messages, when the
    server closes, or after a silence, and `ended` says which.

    \b
    messages   WebSocket frames with market data (or unread ones: `unread`). Answers and
               signs of life are `others` and do not count. `records`: trades and books in them
    seconds, cpu_us_per_message, msg_s
               from the first of them to the last; CPU is that of the whole process
    latency_p50_us, latency_p99_us
               to the decision, which is when the engine has taken the frame's last record.
               `latency_from` says from when: "sent", the server's own time stamp in the frame,
               where it counts microseconds (Upbit timestamp or tms, Binance E, 16 or 19 digits)
               and runs by this machine's clock; else "received", the transport's callback in
               the wake-up that read the frame. About a thousand frames are timed, evenly spread;
               of frames that one wake-up read together, the oldest stands for all.
    received_p50_us, received_p99_us
               the same from "received", whatever the stamps say
    checksum   sum of the last prices of all symbols
    rss_mb     memory at the end, in 2**20 bytes
    compiled   whether the hot path runs compiled (`make native`); HOGA_PURE=1 runs it from source
    """
    market = {home: market for market, home in HOMES.items()}[str(chosen["venue"])]
    markets = place.settings().markets
    if market not in markets:
        allowed = ", ".join(sorted(markets))
        raise Misconfigured("the settings have no such market", key=f"markets.{market.value}", allowed=allowed)
    known = {topic.value for topic in Topic}
    if odd := [name for name in str(chosen["topics"]).split(",") if name and name not in known]:
        raise click.BadParameter(f"{odd[0]!r} is none of {', '.join(sorted(known))}", param_hint="--topics")
    arguments = [f"--{name}={value}" for name, value in chosen.items() if value not in ("", None)]
    if as_json:
        arguments.append("--json")
    sys.stdout.flush()
    policy = msgspec.json.encode(markets[market]).decode()
    program = [sys.executable, "-m", "streamer.bench", *arguments, f"--policy={policy}"]
    os.execv(sys.executable, program)  # in place of this process: what is measured is the streamer alone


COMMANDS = (bench,)
