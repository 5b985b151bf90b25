"""Frames of the three venues, made from dice and always the same: what a stream looks like, not what a market did."""

from __future__ import annotations

import random
from collections.abc import Iterator

import msgspec

SPAN_MS = 180_000
"""Market time that the frames tell of, so that candles of a minute close whatever their number."""
CALM = 0.7
"""Share of trades at the unchanged price."""
SYMBOLS = {
    "upbit": tuple(f"KRW-C{number:03d}" for number in range(20)),
    "binance": tuple(f"C{number:03d}USDT" for number in range(20)),
    "kis": tuple(f"{number * 137:06d}" for number in range(1, 21)),
}
STAMP = 1_000_000_000_000_000
"""Stands where the server writes its sending time in microseconds: sixteen digits, found by these."""
WIDTH, UNREAD = 46, 9
"""Cells of a record of KIS, and the one of the first that holds the sending time: the day's low, which nobody reads."""


def made(venue: str, count: int, start: int, symbols: tuple[str, ...] = (), mix: bool = False) -> list[bytes]:
    """`count` frames from epoch ms `start` on; `mix` is Upbit with books and tickers among the trades."""
    dice, names = random.Random(11), symbols or SYMBOLS[venue]
    maker = {"upbit": _upbit_mix if mix else _upbit, "binance": _binance, "kis": _kis}[venue]
    return list(maker(dice, names, count, start))


class Walk:
    """Prices of some symbols, each step a draw: which symbol, and where it stands now."""

    def __init__(self, dice: random.Random, names: tuple[str, ...], step: float) -> None:
        self._dice, self._names, self._step = dice, names, step
        self._at = {name: dice.randrange(1_000, 50_000) for name in names}

    def draw(self) -> tuple[str, float]:
        name = self._dice.choice(self._names)
        if self._dice.random() >= CALM:
            self._at[name] = max(100, self._at[name] + self._dice.choice((-2, -1, 1, 2)))
        return name, self._at[name] * self._step


def _upbit(dice: random.Random, names: tuple[str, ...], count: int, start: int) -> Iterator[bytes]:
    walk = Walk(dice, names, 0.5)
    for number in range(count):
        yield msgspec.json.encode(_trade(dice, walk, start + number * SPAN_MS // count, number))


def _trade(dice: random.Random, walk: Walk, at: int, number: int) -> dict[str, object]:
    code, price = walk.draw()
    return {
        "ty": "trade", "cd": code, "tms": STAMP, "td": "2026-11-20", "ttm": "01:02:03", "ttms": at, "tp": price,
        "tv": round(dice.uniform(0.001, 5), 8), "ab": "BID" if dice.random() < 0.5 else "ASK", "pcp": price,
        "c": "RISE", "cp": 10.0, "sid": at * 10_000 + number % 10_000, "bap": price + 1, "bas": 1.5,
        "bbp": price - 1, "bbs": 2.5, "st": "REALTIME",
    }  # fmt: skip


def _upbit_mix(dice: random.Random, names: tuple[str, ...], count: int, start: int) -> Iterator[bytes]:
    """45 % trades, 45 % books of 15 levels, 10 % tickers."""
    walk = Walk(dice, names, 0.5)
    for number in range(count):
        at, kind = start + number * SPAN_MS // count, dice.random()
        make = _trade if kind < 0.45 else _book if kind < 0.90 else _ticker
        yield msgspec.json.encode(make(dice, walk, at, number))


def _book(dice: random.Random, walk: Walk, at: int, number: int) -> dict[str, object]:
    code, price = walk.draw()
    units = [
        {"ap": price + step, "bp": price - step, "as": round(dice.random(), 8), "bs": round(dice.random(), 8)}
        for step in range(1, 16)
    ]
    return {"ty": "orderbook", "cd": code, "tms": at, "tas": 9.1, "tbs": 8.2, "obu": units, "lv": 0, "st": "REALTIME"}


def _ticker(dice: random.Random, walk: Walk, at: int, number: int) -> dict[str, object]:
    code, price = walk.draw()
    return {
        "ty": "ticker", "cd": code, "op": price, "hp": price * 1.02, "lp": price * 0.98, "tp": price, "pcp": price,
        "c": "RISE", "cp": 10.0, "scp": 10.0, "cr": 0.001, "scr": 0.001, "tv": 0.1, "atv": 1000.5, "atv24h": 2000.5,
        "atp": 1e9, "atp24h": 2e9, "tdt": "20261120", "ttm": "010203", "ttms": at - 40, "ab": "BID", "aav": 1.0,
        "abv": 2.0, "h52wp": price * 2, "h52wdt": "2026-01-01", "l52wp": price / 2, "l52wdt": "2026-02-01",
        "ms": "ACTIVE", "its": False, "dd": None, "mw": "NONE", "tms": at, "st": "REALTIME",
    }  # fmt: skip


def _binance(dice: random.Random, names: tuple[str, ...], count: int, start: int) -> Iterator[bytes]:
    """Trades of the combined stream; prices and sizes are text there."""
    walk = Walk(dice, names, 0.01)
    for number in range(count):
        name, price = walk.draw()
        at = start + number * SPAN_MS // count
        data = {
            "e": "trade", "E": STAMP, "s": name, "t": number + 1, "p": f"{price:.8f}",
            "q": f"{dice.uniform(0.001, 5):.8f}", "T": at, "m": dice.random() < 0.5, "M": True,
        }  # fmt: skip
        yield msgspec.json.encode({"stream": f"{name.lower()}@trade", "data": data})


def _kis(dice: random.Random, names: tuple[str, ...], count: int, start: int) -> Iterator[bytes]:
    """H0STCNT0 with 1 to 4 records of 46 fields, from 09:00 on; the cells that nobody reads hold figures too."""
    walk, total = Walk(dice, names, 100), dict.fromkeys(names, 1_000)
    for number in range(count):
        records, second = dice.randint(1, 4), number * SPAN_MS // count // 1000
        cells: list[str] = []
        name, price = walk.draw()
        for record in range(records):
            quantity = dice.randint(1, 300)
            total[name] += quantity
            row = [str(dice.randint(1, 99_999)) for _ in range(WIDTH)]
            row[:3] = name, f"09{second // 60:02d}{second % 60:02d}", str(int(price))
            row[UNREAD] = row[UNREAD] if record else str(STAMP)
            row[12:14] = str(quantity), str(total[name])
            row[21], row[33:36], row[43:45] = dice.choice("15"), ("20261120", "20", "N"), ("0", "")
            cells += row
        yield f"0|H0STCNT0|{records:03d}|{'^'.join(cells)}".encode()
