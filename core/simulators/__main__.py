"""All simulators in one process: `python -m core.simulators --port 0 --story demo --seed 7 --log FILE`.

KIS comes in both environments, which trade on one market. Its day is around the clock unless `--krx-day` says else.

One JSON line on standard output names the addresses once everything is served; SIGTERM or SIGINT ends it cleanly.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec

from core.adapters.tape import frames
from core.domain.errors import WireSurprise
from core.domain.policies import Environment
from core.domain.values import Market, Millis
from core.simulators import binance_pairs, kis_stories
from core.simulators.binance import BinanceSimulator
from core.simulators.binance_keys import ApiKey
from core.simulators.binance_wing import private
from core.simulators.chat import ChatSimulator
from core.simulators.coins import listing
from core.simulators.faults import Faults, Planned
from core.simulators.host import wall_ms
from core.simulators.kis import KisSimulator
from core.simulators.kis_issues import listing as issues
from core.simulators.kis_market import KrxMarket
from core.simulators.kis_time import ALWAYS, Timetable, compressed, official, span
from core.simulators.market import SimulatedMarket
from core.simulators.served import Served
from core.simulators.stories import BOOKS
from core.simulators.tape import recorded
from core.simulators.upbit import UpbitSimulator

KEY = ApiKey()
"""Of simulated Binance's one account."""


def arguments(words: list[str]) -> argparse.Namespace:
    """Read the command line; exits with 2 on what does not read."""
    parser = argparse.ArgumentParser(
        prog="python -m core.simulators", description="Simulated Upbit, KIS, Binance, Telegram and Discord"
    )
    parser.add_argument("--port", type=int, default=0, help="Upbit's port, 0 for a free one")
    parser.add_argument("--chat-port", type=int, default=0, help="port of Telegram and Discord")
    parser.add_argument("--kis-port", type=int, default=0, help="port of KIS's real environment")
    parser.add_argument("--kis-mock-port", type=int, default=0, help="port of its mock environment")
    parser.add_argument("--binance", action="store_true", help="serve Binance too")
    parser.add_argument("--binance-port", type=int, default=0, help="port of Binance")
    parser.add_argument("--issues", type=int, default=250, help="ordinary KRX stocks listed")
    parser.add_argument(
        "--krx-day",
        type=timetable,
        default="always",
        help="always, calendar (KRX's hours), OPENS-CLOSES[/AUCTION_S] in Korea (HH:MM[:SS]), or minute (a day of one)",
    )
    parser.add_argument("--krx-vi", type=float, default=120.0, help="seconds that a volatility interruption lasts")
    parser.add_argument("--krx-funds", type=int, default=10_000_000, help="KRW in each KIS account")
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


def timetable(text: str) -> Timetable:
    """When KRX trades. Raises ValueError for what is none of the four forms."""
    match text:
        case "always":
            return Timetable(ALWAYS, weekends=True)
        case "calendar":
            return official()
        case "minute":
            return Timetable(compressed(wall_ms()), weekends=True)
    return Timetable(span(text), weekends=True)


async def serve(options: argparse.Namespace) -> None:
    """Serve until told to stop."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    tape = list(frames(options.tape)) if options.tape else []
    codes = {recorded(*frame).code for frame in tape}
    log = Served(options.log)
    async with AsyncExitStack() as stack:
        market = SimulatedMarket(seed=options.seed, start=wall_ms(), coins=listing(options.symbols))
        market.play(BOOKS[options.story], market.start)
        upbit = await stack.enter_async_context(
            UpbitSimulator(market, faults=planned(options.faults), port=options.port, log=log, codes=codes)
        )
        chat = await stack.enter_async_context(ChatSimulator(port=options.chat_port, log=Served(options.log)))
        real, mock = await korean(stack, options)
        venues = markets(upbit, real)
        if options.binance:
            venues[Market.BINANCE.value] = await dollars(stack, options)
        said = {**addresses(upbit, chat), **kis_addresses(real, mock), **coin_secrets(upbit), "markets": venues}
        print(msgspec.json.encode(said).decode(), flush=True)
        playing = asyncio.create_task(play(upbit, tape, options.speed))
        await stop.wait()
        playing.cancel()
        await asyncio.wait([playing])


async def korean(stack: AsyncExitStack, options: argparse.Namespace) -> tuple[KisSimulator, KisSimulator]:
    """KIS's real and mock environments over one market."""
    market = KrxMarket(
        seed=options.seed,
        start=wall_ms(),
        issues=issues(options.issues),
        timetable=options.krx_day,
        vi_s=options.krx_vi,
    )
    market.play(kis_stories.BOOKS[options.story], market.start)
    real, mock = (
        KisSimulator(market, flavour=flavour, port=port, log=Served(options.log), funds=options.krx_funds)
        for flavour, port in ((Environment.REAL, options.kis_port), (Environment.MOCK, options.kis_mock_port))
    )
    return await stack.enter_async_context(real), await stack.enter_async_context(mock)


async def dollars(stack: AsyncExitStack, options: argparse.Namespace) -> dict[str, object]:
    """Binance on a market of its own; gives where it is."""
    pairs = binance_pairs.listing(options.symbols)
    market = binance_pairs.market_of(pairs, seed=options.seed, start=wall_ms())
    market.play(binance_pairs.BOOKS[options.story], market.start)
    binance = BinanceSimulator(
        pairs=pairs, market=market, port=options.binance_port, log=Served(options.log), wing=private((KEY,))
    )
    await stack.enter_async_context(binance)
    return {"rest_url": binance.rest_url, "stream_url": binance.stream_url, "control_url": f"{binance.rest_url}/_sim"}


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


def kis_addresses(real: KisSimulator, mock: KisSimulator) -> dict[str, object]:
    """Where both environments are, and the secrets that are nobody's, by the names that settings give them."""
    return {
        "kis_rest_url": real.rest_url,
        "kis_stream_url": real.stream_url,
        "kis_control_url": real.control_url,
        "kis_mock_rest_url": mock.rest_url,
        "kis_mock_stream_url": mock.stream_url,
        "kis_mock_control_url": mock.control_url,
        "kis_secrets": {"real": secrets(real, "kis"), "mock": secrets(mock, "kis_mock")},
    }


def coin_secrets(upbit: UpbitSimulator) -> dict[str, object]:
    """Keys of the accounts of coins, by the names that settings give them; Binance's are its testnet's too."""
    own = upbit.private.keys[0]
    names = ("binance_api_key", "binance_api_secret", "binance_test_api_key", "binance_test_api_secret")
    return {
        "upbit_secrets": {"upbit_access_key": own.access, "upbit_secret_key": own.secret},
        "binance_secrets": dict(zip(names, (KEY.key, KEY.secret) * 2, strict=True)),
    }


def markets(upbit: UpbitSimulator, real: KisSimulator) -> dict[str, object]:
    """Each market as a system of ours needs to know it: where it is, what opens it, what is listed, and its day."""
    coins = {"rest_url": upbit.rest_url, "stream_url": upbit.stream_url, "control_url": f"{upbit.rest_url}/_sim"}
    names = {"app_key": "kis_app_key", "app_secret": "kis_app_secret", "environment": Environment.REAL.value}
    stocks = {
        "rest_url": real.rest_url,
        "stream_url": real.stream_url,
        "control_url": real.control_url,
        "day_url": f"{real.control_url}/day",
        "codes": list(real.market.lines),
        "keys": [names],
        "secrets": {name: text for name, text in secrets(real, "kis").items() if name in names.values()},
    }
    return {Market.UPBIT.value: coins, Market.KRX.value: stocks}


def secrets(sim: KisSimulator, prefix: str) -> dict[str, str]:
    """The first app key as it is named without a number, the others from 2 on; the account and its HTS id."""
    found = {"kis_account": sim.books.number, "kis_hts_id": sim.app_keys[0].hts_id}
    for number, key in enumerate(sim.app_keys, 1):
        tail = "" if number == 1 else f"_{number}"
        found |= {f"{prefix}_app_key{tail}": key.app_key, f"{prefix}_app_secret{tail}": key.app_secret}
    return found


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
