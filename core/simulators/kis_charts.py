"""Candles, ranking and the holiday call of the simulated KIS, with their traps. Source: reference/kis.md 6."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from core.domain.values import MINUTE
from core.simulators.history import Candle
from core.simulators.kis_answers import Answer, Row, percent, sign
from core.simulators.kis_house import House, Query, dated, need, stock_of
from core.simulators.kis_quotes import signed
from core.simulators.kis_stock import Stock
from core.simulators.kis_time import TRADING, date_of, midnight_of, shifted, time_of, weekday

DAILY, SHORT_DAILY, TODAY, EARLIER, RANKED = 100, 30, 30, 120, 30
REACH = 900
"""Trading days of history that a question can reach."""


def daily(query: Query, house: House, at: int) -> Answer:
    """FHKST03010100: 100 rows within two dates, newest first; 0 asks for adjusted prices (nothing is split here)."""
    first, last, period, _ = need(
        query, "FID_INPUT_DATE_1", "FID_INPUT_DATE_2", "FID_PERIOD_DIV_CODE", "FID_ORG_ADJ_PRC"
    )
    stock = stock_of(query, house)
    if stock is None:
        return Answer({"output1": {}, "output2": []})
    found = _between(stock, dated(first), dated(last))
    rows = [_day_row(candle, before) for candle, before in _paired(_folded(found, period))][:DAILY]
    return Answer({"output1": {**_head(stock), **_more(stock)}, "output2": rows})


def short_daily(query: Query, house: House, at: int) -> Answer:
    """FHKST01010400: the last 30, newest first; here 1 asks for adjusted prices."""
    period, _ = need(query, "FID_PERIOD_DIV_CODE", "FID_ORG_ADJ_PRC")
    stock = stock_of(query, house)
    if stock is None:
        return Answer({"output": []})
    found = _between(stock, shifted(stock.date, -60 if period == "D" else -900), stock.date)
    rows = [_day_row(candle, before) for candle, before in _paired(_folded(found, period))]
    return Answer({"output": rows[:SHORT_DAILY]})


def _between(stock: Stock, first: str, last: str) -> list[Candle]:
    """Daily candles with first <= date <= last, newest first."""
    found: list[Candle] = []
    if (today := stock.today()) and first <= stock.date <= last:
        found.append(today._replace(opens=midnight_of(stock.date)))
    ends = min(shifted(last, 1), stock.date)
    span = (midnight_of(ends) - midnight_of(max(first, "19900101"))) // 86_400_000
    for candle in stock.daily(min(max(span, 0), REACH), ends):
        if date_of(candle.opens) < first:
            break
        found.append(candle)
    return found


def _folded(days: list[Candle], period: str) -> list[Candle]:
    """Weeks, months or years out of days, newest first."""
    if period == "D":
        return days
    groups = groupby(days, key=lambda candle: _period(date_of(candle.opens), period))
    return [_joined(list(group)[::-1]) for _, group in groups]


def _period(day: str, period: str) -> str:
    return {"W": shifted(day, -weekday(day)), "M": day[:6], "Y": day[:4]}.get(period, day)


def _joined(days: list[Candle]) -> Candle:
    high, low = max(day.high for day in days), min(day.low for day in days)
    volume, value = sum(day.volume for day in days), sum(day.value for day in days)
    return Candle(days[0].opens, days[0].open, high, low, days[-1].close, volume, value, days[-1].stamp)


def _paired(candles: list[Candle]) -> Iterable[tuple[Candle, float]]:
    """Each candle with the close before it; the oldest one with its own open."""
    closes = [candle.close for candle in candles[1:]]
    return zip(candles, [*closes, candles[-1].open] if candles else [], strict=True)


def _day_row(candle: Candle, before: float) -> Row:
    return {
        "stck_bsop_date": date_of(candle.opens), "stck_clpr": f"{candle.close:.0f}", "stck_oprc": f"{candle.open:.0f}",
        "stck_hgpr": f"{candle.high:.0f}", "stck_lwpr": f"{candle.low:.0f}", "acml_vol": f"{candle.volume:.0f}",
        "acml_tr_pbmn": f"{candle.value:.0f}", "flng_cls_code": "00", "prtt_rate": "0.00", "mod_yn": "N",
        "prdy_vrss_sign": sign(candle.close, before), "prdy_vrss": f"{candle.close - before:.0f}", "revl_issu_reas": "",
    }  # fmt: skip


def _head(stock: Stock) -> Row:
    last, base = stock.last, stock.reference
    return {
        "prdy_vrss": str(last - base), "prdy_vrss_sign": signed(last, stock), "prdy_ctrt": percent(last, base),
        "stck_prdy_clpr": str(base), "acml_vol": str(stock.volume), "acml_tr_pbmn": str(stock.value),
        "hts_kor_isnm": stock.issue.name, "stck_prpr": str(last),
    }  # fmt: skip


def _more(stock: Stock) -> Row:
    return {
        "stck_shrn_iscd": stock.issue.symbol, "stck_mxpr": str(stock.upper), "stck_llam": str(stock.lower),
        "stck_oprc": str(stock.opening), "stck_hgpr": str(stock.high), "stck_lwpr": str(stock.low),
        "askp": str(stock.ask), "bidp": str(stock.bid), "lstn_stcn": str(stock.issue.shares), "stck_fcam": "500",
    }  # fmt: skip


def minutes(query: Query, house: House, at: int) -> Answer:
    """FHKST03010200: 30 one-minute bars of today up to an hour, newest first.

    A future hour brings rows filled with the present price; until a minute's first execution its bar shows the volume
    of the minute before.
    """
    (hour,) = need(query, "FID_INPUT_HOUR_1")
    need(query, "FID_PW_DATA_INCU_YN", "FID_ETC_CLS_CODE")
    stock = stock_of(query, house)
    if stock is None:
        return Answer({"output1": {}, "output2": []})
    asked = min(midnight_of(stock.date) + _of_day(hour), midnight_of(stock.date) + 86_399_000)
    bars = _with_present(stock, stock.minutes(), at)
    future = range(at // MINUTE * MINUTE + MINUTE, asked + 1, MINUTE)[-TODAY:]
    bars += [_flat(opens, stock.last, 0) for opens in future]
    return Answer(
        {"output1": _head(stock), "output2": _minute_rows([bar for bar in bars if bar.opens <= asked], TODAY)}
    )


def _with_present(stock: Stock, bars: list[Candle], at: int) -> list[Candle]:
    """The minute under way before its first execution: the last price, and the volume of the minute before."""
    minute = at // MINUTE * MINUTE
    if bars and bars[-1].opens < minute and stock.phase in TRADING:
        return [*bars, _flat(minute, stock.last, bars[-1].volume)]
    return bars


def _flat(opens: int, price: int, volume: float) -> Candle:
    return Candle(opens, price, price, price, price, volume, 0, opens)


def earlier(query: Query, house: House, at: int) -> Answer:
    """FHKST03010230: 120 bars of one day up to an hour, newest first; real only."""
    day, hour, _, _ = need(
        query, "FID_INPUT_DATE_1", "FID_INPUT_HOUR_1", "FID_PW_DATA_INCU_YN", "FID_FAKE_TICK_INCU_YN"
    )
    stock = stock_of(query, house)
    timetable = house.market.timetable
    dated(day)
    trading = timetable.on(day) if stock and day == stock.date else timetable.past(day)
    if stock is None or trading is None or day > stock.date:
        return Answer({"output1": _head(stock) if stock else {}, "output2": []})
    asked = midnight_of(day) + _of_day(hour)
    bars = [bar for bar in stock.minutes_on(trading) if bar.opens <= asked]
    return Answer({"output1": _head(stock), "output2": _minute_rows(bars, EARLIER)})


def _minute_rows(bars: list[Candle], count: int) -> list[Row]:
    total, rows = 0.0, []
    for bar in bars:
        total += bar.value
        rows.append({
            "stck_bsop_date": date_of(bar.opens), "stck_cntg_hour": time_of(bar.opens), "stck_prpr": f"{bar.close:.0f}",
            "stck_oprc": f"{bar.open:.0f}", "stck_hgpr": f"{bar.high:.0f}", "stck_lwpr": f"{bar.low:.0f}",
            "cntg_vol": f"{bar.volume:.0f}", "acml_tr_pbmn": f"{total:.0f}",
        })  # fmt: skip
    return rows[: -count - 1 : -1]


def _of_day(hour: str) -> int:
    """Milliseconds since midnight of HHMMSS; nonsense is midnight."""
    if len(hour) != 6 or not hour.isdigit():
        return 0
    return (int(hour[:2]) * 3600 + int(hour[2:4]) * 60 + int(hour[4:])) * 1000


def ranking(query: Query, house: House, at: int) -> Answer:
    """FHPST01710000: 30 rows, no paging. Exclusions are read as ten flags, or six."""
    need(query, "FID_COND_MRKT_DIV_CODE", "FID_COND_SCR_DIV_CODE", "FID_INPUT_ISCD")
    by, leave_out = need(query, "FID_BLNG_CLS_CODE", "FID_TRGT_EXLS_CLS_CODE")
    stocks = [stock for stock in house.market.lines.values() if not _left_out(stock, leave_out, house, at)]
    stocks.sort(key=lambda stock: -(stock.value if by in ("3", "4") else stock.volume))
    return Answer({"output": [_rank_row(stock, number) for number, stock in enumerate(stocks[:RANKED], 1)]})


EXCLUSIONS: tuple[frozenset[str] | set[str], ...] = (
    {"risk", "warning", "caution"}, {"administrative"}, {"liquidation"}, set(), {"preferred"}, {"halted"},
    {"etf"}, {"etn"}, set(), {"spac"},
)  # fmt: skip


def _left_out(stock: Stock, flags: str, house: House, at: int) -> bool:
    traits = house.market.flags(stock.issue.symbol, at) | {stock.issue.kind}
    return any(flag == "1" and traits & kinds for flag, kinds in zip(flags, EXCLUSIONS, strict=False))


def _rank_row(stock: Stock, rank: int) -> Row:
    past = stock.daily(1, stock.date)[0]
    return {
        "hts_kor_isnm": stock.issue.name, "mksc_shrn_iscd": stock.issue.symbol, "data_rank": str(rank),
        "stck_prpr": str(stock.last), "prdy_vrss_sign": signed(stock.last, stock),
        "prdy_vrss": str(stock.last - stock.reference), "prdy_ctrt": percent(stock.last, stock.reference),
        "acml_vol": str(stock.volume), "prdy_vol": f"{past.volume:.0f}", "lstn_stcn": str(stock.issue.shares),
        "avrg_vol": str(stock.volume), "n_befr_clpr_vrss_prpr_rate": percent(stock.last, stock.reference),
        "vol_inrt": percent(stock.volume, past.volume), "vol_tnrt": "0.00", "nday_vol_tnrt": "0.00",
        "avrg_tr_pbmn": str(stock.value), "tr_pbmn_tnrt": "0.00", "nday_tr_pbmn_tnrt": "0.00",
        "acml_tr_pbmn": str(stock.value),
    }  # fmt: skip


def holidays(query: Query, house: House, at: int) -> Answer:
    """CTCA0903R: 24 days from a date on."""
    (first, *_) = need(query, "BASS_DT", "CTX_AREA_FK", "CTX_AREA_NK")
    days = [shifted(dated(first), number) for number in range(24)]
    rows = [_holiday_row(day, house) for day in days]
    return Answer(
        {"output": rows, "ctx_area_fk": first.ljust(20), "ctx_area_nk": shifted(first, 24).ljust(20)}, more="F"
    )


def _holiday_row(day: str, house: House) -> Row:
    opened = "Y" if house.market.timetable.on(day) else "N"
    business = "Y" if weekday(day) < 5 and opened == "Y" else "N"
    return {
        "bass_dt": day, "wday_dvsn_cd": f"{(weekday(day) + 1) % 7 + 1:02d}", "bzdy_yn": business, "tr_day_yn": opened,
        "opnd_yn": opened, "sttl_day_yn": business,
    }  # fmt: skip
