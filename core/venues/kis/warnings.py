"""KIS's warnings about a stock by names of our own (A1): the status code and, because one status hides another, every
single flag beside it (reference/kis.md 5.1). The names are what `safety.exclude` in the settings may list.
"""

from typing import Protocol

MANAGED, HALTED, LIQUIDATION_TRADING = "MANAGED", "HALTED", "LIQUIDATION_TRADING"
CAUTION, WARNING, RISK = "CAUTION", "WARNING", "RISK"
OVERHEATED, INVESTMENT_CAUTION, FULL_MARGIN = "OVERHEATED", "INVESTMENT_CAUTION", "FULL_MARGIN"
VI, VI_AFTER_HOURS = "VI", "VI_AFTER_HOURS"
OPENING_EXTENDED, CLOSING_EXTENDED = "OPENING_EXTENDED", "CLOSING_EXTENDED"
ILLIQUID, SURGE, UNFAITHFUL = "ILLIQUID", "ABNORMAL_SURGE", "UNFAITHFUL_DISCLOSURE"

FLAGS = frozenset({
    *(MANAGED, HALTED, LIQUIDATION_TRADING, CAUTION, WARNING, RISK, OVERHEATED, INVESTMENT_CAUTION, FULL_MARGIN),
    *(VI, VI_AFTER_HOURS, OPENING_EXTENDED, CLOSING_EXTENDED, ILLIQUID, SURGE, UNFAITHFUL),
})  # fmt: skip

STATUS = {
    "51": MANAGED,
    "52": RISK,
    "53": WARNING,
    "54": CAUTION,
    "57": FULL_MARGIN,
    "58": HALTED,
    "59": OVERHEATED,
}
"""iscd_stat_cls_code; 55 is the normal value, 00 or nothing any other."""
MARKET_WARNING = {"01": CAUTION, "02": WARNING, "03": RISK}
NO = frozenset({"", "N", "0", "00"})
"""What a flag says when it is not set; the values of mang_issu_cls_code are UNCONFIRMED, so all else counts as set."""
HIDING = frozenset({"51", "52", "53", "54", "59"})
"""States that may stand in front of a halt: whoever has one is asked about a second time."""


class Flagged(Protocol):
    """The flags of one `inquire-price` answer."""

    iscd_stat_cls_code: str
    mrkt_warn_cls_code: str
    temp_stop_yn: str
    sltr_yn: str
    short_over_yn: str
    mang_issu_cls_code: str
    invt_caful_yn: str
    vi_cls_code: str
    ovtm_vi_cls_code: str
    oprc_rang_cont_yn: str
    clpr_rang_cont_yn: str


class Companion(Protocol):
    """The flags of one `inquire-price-2` answer."""

    trht_yn: str
    mang_issu_yn: str
    low_current_yn: str
    stange_runup_yn: str
    insn_pbnt_yn: str


def of_price(row: Flagged) -> frozenset[str]:
    """Every warning that the single quote carries."""
    codes = {STATUS.get(row.iscd_stat_cls_code.strip()), MARKET_WARNING.get(row.mrkt_warn_cls_code.strip())}
    flags = {
        HALTED: row.temp_stop_yn,
        LIQUIDATION_TRADING: row.sltr_yn,
        OVERHEATED: row.short_over_yn,
        MANAGED: row.mang_issu_cls_code,
        INVESTMENT_CAUTION: row.invt_caful_yn,
        VI: row.vi_cls_code,
        VI_AFTER_HOURS: row.ovtm_vi_cls_code,
        OPENING_EXTENDED: row.oprc_rang_cont_yn,
        CLOSING_EXTENDED: row.clpr_rang_cont_yn,
    }
    return frozenset({code for code in codes if code} | _set(flags))


def of_companion(row: Companion) -> frozenset[str]:
    """What only the second single quote says: a halt that stands behind another status, and three more."""
    return frozenset(
        _set(
            {
                HALTED: row.trht_yn,
                MANAGED: row.mang_issu_yn,
                ILLIQUID: row.low_current_yn,
                SURGE: row.stange_runup_yn,
                UNFAITHFUL: row.insn_pbnt_yn,
            }
        )
    )


def may_hide_a_halt(row: Flagged) -> bool:
    return row.iscd_stat_cls_code.strip() in HIDING and HALTED not in of_price(row)


def _set(flags: dict[str, str]) -> set[str]:
    return {name for name, said in flags.items() if said.strip().upper() not in NO}
