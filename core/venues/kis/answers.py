"""KIS's REST answers as typed records: all text on the wire, some keys missing. Evidence: README.md."""

import msgspec

from core.domain.events import Bar, Book, Level, Ticker
from core.domain.values import DAY, MINUTE, Millis
from core.venues.kis.figures import amount, change, instrument, last, midnight, stamp

LEVELS = 10


class QuoteRow(msgspec.Struct):
    """One stock of a multi-quote: no time and no warning in it. A halted one can come with price and volume "0"."""

    inter_shrn_iscd: str = ""
    inter_kor_isnm: str = ""
    inter2_prpr: str = ""
    prdy_vrss_sign: str = ""
    prdy_ctrt: str = ""
    acml_vol: str = ""
    acml_tr_pbmn: str = ""
    inter2_hgpr: str = ""
    inter2_lwpr: str = ""
    inter2_askp: str = ""
    inter2_bidp: str = ""

    def ticker(self, seen: Millis) -> Ticker:
        value = amount(self.acml_tr_pbmn)
        return Ticker(
            instrument=instrument(self.inter_shrn_iscd),
            price=amount(self.inter2_prpr),
            change=change(self.prdy_ctrt, self.prdy_vrss_sign),
            volume=amount(self.acml_vol),
            value=value,
            value_24h=value,
            high=amount(self.inter2_hgpr),
            low=amount(self.inter2_lwpr),
            at=seen,
            seen=seen,
            bid=amount(self.inter2_bidp),
            ask=amount(self.inter2_askp),
        )


class PriceRow(msgspec.Struct):
    """One stock's single quote; the portal's own example leaves some of these keys out. No name, no best offers."""

    stck_prpr: str = ""
    stck_sdpr: str = ""
    prdy_vrss_sign: str = ""
    prdy_ctrt: str = ""
    acml_vol: str = ""
    acml_tr_pbmn: str = ""
    stck_hgpr: str = ""
    stck_lwpr: str = ""
    rprs_mrkt_kor_name: str = ""
    bstp_kor_isnm: str = ""
    iscd_stat_cls_code: str = ""
    mrkt_warn_cls_code: str = ""
    temp_stop_yn: str = ""
    sltr_yn: str = ""
    short_over_yn: str = ""
    mang_issu_cls_code: str = ""
    invt_caful_yn: str = ""
    vi_cls_code: str = ""
    ovtm_vi_cls_code: str = ""
    oprc_rang_cont_yn: str = ""
    clpr_rang_cont_yn: str = ""

    @property
    def listed(self) -> bool:
        """Whether this is a stock at all: one that KIS does not know has neither a price nor a reference price."""
        return amount(self.stck_prpr) > 0 or amount(self.stck_sdpr) > 0

    def ticker(self, symbol: str, seen: Millis) -> Ticker:
        value = amount(self.acml_tr_pbmn)
        return Ticker(
            instrument=instrument(symbol),
            price=amount(self.stck_prpr),
            change=change(self.prdy_ctrt, self.prdy_vrss_sign),
            volume=amount(self.acml_vol),
            value=value,
            value_24h=value,
            high=amount(self.stck_hgpr),
            low=amount(self.stck_lwpr),
            at=seen,
            seen=seen,
        )


class CompanionRow(msgspec.Struct):
    trht_yn: str = ""
    mang_issu_yn: str = ""
    low_current_yn: str = ""
    stange_runup_yn: str = ""
    insn_pbnt_yn: str = ""


class DayRow(msgspec.Struct):
    """One day candle; a day without trades has a close and no other price."""

    stck_bsop_date: str = ""
    stck_clpr: str = ""
    stck_oprc: str = ""
    stck_hgpr: str = ""
    stck_lwpr: str = ""
    acml_vol: str = ""
    acml_tr_pbmn: str = ""

    def bar(self, symbol: str, seen: Millis) -> Bar:
        opens, close = midnight(self.stck_bsop_date), amount(self.stck_clpr)
        return Bar(
            instrument=instrument(symbol),
            span=DAY,
            opens=opens,
            open=amount(self.stck_oprc) or close,
            high=amount(self.stck_hgpr) or close,
            low=amount(self.stck_lwpr) or close,
            close=close,
            volume=amount(self.acml_vol),
            value=amount(self.acml_tr_pbmn),
            seen=seen,
            closed=opens + DAY <= seen,
        )


class MinuteRow(msgspec.Struct):
    """One minute candle; `acml_tr_pbmn` is the day's traded value up to its end, not the minute's."""

    stck_bsop_date: str = ""
    stck_cntg_hour: str = ""
    stck_prpr: str = ""
    stck_oprc: str = ""
    stck_hgpr: str = ""
    stck_lwpr: str = ""
    cntg_vol: str = ""
    acml_tr_pbmn: str = ""

    @property
    def opens(self) -> Millis:
        at = stamp(self.stck_bsop_date, self.stck_cntg_hour)
        return Millis(at - at % MINUTE)

    @property
    def total(self) -> float:
        return amount(self.acml_tr_pbmn)

    def bar(self, symbol: str, before: "MinuteRow | None", seen: Millis) -> Bar:
        """`before` is the next older row of the same day: the difference of both totals is this minute's value."""
        close, volume = amount(self.stck_prpr), amount(self.cntg_vol)
        value = self.total - before.total if before is not None else -1.0
        return Bar(
            instrument=instrument(symbol),
            span=MINUTE,
            opens=self.opens,
            open=amount(self.stck_oprc) or close,
            high=amount(self.stck_hgpr) or close,
            low=amount(self.stck_lwpr) or close,
            close=close,
            volume=volume,
            value=value if value >= 0 else close * volume,
            seen=seen,
            closed=self.opens + MINUTE <= seen,
        )


class RankRow(msgspec.Struct):
    mksc_shrn_iscd: str = ""


class HolidayRow(msgspec.Struct):
    """`opnd_yn` is the one that says whether the market opens; `bzdy_yn` and `tr_day_yn` say other things."""

    bass_dt: str = ""
    opnd_yn: str = ""


class Quotes(msgspec.Struct):
    output: list[QuoteRow] = []


class Price(msgspec.Struct):
    output: PriceRow = msgspec.field(default_factory=PriceRow)


class CompanionSaid(msgspec.Struct):
    output: CompanionRow = msgspec.field(default_factory=CompanionRow)


class Days(msgspec.Struct):
    output2: list[DayRow] = []


class Minutes(msgspec.Struct):
    output2: list[MinuteRow] = []


class Ranking(msgspec.Struct):
    output: list[RankRow] = []


class Holidays(msgspec.Struct):
    output: list[HolidayRow] = []


class Steps(msgspec.Struct):
    """A book is one flat object: askp1 to askp10, bidp1 to bidp10 and their sizes beside the time of the book."""

    output1: dict[str, str] = {}

    def book(self, symbol: str, depth: int, seen: Millis) -> Book | None:
        """None where the answer holds no book at all: KIS does not know the stock."""
        said = self.output1
        if "askp1" not in said and "bidp1" not in said:
            return None
        levels = [self._level(step) for step in range(1, min(max(depth, 1), LEVELS) + 1)]
        while len(levels) > 1 and not (levels[-1].bid or levels[-1].ask):
            levels.pop()
        hour = said.get("aspr_acpt_hour", "").strip()
        at = last(hour, seen) if hour else seen
        return Book(instrument=instrument(symbol), levels=levels, at=at, seen=seen)

    def _level(self, step: int) -> Level:
        figures = (self.output1.get(f"{name}{step}", "") for name in ("bidp", "bidp_rsqn", "askp", "askp_rsqn"))
        return Level(*(amount(figure) for figure in figures))
