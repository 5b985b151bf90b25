"""KIS's candles: days adjusted for splits, minutes with their two traps (reference/kis.md 6).

The traps: a question about a future minute is answered with rows made of the present price, and the newest row shows
the volume of the minute before until its own first trade. Longer candles than a minute are made from minutes.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from core.domain.errors import Refused
from core.domain.events import Bar
from core.domain.values import DAY, HOUR, MINUTE, Millis
from core.venues.flow import Flow, Request
from core.venues.kis.answers import Days, MinuteRow, Minutes
from core.venues.kis.figures import clock, day, day_began
from core.venues.kis.refusals import read

BASE = "/uapi/domestic-stock/v1/quotations/"
DAY_PAGE = 100
TODAY_PAGE = 30
PAGES = 16
"""Calls that one question for minutes may cost; what it has by then is the answer."""
EMPTY = 4
"""Pages without a row, one after the other, after which nothing older is looked for."""
LONGEST_BREAK = 20
"""Days, more than any row of holidays and weekends in Korea."""
SPANS = frozenset(Millis(n * MINUTE) for n in (1, 3, 5, 10, 15, 30, 60))
OPENING = Millis(9 * HOUR)
CLOSING = Millis(15 * HOUR + 30 * MINUTE)
"""Of a usual day, since midnight; days that open late are found out by an answer without rows."""


def bars(symbol: str, span: Millis, count: int, until: Millis | None, seen: Millis) -> Flow[list[Bar]]:
    """The newest `count` candles that open before `until`, oldest first; what KIS does not reach is left out.

    Raises:
        Refused: no such candle length, or no such stock.
        WireSurprise: a row that does not read.
    """
    return _bars(symbol, span, count, until, seen, past=True)


def bars_of_mock(symbol: str, span: Millis, count: int, until: Millis | None, seen: Millis) -> Flow[list[Bar]]:
    """As `bars`; the mock environment has the minutes of today only."""
    return _bars(symbol, span, count, until, seen, past=False)


def _bars(symbol: str, span: Millis, count: int, until: Millis | None, seen: Millis, past: bool) -> Flow[list[Bar]]:
    if count < 1:
        return []
    if span == DAY:
        found = yield from _days(symbol, count, until, seen)
    elif span in SPANS:
        found = yield from _minutes(symbol, span, count, until, seen, past)
    else:
        raise Refused("KIS has no candles of this length", span_ms=span, allowed=" ".join(map(str, sorted(SPANS))))
    return found[-count:]


def _days(symbol: str, count: int, until: Millis | None, seen: Millis) -> Flow[list[Bar]]:
    """Each page reaches back over more days than it wants rows for: fewer than asked means that there are no more."""
    end = Millis((seen + DAY if until is None else until) - 1)
    found: list[Bar] = []
    while len(found) < count:
        want = min(DAY_PAGE, count - len(found))
        first = Millis(end - (want * 7 // 5 + LONGEST_BREAK) * DAY)
        reply = yield _day_page(symbol, first, end)
        rows = [row for row in read(reply, Days).output2 if row.stck_bsop_date]
        page = [bar for bar in (row.bar(symbol, seen) for row in rows) if bar.close > 0 and bar.opens <= end]
        found += sorted(page, key=lambda bar: -bar.opens)[:want]
        if len(page) < want:
            break
        end = Millis(found[-1].opens - 1)
    return found[::-1]


def _day_page(symbol: str, first: Millis, end: Millis) -> Request:
    query = {"FID_INPUT_DATE_1": day(first), "FID_INPUT_DATE_2": day(end), "FID_PERIOD_DIV_CODE": "D"}
    return ask("inquire-daily-itemchartprice", "FHKST03010100", symbol, {**query, "FID_ORG_ADJ_PRC": "0"})


def history(symbol: str, counts: Mapping[Millis, int], seen: Millis) -> Flow[dict[Millis, list[Bar]]]:
    """The newest candles of several lengths, all made from the same minutes: at least so many of each, oldest first.

    A length with the count 0 gets what the minutes of the others make. Raises as `bars`.
    """
    return _history(symbol, counts, seen, past=True)


def history_of_mock(symbol: str, counts: Mapping[Millis, int], seen: Millis) -> Flow[dict[Millis, list[Bar]]]:
    """As `history`, from the minutes of today only."""
    return _history(symbol, counts, seen, past=False)


def _history(symbol: str, counts: Mapping[Millis, int], seen: Millis, past: bool) -> Flow[dict[Millis, list[Bar]]]:
    if not SPANS.issuperset(counts):
        raise Refused("KIS has no candles of this length", asked=" ".join(map(str, counts)))
    rows, more = yield from _rows(symbol, counts, seen, seen, past)
    minutes = _one_minute(symbol, rows.values(), seen)
    return {span: _joined(minutes, span, more) for span in counts}


def _minutes(symbol: str, span: Millis, count: int, until: Millis | None, seen: Millis, past: bool) -> Flow[list[Bar]]:
    end = min(seen, seen if until is None else Millis(until - 1))
    rows, more = yield from _rows(symbol, {span: count}, end, seen, past)
    return _joined(_one_minute(symbol, rows.values(), seen), span, more)


def _rows(
    symbol: str, counts: Mapping[Millis, int], end: Millis, seen: Millis, past: bool
) -> Flow[tuple[dict[Millis, MinuteRow], bool]]:
    """Minutes from `end` backwards until of each length one candle more is begun than was asked for; may there be more?

    The newest page is the one that KIS made for today. What is older is asked for 120 at a time; whether that call
    tells today's minutes too is not written down, so where it does not, today's go on 30 at a time.
    """
    rows: dict[Millis, MinuteRow] = {}
    empty, narrow = 0, False
    for _ in range(PAGES):
        today = day_began(end) == day_began(seen)
        if _enough(rows, counts):
            return rows, True
        if not (today or past) or empty == EMPTY:
            return rows, False
        wide = past and not (today and (narrow or not rows))
        reply = yield (_earlier(symbol, end) if wide else _today(symbol, end))
        came = [row for row in read(reply, Minutes).output2 if row.stck_cntg_hour]
        page = {row.opens: row for row in came if row.opens <= end}
        if wide and today and max(page, default=Millis(0)) < day_began(seen):
            narrow = True
            continue
        rows |= page
        empty = 0 if page else empty + 1
        end = _before(min(page, default=day_began(end)), full=not today or len(came) >= TODAY_PAGE)
    return rows, True


def _enough(rows: Iterable[Millis], counts: Mapping[Millis, int]) -> bool:
    """The first candle that is begun may be half: for one of more than a minute, one more must be."""
    begun = {span: {at - at % span for at in rows} for span, count in counts.items() if count}
    return all(len(begun[span]) >= counts[span] + (span > MINUTE) for span in begun)


def _before(oldest: Millis, *, full: bool) -> Millis:
    """The last moment that the next page is asked for: the rest of the oldest day, or the close of the day before."""
    began = day_began(oldest)
    if full and oldest > began + OPENING:
        return Millis(oldest - 1)
    return Millis(began - DAY + CLOSING)


def _today(symbol: str, end: Millis) -> Request:
    query = {"FID_INPUT_HOUR_1": clock(end), "FID_PW_DATA_INCU_YN": "N", "FID_ETC_CLS_CODE": ""}
    return ask("inquire-time-itemchartprice", "FHKST03010200", symbol, query)


def _earlier(symbol: str, end: Millis) -> Request:
    query = {"FID_INPUT_DATE_1": day(end), "FID_INPUT_HOUR_1": clock(end), "FID_PW_DATA_INCU_YN": "Y"}
    return ask("inquire-time-dailychartprice", "FHKST03010230", symbol, {**query, "FID_FAKE_TICK_INCU_YN": ""})


def ask(path: str, tr: str, symbol: str, query: dict[str, str]) -> Request:
    """One question about one stock on the KRX."""
    about = {"FID_COND_MRKT_DIV_CODE": "J", "FID_INPUT_ISCD": symbol, **query}
    return Request("GET", BASE + path, tuple(about.items()), group="rest", headers=(("tr_id", tr),))


def _one_minute(symbol: str, rows: Iterable[MinuteRow], seen: Millis) -> list[Bar]:
    """Oldest first; without minutes that have not come yet, and without the newest while nothing traded in it."""
    kept = sorted((row for row in rows if row.opens <= seen), key=lambda row: row.opens)
    older = [None, *kept]
    pairs = [
        (row, before if before and _same_day(row, before) else None) for row, before in zip(kept, older, strict=False)
    ]
    if pairs and _ghost(*pairs[-1], seen):
        pairs.pop()
    return [row.bar(symbol, before, seen) for row, before in pairs]


def _same_day(row: MinuteRow, before: MinuteRow) -> bool:
    return row.stck_bsop_date == before.stck_bsop_date


def _ghost(row: MinuteRow, before: MinuteRow | None, seen: Millis) -> bool:
    """The running minute before its first trade: the day's value has not grown since the row before."""
    return row.opens + MINUTE > seen and row.total <= (before.total if before else 0.0)


def _joined(minutes: Sequence[Bar], span: Millis, more: bool) -> list[Bar]:
    """Candles of a length; where there may be older minutes, without a first one that lacks its beginning."""
    groups = [list(group) for _, group in groupby(minutes, lambda bar: bar.opens - bar.opens % span)]
    if more and groups and groups[0][0].opens % span:
        del groups[0]
    return [_one(group, span) for group in groups] if span > MINUTE else list(minutes)


def _one(minutes: Sequence[Bar], span: Millis) -> Bar:
    opens = minutes[0].opens - minutes[0].opens % span
    return Bar(
        instrument=minutes[0].instrument,
        span=span,
        opens=Millis(opens),
        open=minutes[0].open,
        high=max(bar.high for bar in minutes),
        low=min(bar.low for bar in minutes),
        close=minutes[-1].close,
        volume=sum(bar.volume for bar in minutes),
        value=sum(bar.value for bar in minutes),
        seen=minutes[0].seen,
        closed=opens + span <= minutes[0].seen,
    )
