"""KIS's REST side as flows: what to ask, and in which steps. Evidence: README.md beside this file.

The mock environment has neither the multi-quote, nor rankings, nor the holiday call: it is asked stock by stock, at
one call a second. Quotes with a real key while orders go to the mock environment is the set-up for a whole universe.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from core.domain.errors import Refused, WrongEnvironment
from core.domain.events import Book, Listing, MarketState, Ticker
from core.domain.policies import UniversePolicy
from core.domain.values import Market, Millis
from core.venues.flow import Flow, Request, Response
from core.venues.kis import warnings
from core.venues.kis.answers import (
    CompanionSaid,
    Holidays,
    Price,
    PriceRow,
    QuoteRow,
    Quotes,
    Ranking,
    Steps,
)
from core.venues.kis.charts import BASE, ask, bars, bars_of_mock, history, history_of_mock
from core.venues.kis.figures import day_began, instrument, iso
from core.venues.kis.keys import KEYS
from core.venues.kis.refusals import KeyRefused, read, refusal
from core.venues.kis.universe import Row, kinds
from core.venues.kis.universe import rows as members
from core.venues.spec import RestSpec

BATCH = 30
"""Codes in one multi-quote; what is above is left out without a word (reference/kis.md 4)."""
ENOUGH = 5
"""Stocks refused one after the other from the first on: then it is not the stocks."""
REAL, MOCK = {"rest": 18.0}, {"rest": 1.0}
"""Calls a second of one account, notice of 2026-04-20; new applicants have 3 for three days (`rest.limits`)."""


def listing(universe: UniversePolicy, seen: Millis) -> Flow[list[Listing]]:
    """Every stock of the universe with its warnings. KIS lists nothing by itself: the universe says what to ask.

    One call for each stock, because only the single quote carries warnings, and nine calls for 250 names. A stock that
    KIS does not know is left out.
    """
    known = members(universe)
    quotes = yield from _quotes(list(known))
    names = {symbol: row.inter_kor_isnm.strip() for symbol, row in quotes.items()}
    rows = yield from _listed(known, names, companion=True)
    return rows


def listing_of_mock(universe: UniversePolicy, seen: Millis) -> Flow[list[Listing]]:
    """As `listing`, with the names of our own list and without the second look behind a status."""
    rows = yield from _listed(members(universe), {}, companion=False)
    return rows


def _listed(known: dict[str, Row], names: dict[str, str], *, companion: bool) -> Flow[list[Listing]]:
    found: list[Listing] = []
    refusals = 0
    for symbol, member in known.items():
        try:
            row = yield from _price(symbol)
            flags = warnings.of_price(row)
            if companion and warnings.may_hide_a_halt(row):
                flags |= yield from _companion(symbol)
        except Refused as error:
            refusals += 1
            if isinstance(error, WrongEnvironment | KeyRefused) or (refusals >= ENOUGH and not found):
                raise
            continue
        if row.listed:
            name = names.get(symbol) or member.name
            flags |= kinds(symbol, name, member.board)
            found.append(Listing(instrument=instrument(symbol), name=name or symbol, flags=flags))
    return found


def state(symbol: str, seen: Millis) -> Flow[MarketState]:
    """Is it halted, or in a volatility interruption? One call, and a second where a status may hide a halt."""
    row = yield from _price(symbol)
    flags = warnings.of_price(row)
    if warnings.may_hide_a_halt(row):
        flags |= yield from _companion(symbol)
    return _state(symbol, flags, row, seen)


def state_of_mock(symbol: str, seen: Millis) -> Flow[MarketState]:
    """As `state`, without the second look behind a status."""
    row = yield from _price(symbol)
    return _state(symbol, warnings.of_price(row), row, seen)


def _state(symbol: str, flags: frozenset[str], row: PriceRow, seen: Millis) -> MarketState:
    return MarketState(
        instrument=instrument(symbol),
        halted=warnings.HALTED in flags,
        interrupted=warnings.VI in flags,
        code=row.iscd_stat_cls_code.strip(),
        seen=seen,
    )


def _price(symbol: str) -> Flow[PriceRow]:
    reply = yield ask("inquire-price", "FHKST01010100", symbol, {})
    return read(reply, Price).output


def _companion(symbol: str) -> Flow[frozenset[str]]:
    """What the second single quote adds; nothing where KIS does not answer it: the first one has spoken."""
    reply = yield ask("inquire-price-2", "FHPST01010000", symbol, {})
    return frozenset() if refusal(reply) else warnings.of_companion(read(reply, CompanionSaid).output)


def tickers(symbols: Sequence[str], quote: str, seen: Millis) -> Flow[list[Ticker]]:
    """One row for each stock that KIS still knows, in the order asked, with the best bid and ask; 30 a call.

    There is no time in the answer: `at` is when it was asked. A halted stock may have the price 0.
    """
    rows = yield from _quotes(symbols)
    return [rows[symbol].ticker(seen) for symbol in dict.fromkeys(symbols) if symbol in rows]


def _quotes(symbols: Sequence[str]) -> Flow[dict[str, QuoteRow]]:
    """Rows by code. Those that an answer leaves out are asked for again as long as that brings any more of them."""
    wanted = list(dict.fromkeys(symbols))
    found: dict[str, QuoteRow] = {}
    for start in range(0, len(wanted), BATCH):
        missing = wanted[start : start + BATCH]
        while missing:
            reply = yield _multi(missing)
            rows = {row.inter_shrn_iscd.strip(): row for row in read(reply, Quotes).output}
            came = {symbol: rows[symbol] for symbol in missing if symbol in rows}
            found |= came
            missing = [symbol for symbol in missing if symbol not in came] if came else []
    return found


def _multi(symbols: Sequence[str]) -> Request:
    numbered = list(enumerate(symbols, start=1))
    query = [(f"FID_COND_MRKT_DIV_CODE_{number}", "J") for number, _ in numbered]
    query += [(f"FID_INPUT_ISCD_{number}", symbol) for number, symbol in numbered]
    tr = (("tr_id", "FHKST11300006"),)
    return Request("GET", BASE + "intstock-multprice", tuple(query), group="rest", headers=tr)


def tickers_of_mock(symbols: Sequence[str], quote: str, seen: Millis) -> Flow[list[Ticker]]:
    """One call for each stock, without bid and ask."""
    found: list[Ticker] = []
    for symbol in dict.fromkeys(symbols):
        reply = yield ask("inquire-price", "FHKST01010100", symbol, {})
        row = read(reply, Price).output
        found += [row.ticker(symbol, seen)] if row.listed else []
    return found


def books(symbols: Sequence[str], depth: int, seen: Millis) -> Flow[list[Book]]:
    """One book for each stock that KIS still knows, up to ten steps; one call each, so only where it must be."""
    found: list[Book] = []
    for symbol in dict.fromkeys(symbols):
        reply = yield ask("inquire-asking-price-exp-ccn", "FHKST01010200", symbol, {})
        book = read(reply, Steps).book(symbol, depth, seen)
        found += [book] if book else []
    return found


def holidays(first: str, seen: Millis) -> Flow[dict[str, bool]]:
    """Is the market open, by day from `first` (YYYY-MM-DD) on, as far as one answer goes: KIS wants one call a day."""
    query = (("BASS_DT", first.replace("-", "")), ("CTX_AREA_NK", ""), ("CTX_AREA_FK", ""))
    reply = yield Request("GET", BASE + "chk-holiday", query, group="rest", headers=(("tr_id", "CTCA0903R"),))
    rows = [row for row in read(reply, Holidays).output if row.bass_dt]
    return {iso(row.bass_dt): row.opnd_yn.strip() == "Y" for row in rows}


def busiest(count: int) -> Flow[list[str]]:
    """Stocks of the largest traded value today, largest first, without those that carry a warning; KIS names 30."""
    query = {
        "FID_COND_MRKT_DIV_CODE": "J", "FID_COND_SCR_DIV_CODE": "20171", "FID_INPUT_ISCD": "0000",
        "FID_DIV_CLS_CODE": "0", "FID_BLNG_CLS_CODE": "3", "FID_TRGT_CLS_CODE": "1" * 9,
        "FID_TRGT_EXLS_CLS_CODE": "1" * 8 + "01", "FID_INPUT_PRICE_1": "", "FID_INPUT_PRICE_2": "",
        "FID_VOL_CNT": "", "FID_INPUT_DATE_1": "",
    }  # fmt: skip
    tr = (("tr_id", "FHPST01710000"),)
    reply = yield Request("GET", BASE + "volume-rank", tuple(query.items()), group="rest", headers=tr)
    ranked = [row.mksc_shrn_iscd.strip() for row in read(reply, Ranking).output]
    return [symbol for symbol in ranked if symbol][:count]


def left(reply: Response) -> tuple[str, int] | None:
    """KIS says nothing of the calls that are left."""
    return None


REST = RestSpec(
    market=Market.KRX,
    listing=listing,
    tickers=tickers,
    books=books,
    bars=bars,
    batch=BATCH,
    books_batch=1,
    limits=REAL,
    left=left,
    refusal=refusal,
    day_began=day_began,
    keys=KEYS,
    holidays=holidays,
    named=lambda universe: tuple(members(universe)),
    history=history,
    busiest=busiest,
    state=state,
)
REST = replace(
    REST,
    mock=replace(
        REST,
        listing=listing_of_mock,
        tickers=tickers_of_mock,
        bars=bars_of_mock,
        batch=1,
        limits=MOCK,
        holidays=None,
        history=history_of_mock,
        busiest=None,
        state=state_of_mock,
    ),
)
