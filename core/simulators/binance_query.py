"""What a call of simulated Binance's REST side names, read as strictly as the real one reads it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from core.simulators.binance_pairs import Pair
from core.simulators.line import Line
from core.simulators.market import SimulatedMarket

Query = Mapping[str, str]

MOST_ROWS, MOST_DEPTH = 1000, 5000
INVALID = -1121


class Exchange(NamedTuple):
    """What is listed and what it trades at."""

    pairs: Mapping[str, Pair]
    market: SimulatedMarket

    def line(self, symbol: str) -> Line:
        return self.market.lines[symbol]


class Reply(msgspec.Struct, frozen=True):
    status: int
    body: bytes


class Declined(Exception):
    """The venue's answer is an error."""

    def __init__(self, code: int, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


def complaint(code: int, message: str, status: int = 400) -> Reply:
    return Reply(status, msgspec.json.encode({"code": code, "msg": message}))


def symbol_of(query: Query, exchange: Exchange) -> str:
    if not query.get("symbol"):
        raise mandatory("symbol")
    return _known([query["symbol"]], exchange)[0]


def named(query: Query, exchange: Exchange) -> list[str]:
    """Those that are named, none where all are meant."""
    if "symbol" in query and "symbols" in query:
        raise Declined(-1128, "Combination of optional parameters invalid.")
    if "symbol" in query:
        return [symbol_of(query, exchange)]
    return _known(symbol_list(query), exchange) if "symbols" in query else []


def symbol_list(query: Query) -> list[str]:
    try:
        return msgspec.json.decode(query["symbols"].encode(), type=list[str])
    except msgspec.MsgspecError:
        raise Declined(-1100, "Illegal characters found in parameter 'symbols'.") from None


def _known(symbols: Sequence[str], exchange: Exchange) -> list[str]:
    """One unknown symbol declines the whole call; they are case-sensitive."""
    if len(set(symbols)) < len(symbols):
        raise Declined(-1151, "Symbol is present multiple times in the list.")
    if not all(symbol in exchange.pairs for symbol in symbols):
        raise Declined(INVALID, "Invalid symbol.")
    return list(symbols)


def mandatory(name: str) -> Declined:
    return Declined(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def whole(query: Query, name: str, otherwise: int) -> int:
    """Times may be microseconds."""
    try:
        number = int(query.get(name) or otherwise)
    except ValueError:
        raise Declined(-1100, f"Illegal characters found in parameter '{name}'.") from None
    return number // 1000 if name.endswith("Time") and number >= 10**15 else number


def limit_of(query: Query, otherwise: int, most: int) -> int:
    """More than the most is cut in silence."""
    count = whole(query, "limit", otherwise)
    if count < 1:
        raise Declined(-1130, "Data sent for parameter 'limit' is not valid.")
    return min(count, most)
