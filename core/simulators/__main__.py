"""All simulators in one process: `python -m core.simulators --port 0 --story demo --seed 7 --log FILE`.

One JSON line on standard output names the addresses once everything is served; SIGTERM or SIGINT ends it cleanly.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from pathlib import Path

import msgspec

from core.adapters.tape import frames
from core.domain.errors import WireSurprise
from core.domain.values import Millis
from core.simulators.chat import ChatSimulator
from core.simulators.coins import listing
from core.simulators.faults import Faults, Planned
from core.simulators.market import SimulatedMarket
from core.simulators.served import Served
from core.simulators.stories import BOOKS
from core.simulators.tape import recorded
from core.simulators.upbit import UpbitSimulator, wall_ms


def arguments(words: list[str]) -> argparse.Namespace:
    """Read the command line; exits with 2 on what does not read."""
    parser = argparse.ArgumentParser(
        prog="python -m core.simulators", description="Simulated Upbit, Telegram and Discord"
    )
    parser.add_argument("--port", type=int, default=0, help="Upbit's port, 0 for a free one")
    parser.add_argument("--chat-port", type=int, default=0, help="port of Telegram and Discord")
    parser.add_argument("--story", choices=sorted(BOOKS), default="none", help="stories that begin at once")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--symbols", type=int, default=40, help="KRW pairs listed")
    parser.add_argument("--faults", type=Path, help="JSON list of {at_s, fault: {kind, ...}}")
    parser.add_argument("--log", type=Path, help="file for refusals, connections and faults, one JSON line each")
    parser.add_argument(
        "--tape", type=Path, help="file with one `EPOCH_MS<TAB>FRAME` a line, played instead of the market"
    )
    parser.add_argument("--speed", type=float, default=1.0, help="speed of the tape; inf for at once")
    return parser.parse_args(words)


async def serve(options: argparse.Namespace) -> None:
    """Serve until told to stop."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    market = SimulatedMarket(seed=options.seed, start=wall_ms(), coins=listing(options.symbols))
    market.play(BOOKS[options.story], market.start)
    tape = list(frames(options.tape)) if options.tape else []
    codes = {recorded(*frame).code for frame in tape}
    log, faults = Served(options.log), planned(options.faults)
    async with (
        UpbitSimulator(market, faults=faults, port=options.port, log=log, codes=codes) as upbit,
        ChatSimulator(port=options.chat_port, log=Served(options.log)) as chat,
    ):
        print(msgspec.json.encode(addresses(upbit, chat)).decode(), flush=True)
        playing = asyncio.create_task(play(upbit, tape, options.speed))
        await stop.wait()
        playing.cancel()
        await asyncio.wait([playing])


async def play(upbit: UpbitSimulator, tape: list[tuple[Millis, bytes]], speed: float) -> None:
    """Play the tape, if there is one, once somebody has subscribed to something."""
    await upbit.stream.asked.wait()
    if tape:
        await upbit.play(tape, speed)


def planned(file: Path | None) -> Faults:
    """The faults of a schedule file, none without one."""
    return Faults(msgspec.json.decode(file.read_bytes(), type=list[Planned]) if file else [])


def addresses(upbit: UpbitSimulator, chat: ChatSimulator) -> dict[str, str]:
    return {
        "rest_url": upbit.rest_url,
        "stream_url": upbit.stream_url,
        "upbit_control_url": f"{upbit.rest_url}/_sim",
        "telegram_url": chat.telegram_url,
        "telegram_token": chat.telegram_token,
        "discord_url": chat.discord_url,
        "chat_control_url": f"{chat.telegram_url}/_sim",
    }


def main(words: list[str]) -> int:
    """0 when ended by a signal, 1 where a port is taken or a file does not read."""
    try:
        asyncio.run(serve(arguments(words)))
    except (OSError, msgspec.MsgspecError, WireSurprise) as fault:
        print(f"The simulators cannot start: {fault}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
