"""What KIS's stream frames hold, by name and place, and its codes. Source: reference/kis.md 7.2 to 7.8.

KIS appends fields and never moves one, so a place is a fact and the width of a record is not.
"""

from typing import NamedTuple

from core.venues.spec import Cure, Topic

TRADE = (
    *("MKSC_SHRN_ISCD", "STCK_CNTG_HOUR", "STCK_PRPR", "PRDY_VRSS_SIGN", "PRDY_VRSS", "PRDY_CTRT"),
    *("WGHN_AVRG_STCK_PRC", "STCK_OPRC", "STCK_HGPR", "STCK_LWPR", "ASKP1", "BIDP1", "CNTG_VOL", "ACML_VOL"),
    *("ACML_TR_PBMN", "SELN_CNTG_CSNU", "SHNU_CNTG_CSNU", "NTBY_CNTG_CSNU", "CTTR", "SELN_CNTG_SMTN"),
    *("SHNU_CNTG_SMTN", "CCLD_DVSN", "SHNU_RATE", "PRDY_VOL_VRSS_ACML_VOL_RATE", "OPRC_HOUR"),
    *("OPRC_VRSS_PRPR_SIGN", "OPRC_VRSS_PRPR", "HGPR_HOUR", "HGPR_VRSS_PRPR_SIGN", "HGPR_VRSS_PRPR"),
    *("LWPR_HOUR", "LWPR_VRSS_PRPR_SIGN", "LWPR_VRSS_PRPR", "BSOP_DATE", "NEW_MKOP_CLS_CODE", "TRHT_YN"),
    *("ASKP_RSQN1", "BIDP_RSQN1", "TOTAL_ASKP_RSQN", "TOTAL_BIDP_RSQN", "VOL_TNRT", "PRDY_SMNS_HOUR_ACML_VOL"),
    *("PRDY_SMNS_HOUR_ACML_VOL_RATE", "HOUR_CLS_CODE", "MRKT_TRTM_CLS_CODE", "VI_STND_PRC", "MARKET_CLS_CODE"),
)
"""H0STCNT0, H0UNCNT0, H0NXCNT0; the last since 2026-09-14. Place 21 is CNTG_CLS_CODE in the latter two."""

_STEPS = range(1, 11)
BOOK = (
    *("MKSC_SHRN_ISCD", "BSOP_HOUR", "HOUR_CLS_CODE"),
    *(f"{name}{step}" for name in ("ASKP", "BIDP", "ASKP_RSQN", "BIDP_RSQN") for step in _STEPS),
    *("TOTAL_ASKP_RSQN", "TOTAL_BIDP_RSQN", "OVTM_TOTAL_ASKP_RSQN", "OVTM_TOTAL_BIDP_RSQN"),
    *("ANTC_CNPR", "ANTC_CNQN", "ANTC_VOL", "ANTC_CNTG_VRSS", "ANTC_CNTG_VRSS_SIGN", "ANTC_CNTG_PRDY_CTRT"),
    *("ACML_VOL", "TOTAL_ASKP_RSQN_ICDC", "TOTAL_BIDP_RSQN_ICDC", "OVTM_TOTAL_ASKP_ICDC", "OVTM_TOTAL_BIDP_ICDC"),
    *("STCK_DEAL_CLS_CODE", "MID_PRC", "MIDP_TOTAL_RSQN", "MIDP_CLS_CODE", "MARKET_CLS_CODE"),
)
"""H0STASP0; the tail from MID_PRC on may be missing, and differs in H0UNASP0 and H0NXASP0: it is not read."""

STATE = (
    *("MKSC_SHRN_ISCD", "TRHT_YN", "TR_SUSP_REAS_CNTT", "MKOP_CLS_CODE", "ANTC_MKOP_CLS_CODE", "MRKT_TRTM_CLS_CODE"),
    *("DIVI_APP_CLS_CODE", "ISCD_STAT_CLS_CODE", "VI_CLS_CODE", "OVTM_VI_CLS_CODE", "EXCH_CLS_CODE"),
)
"""H0STMKO0; the public example lacks the last."""

NOTICE = (
    *("CUST_ID", "ACNT_NO", "ODER_NO", "OODER_NO", "SELN_BYOV_CLS", "RCTF_CLS", "ODER_KIND", "ODER_COND"),
    *("STCK_SHRN_ISCD", "CNTG_QTY", "CNTG_UNPR", "STCK_CNTG_HOUR", "RFUS_YN", "CNTG_YN", "ACPT_YN", "BRNC_NO"),
    *("ODER_QTY", "ACNT_NAME", "ORD_COND_PRC", "ORD_EXG_GB", "POPUP_YN", "FILLER", "CRDT_CLS", "CRDT_LOAN_DATE"),
    *("CNTG_ISNM40", "ODER_PRC"),
)
"""H0STCNI0, 26 fields. H0STCNI9 and the portal's old example have 23, the same up to ACNT_NAME: nothing after it is
read, so one reading serves all three."""
SHORT_NOTICE = 23


class Tr(NamedTuple):
    """One of KIS's streams: our topic and detail, the fewest fields that are read and the most that are known."""

    topic: Topic
    detail: str
    least: int
    known: tuple[int, ...]


TRS = {
    "H0STCNT0": Tr(Topic.TRADE, "", 46, (46, 47)),
    "H0UNCNT0": Tr(Topic.TRADE, "UN", 46, (46, 47)),
    "H0NXCNT0": Tr(Topic.TRADE, "NX", 46, (46, 47)),
    "H0STASP0": Tr(Topic.BOOK, "", 59, (59, 62, 63)),
    "H0UNASP0": Tr(Topic.BOOK, "UN", 59, (65, 66)),
    "H0NXASP0": Tr(Topic.BOOK, "NX", 59, (62, 65)),
    "H0STMKO0": Tr(Topic.STATE, "", 10, (10, 11)),
    "H0UNMKO0": Tr(Topic.STATE, "UN", 10, (10, 11)),
    "H0NXMKO0": Tr(Topic.STATE, "NX", 10, (10, 11)),
    "H0STCNI0": Tr(Topic.ORDERS, "real", SHORT_NOTICE, (SHORT_NOTICE, len(NOTICE))),
    "H0STCNI9": Tr(Topic.ORDERS, "mock", SHORT_NOTICE, (SHORT_NOTICE, len(NOTICE))),
}
"""H0STCNI0 and H0STCNI9 are one stream of two environments: `detail` is the environment's name."""

NAMES = {(tr.topic, tr.detail): name for name, tr in TRS.items()}

MOCK = frozenset({Topic.TRADE, Topic.BOOK, Topic.ORDERS})
"""What the mock environment serves: H0STCNT0, H0STASP0, H0STCNI9 (reference 7.1)."""

CURES = {
    **dict.fromkeys(("OPSP0000", "OPSP0001", "OPSP0002", "OPSP0003"), Cure.DONE),
    **dict.fromkeys(("OPSP0007", "OPSP0009", "OPSP8999"), Cure.RETRY),
    "OPSP0008": Cure.FULL,
    "OPSP8996": Cure.IN_USE,
    **dict.fromkeys(("OPSP0010", "OPSP0011", "OPSP9994"), Cure.RENEW),
    **dict.fromkeys(("OPSP8991", "OPSP8992", "OPSP8993", "OPSP8994", "OPSP8995", "OPSP8997", "OPSP8998"), Cure.WRONG),
    **dict.fromkeys(("OPSP9990", "OPSP9991", "OPSP9992", "OPSP9993", "OPSP9995", "OPSP9996"), Cure.WRONG),
    **dict.fromkeys(("OPSP9997", "OPSP9998", "OPSP9999"), Cure.WRONG),
}
"""Already subscribed (0002) and not found (0003) leave things as they were wanted: done. Source: reference 7.2."""

EXPECTED = frozenset({"A", "B", "C", "D"})
"""HOUR_CLS_CODE of a match that is only expected, after the close, before the open, in a VI, off hours: no trade."""

HALTING = frozenset({"164", "174"})
"""MKOP_CLS_CODE: a temporary halt of the market, a circuit breaker on. 175 ends it; sidecars touch programs only."""
HALTED_STATUS = "58"
"""ISCD_STAT_CLS_CODE of a stock that is halted."""


def cure(code: str) -> Cure:
    """What to do about an answer's code.

    >>> cure("OPSP8996"), cure("OPSP1234")
    (<Cure.IN_USE: 'in use'>, <Cure.UNKNOWN: 'unknown'>)
    """
    return CURES.get(code, Cure.UNKNOWN)
