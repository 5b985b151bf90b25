"""Upbit's public REST side over a simulated market: path and query in, status and body out. No sockets here.

Source: reference/upbit.md section 3; error bodies are those of 3.6, byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import zip_longest

import msgspec

from core.domain.values import DAY, MINUTE
from core.simulators.line import Line
from core.simulators.market import SimulatedMarket
from core.simulators.upbit_rows import (
    book_row,
    candle_row,
    instrument_row,
    market_row,
    rest_ticker,
    rest_trade,
)
from core.simulators.upbit_wire import Row, padded

Query = Mapping[str, str]
Rows = list[Row]

MOST_CANDLES, MOST_UNITS, MOST_TRADES = 200, 30, 500
UNITS_OF_MINUTES = ("1", "3", "5", "10", "15", "30", "60", "240")
MISSING = "Missing request parameter error. Check the required parameters!"
MISMATCH = "Type mismatch error. Check the parameters type!"


class Reply(msgspec.Struct, frozen=True):
    """What is sent back. `group` is the rate-limit group, "" where the call is not routed and so not counted."""

    status: int
    body: bytes
    group: str


class Declined(Exception):
    """The venue's answer is an error: `name` is what its body carries."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def group_of(path: str) -> str:
    """The rate-limit group of a path, "" where Upbit's gateway has no such route."""
    return next((group for pattern, group, _ in ROUTES if pattern.fullmatch(path)), "")


def answer(path: str, query: Query, market: SimulatedMarket, at: int) -> Reply:
    """Answer one GET as Upbit would at `at` (epoch ms)."""
    for pattern, group, handler in ROUTES:
        if found := pattern.fullmatch(path):
            try:
                rows = handler({**query, **found.groupdict()}, market, at)
            except Declined as declined:
                return Reply(declined.status, complaint(declined.status, declined.message), group)
            return Reply(200, msgspec.json.encode(rows), group)
    return Reply(404, complaint("not_found", "no Route matched with those values"), "")


def complaint(name: int | str, message: str) -> bytes:
    """The body of every refusal; `name` is a number in the quotation calls."""
    return msgspec.json.encode({"error": {"name": name, "message": message}})


def _listing(query: Query, market: SimulatedMarket, at: int) -> Rows:
    wanted = query.get("is_details", query.get("isDetails", "false")).lower()
    if wanted not in ("true", "false"):
        raise Declined(400, MISMATCH)
    lines = market.lines.values()
    return [market_row(line, market.flags(line.coin.symbol, at), details=wanted == "true") for line in lines]


def _tickers(query: Query, market: SimulatedMarket, at: int) -> Rows:
    return [padded(rest_ticker(line, at)) for line in _named(query, market)]


def _all_tickers(query: Query, market: SimulatedMarket, at: int) -> Rows:
    if "quote_currencies" not in query:
        raise Declined(400, MISSING)
    quotes = query["quote_currencies"].upper().split(",")
    return [padded(rest_ticker(line, at)) for line in market.lines.values() if line.coin.quote in quotes]


def _books(query: Query, market: SimulatedMarket, at: int) -> Rows:
    count = min(_whole(query, "count", MOST_UNITS), MOST_UNITS)
    level = _number(query, "level")
    lines = _named(query, market)
    if level:
        lines = [line for line in lines if line.coin.quote == "KRW"]
    return [{"market": line.coin.symbol, **book_row(line, max(count, 1), level)} for line in lines]


def _instruments(query: Query, market: SimulatedMarket, at: int) -> Rows:
    return [instrument_row(line) for line in _named(query, market)]


def _seconds(query: Query, market: SimulatedMarket, at: int) -> Rows:
    return _candles(query, market, at, 1000, {})


def _minutes(query: Query, market: SimulatedMarket, at: int) -> Rows:
    unit = query["unit"]
    if unit not in UNITS_OF_MINUTES:
        raise Declined(400, MISMATCH)
    return _candles(query, market, at, int(unit) * MINUTE, {"unit": int(unit)})


def _days(query: Query, market: SimulatedMarket, at: int) -> Rows:
    line, count, end = _one(query, market), _candle_count(query), _until(query, at)
    days = line.candles(DAY, count + 1, end)
    rows = []
    for candle, before in zip_longest(days, days[1:]):
        close = before.close if before else candle.open
        moved = round(candle.close - close, 8)
        change = {"prev_closing_price": close, "change_price": moved, "change_rate": round(moved / close, 10)}
        row: Row = {"market": line.coin.symbol, **candle_row(candle), **change}
        if query.get("converting_price_unit", "").upper() == "KRW":
            row["converted_trade_price"] = _in_won(line, market, candle.close)
        rows.append(padded(row))
    return rows[:count]


def _in_won(line: Line, market: SimulatedMarket, price: float) -> float:
    """A close in KRW by the last price of the quote currency; KRW pairs are in KRW already."""
    won = {"KRW": 1.0, "BTC": market.lines["KRW-BTC"].last.price}
    return round(price * won.get(line.coin.quote, won["BTC"] / market.lines["USDT-BTC"].last.price), 8)


def _candles(query: Query, market: SimulatedMarket, at: int, span: int, extra: Row) -> Rows:
    line = _one(query, market)
    found = line.candles(span, _candle_count(query), _until(query, at))
    return [padded({"market": line.coin.symbol, **candle_row(candle), **extra}) for candle in found]


def _trades(query: Query, market: SimulatedMarket, at: int) -> Rows:
    """The trades still kept, newest first; of days before the market began there are none."""
    line, count = _one(query, market), min(_whole(query, "count", 1), MOST_TRADES)
    back, cursor = _whole(query, "days_ago", 0), _whole(query, "cursor", 2**63 - 1)
    if not 0 <= back <= 7:
        raise Declined(400, MISMATCH)
    first = (at // DAY - back) * DAY
    end = _time_of_day(query["to"], first) if "to" in query else first + DAY
    kept = [trade for trade in line.prints if first <= trade.at < end and trade.sequence < cursor]
    return [rest_trade(line, trade) for trade in sorted(kept, key=lambda trade: -trade.sequence)[:count]]


def _one(query: Query, market: SimulatedMarket) -> Line:
    """The only pair that a candle call may name."""
    lines = _named({"markets": query["market"]} if "market" in query else {}, market)
    if len(lines) != 1:
        raise Declined(404, "Code not found")
    return lines[0]


def _named(query: Query, market: SimulatedMarket) -> list[Line]:
    """The pairs that `markets` names, in any letter case; one unknown code declines the whole call."""
    if not query.get("markets"):
        raise Declined(400, MISSING)
    try:
        return [market.lines[code.strip().upper()] for code in query["markets"].split(",")]
    except KeyError:
        raise Declined(404, "Code not found") from None


def _whole(query: Query, name: str, otherwise: int) -> int:
    try:
        return int(query.get(name) or otherwise)
    except ValueError:
        raise Declined(400, MISMATCH) from None


def _number(query: Query, name: str) -> float:
    try:
        return float(query.get(name) or 0)
    except ValueError:
        raise Declined(400, MISMATCH) from None


def _candle_count(query: Query) -> int:
    """1 where none is asked for; above 200 it is cut in silence."""
    count = _whole(query, "count", 1)
    if count < 1:
        raise Declined(400, MISMATCH)
    return min(count, MOST_CANDLES)


def _until(query: Query, at: int) -> int:
    """The exclusive end in epoch ms; ISO 8601, UTC where no offset is given, a blank for T is read too."""
    text = query.get("to")
    if not text:
        return at + 1
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise Declined(400, MISMATCH) from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(round(moment.timestamp() * 1000), at + 1)


def _time_of_day(text: str, day: int) -> int:
    """`HHmmss` or `HH:mm:ss` of a day, in epoch ms."""
    found = re.fullmatch(r"(\d\d):?(\d\d):?(\d\d)", text)
    if not found:
        raise Declined(400, MISMATCH)
    hours, minutes, seconds = map(int, found.groups())
    return day + ((hours * 60 + minutes) * 60 + seconds) * 1000


Handler = Callable[[Query, SimulatedMarket, int], Rows]
ROUTES: tuple[tuple[re.Pattern[str], str, Handler], ...] = (
    (re.compile("/v1/market/all"), "market", _listing),
    (re.compile("/v1/ticker"), "ticker", _tickers),
    (re.compile("/v1/ticker/all"), "ticker", _all_tickers),
    (re.compile("/v1/orderbook"), "orderbook", _books),
    (re.compile("/v1/orderbook/instruments"), "orderbook", _instruments),
    (re.compile("/v1/candles/seconds"), "candles", _seconds),
    (re.compile(r"/v1/candles/minutes/(?P<unit>\w+)"), "candles", _minutes),
    (re.compile("/v1/candles/days"), "candles", _days),
    (re.compile("/v1/trades/ticks"), "trades", _trades),
)
