"""What a message costs the streamer, against rivals that take the same frames in the same run. `make bench` runs it.

    bulk    as fast as they are taken: `hoga bench stream` against bare `websockets`, which decodes nothing
    paced   one frame a wake-up: against a plain `websockets` + msgspec client that does the same work

Server and client have a core each where there are two. Ratios matter, so that the machine drops out; rounds take
turns, and each figure is the median of its rounds. `--mix` is Upbit with books of 15 levels among the trades.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.benchmarks.serving import pin, serving  # noqa: E402

VENUES = ("upbit", "binance", "kis")
BULK = {"upbit": (3.0, 0.65), "binance": (3.0, 0.65), "kis": (5.0, 1.05)}
"""Most microseconds of CPU a message, and most of bare `websockets`."""
PACED_CPU, PACED_LATENCY = 0.4, 0.6
Figures = dict[str, float]


def ours(venue: str, url: str, messages: int, paced: int) -> Figures:
    options = ["--url", url, "--venue", venue, "--messages", str(messages), "--json"]
    if paced:
        options += ["--paced", str(paced)]
    return _run("-c", "from core.cli import main; main()", "bench", "stream", *options)


def rival(way: str, venue: str, url: str, messages: int) -> Figures:
    return _run(str(Path(__file__).with_name("rivals.py")), way, venue, url, str(messages))


def _run(*arguments: str) -> Figures:
    """One client in a process of its own, on the first core."""
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, check=True, capture_output=True, text=True, preexec_fn=lambda: pin(0)
    )
    found: Figures = json.loads(done.stdout)
    return found


def bulk(venue: str, messages: int, rounds: int, mix: bool) -> bool:
    with serving(venue, messages, mix=mix) as url:
        pairs = [(ours(venue, url, messages, 0), rival("bare", venue, url, messages)) for _ in range(rounds)]
    cost = median(mine["cpu_us_per_message"] for mine, _ in pairs)
    bare = median(theirs["cpu_us_per_message"] for _, theirs in pairs)
    ratio = median(mine["cpu_us_per_message"] / theirs["cpu_us_per_message"] for mine, theirs in pairs)
    most, share = BULK[venue]
    print(
        f"{venue:8} bulk   {cost:6.2f} us a message (at most {most})   bare websockets {bare:5.2f}   "
        f"ratio {ratio:4.2f} (at most {share})   {median(mine['msg_s'] for mine, _ in pairs):9,.0f}/s"
    )
    return mix or (cost <= most and ratio <= share)


def paced(venue: str, messages: int, rate: int, rounds: int) -> bool:
    with serving(venue, messages, rate) as url:
        pairs = [(ours(venue, url, messages, rate), rival("plain", venue, url, messages)) for _ in range(rounds)]
        swift = rival("swift", venue, url, messages)["cpu_us_per_message"]
    cost, late = (
        [(mine[name], theirs[name]) for mine, theirs in pairs] for name in ("cpu_us_per_message", "latency_p50_us")
    )
    cpu = median(mine / theirs for mine, theirs in cost)
    latency = median(mine / theirs for mine, theirs in late)
    print(
        f"{venue:8} {rate}/s {median(m for m, _ in cost):6.2f} us a message, plain {median(t for _, t in cost):6.2f} (on uvloop {swift:.2f}): "
        f"ratio {cpu:4.2f} (at most {PACED_CPU})   p50 {median(m for m, _ in late):6.1f} us, "
        f"plain {median(t for _, t in late):6.1f}: ratio {latency:4.2f} (at most {PACED_LATENCY})"
    )
    return cpu <= PACED_CPU and latency <= PACED_LATENCY


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--venues", default=",".join(VENUES))
    options.add_argument("--messages", type=int, default=200_000)
    options.add_argument("--rate", type=int, default=5_000)
    options.add_argument("--seconds", type=float, default=4.0, help="length of each paced round; 0 leaves them out")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--mix", action="store_true", help="Upbit with books and tickers, which no limit is set for")
    chosen = options.parse_args()
    held = True
    for venue in ["upbit"] if chosen.mix else chosen.venues.split(","):
        held &= bulk(venue, chosen.messages, chosen.rounds, chosen.mix)
        if chosen.seconds:
            held &= paced(venue, int(chosen.rate * chosen.seconds), chosen.rate, chosen.rounds)
    print("all hold" if held else "not all hold here: repeat it on a machine that does nothing else")
    return 0 if held else 1


if __name__ == "__main__":
    raise SystemExit(main())
