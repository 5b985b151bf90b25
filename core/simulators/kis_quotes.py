"""Quotes of the simulated KIS: the multi-quote, single quotes with flags, the book. Source: reference/kis.md 4, 5."""

from __future__ import annotations

from core.simulators.kis_answers import Answer, Row, percent, sign
from core.simulators.kis_depth import depth
from core.simulators.kis_house import House, Query, board, need, stock_of
from core.simulators.kis_stock import Stock
from core.simulators.kis_time import AUCTIONS, Phase, time_of

MOST = 30
STATUS = {
    "administrative": "51", "risk": "52", "warning": "53", "caution": "54", "halted": "58", "overheated": "59",
}  # fmt: skip
"""iscd_stat_cls_code, first come first shown: one state hides another."""

WARNED = {"caution": "01", "warning": "02", "risk": "03"}
PHASES = {Phase.OPENING: "B", Phase.CLOSING: "C", Phase.AFTER: "D"}


def multi(query: Query, house: House, at: int) -> Answer:
    """Up to 30 stocks in the order asked; codes above that, and unknown ones, are left out without a word."""
    numbers = [name.rsplit("_", 1)[1] for name in query if name.startswith("FID_INPUT_ISCD_")]
    wanted = sorted(int(number) for number in numbers if number.isdigit())
    if len(wanted) > MOST:
        house.served.refused("more than 30 codes", at)
    house.served.counted("codes quoted", len(wanted))
    rows = []
    for number in wanted[:MOST]:
        market, code = need(query, f"FID_COND_MRKT_DIV_CODE_{number}", f"FID_INPUT_ISCD_{number}")
        board(market)
        if stock := house.market.lines.get(code):
            rows.append(_multi_row(stock, house, at))
    return Answer({"output": rows})


def _multi_row(stock: Stock, house: House, at: int) -> Row:
    """29 fields: no time, no warning."""
    shown, last, base = depth(stock), stock.last, stock.reference
    expected = shown.bids[0].price if stock.phase in AUCTIONS or stock.interrupted else 0
    volume = stock.volume
    if house.limits.halted_zero and house.market.halted(stock.issue.symbol, at):
        last = volume = 0
    figures = {
        "inter2_prpr": last, "inter2_prdy_vrss": last - base if last else 0, "acml_vol": volume,
        "inter2_oprc": stock.opening, "inter2_hgpr": stock.high, "inter2_lwpr": stock.low,
        "inter2_llam": stock.lower, "inter2_mxpr": stock.upper,
        "inter2_askp": shown.asks[0].price, "inter2_bidp": shown.bids[0].price,
        "seln_rsqn": shown.asks[0].size, "shnu_rsqn": shown.bids[0].size,
        "total_askp_rsqn": shown.offered, "total_bidp_rsqn": shown.wanted,
        "acml_tr_pbmn": stock.value, "inter2_prdy_clpr": base, "inter2_sdpr": base,
        "intr_antc_cntg_vrss": expected - base if expected else 0,
        "intr_antc_vol": shown.bids[0].size if expected else 0,
    }  # fmt: skip
    return {
        "kospi_kosdaq_cls_name": stock.issue.board,
        "mrkt_trtm_cls_name": "",
        "hour_cls_code": PHASES.get(stock.phase, "0"),
        "inter_shrn_iscd": stock.issue.symbol,
        "inter_kor_isnm": stock.issue.name,
        "prdy_vrss_sign": signed(last, stock),
        "prdy_ctrt": percent(last, base),
        "oprc_vrss_hgpr_rate": percent(stock.high, stock.opening),
        "intr_antc_cntg_vrss_sign": sign(expected or base, base),
        "intr_antc_cntg_prdy_ctrt": percent(expected, base),
        **{name: str(figure) for name, figure in figures.items()},
    }


def signed(price: int, stock: Stock) -> str:
    """prdy_vrss_sign of a price: 1 and 4 at the day's limits."""
    if not price:
        return "3"
    return {stock.upper: "1", stock.lower: "4"}.get(price, sign(price, stock.reference))


def price(query: Query, house: House, at: int) -> Answer:
    """One stock with every flag; a code that is none has zeros."""
    stock = stock_of(query, house)
    return Answer({"output": _price_row(stock, house, at) if stock else dict.fromkeys(UNKNOWN, "0")})


UNKNOWN = ("stck_prpr", "stck_sdpr", "acml_vol", "acml_tr_pbmn", "stck_hgpr", "stck_lwpr", "stck_oprc")


def _price_row(stock: Stock, house: House, at: int) -> Row:
    flags, issue = house.market.flags(stock.issue.symbol, at), stock.issue
    row = {
        "iscd_stat_cls_code": next((code for name, code in STATUS.items() if name in flags), "55"),
        "mrkt_warn_cls_code": next((code for name, code in WARNED.items() if name in flags), "00"),
        "temp_stop_yn": _yes("halted" in flags),
        "sltr_yn": _yes("liquidation" in flags),
        "short_over_yn": _yes("overheated" in flags),
        "mang_issu_cls_code": _yes("administrative" in flags),
        "invt_caful_yn": _yes("careful" in flags),
        "vi_cls_code": _yes(stock.interrupted),
        "ovtm_vi_cls_code": "N",
        "oprc_rang_cont_yn": "N",
        "clpr_rang_cont_yn": "N",
        "ssts_yn": "Y",
        "crdt_able_yn": _yes(not flags),
        "marg_rate": "20.00" if not flags else "100.00",
        "grmn_rate_cls_code": "40",
        "rprs_mrkt_kor_name": {"etf": "ETF", "etn": "ETN"}.get(issue.kind, issue.board),
        "bstp_kor_isnm": "시험업종",
        "new_hgpr_lwpr_cls_code": "",
        "apprch_rate": "0.00",
        "stck_shrn_iscd": issue.symbol,
        **_figures(stock),
    }
    return row if stock.key % 2 else {name: text for name, text in row.items() if name not in SOMETIMES}


SOMETIMES = ("new_hgpr_lwpr_cls_code", "apprch_rate", "mang_issu_cls_code")
"""Keys that the portal's own example leaves out: here every other stock does."""


def _figures(stock: Stock) -> Row:
    last, base = stock.last, stock.reference
    figures = {
        "stck_prpr": last, "prdy_vrss": last - base, "acml_vol": stock.volume, "acml_tr_pbmn": stock.value,
        "stck_oprc": stock.opening, "stck_hgpr": stock.high, "stck_lwpr": stock.low,
        "stck_mxpr": stock.upper, "stck_llam": stock.lower, "stck_sdpr": base,
        "aspr_unit": int(stock.ladder.tick(last)), "lstn_stcn": stock.issue.shares,
        "hts_avls": stock.issue.shares * last // 100_000_000, "frgn_ntby_qty": 0, "pgtr_ntby_qty": 0,
        "w52_hgpr": base * 5 // 4, "w52_lwpr": base * 3 // 4, "stck_dryy_hgpr": base * 6 // 5,
        "stck_dryy_lwpr": base * 4 // 5, "d250_hgpr": base * 5 // 4, "d250_lwpr": base * 3 // 4,
    }  # fmt: skip
    return {
        "prdy_vrss_sign": signed(last, stock),
        "prdy_ctrt": percent(last, base),
        "wghn_avrg_stck_prc": f"{stock.value / stock.volume:.2f}" if stock.volume else "0.00",
        "per": "12.30",
        "pbr": "1.10",
        "eps": "1000.00",
        "bps": "9000.00",
        "hts_frgn_ehrt": "20.00",
        "vol_tnrt": f"{stock.volume / stock.issue.shares * 100:.2f}",
        **{name: str(figure) for name, figure in figures.items()},
    }


def companion(query: Query, house: House, at: int) -> Answer:
    """inquire-price-2: the second look behind a status; real only."""
    stock = stock_of(query, house)
    if stock is None:
        return Answer({"output": {}})
    flags = house.market.flags(stock.issue.symbol, at)
    return Answer({"output": {
        "trht_yn": _yes("halted" in flags), "mang_issu_yn": _yes("administrative" in flags), "stange_runup_yn": "N",
        "ssts_hot_yn": "N", "low_current_yn": _yes("illiquid" in flags), "short_over_cls_code": "",
        "mrkt_warn_cls_name": "", "insn_pbnt_yn": "N", "flng_cls_name": "", "vlnt_fin_cls_code": "",
        "mxpr_llam_cls_code": signed(stock.last, stock), "prdy_vol": "0", "stck_prdy_clpr": str(stock.reference),
    }})  # fmt: skip


def asking(query: Query, house: House, at: int) -> Answer:
    """Ten steps, and the match that an auction expects."""
    stock = stock_of(query, house)
    if stock is None:
        return Answer({"output1": {}, "output2": {}})
    shown = depth(stock)
    row = {"aspr_acpt_hour": time_of(at), "new_mkop_cls_code": "20"}
    for name, steps in (("ask", shown.asks), ("bid", shown.bids)):
        for number, step in enumerate(steps, 1):
            row[f"{name}p{number}"], row[f"{name}p_rsqn{number}"] = str(step.price), str(step.size)
    row |= {"total_askp_rsqn": str(shown.offered), "total_bidp_rsqn": str(shown.wanted)}
    waits = stock.phase in AUCTIONS or stock.interrupted
    expected = {
        "antc_mkop_cls_code": "311" if waits else "", "stck_prpr": str(stock.last), "stck_oprc": str(stock.opening),
        "stck_hgpr": str(stock.high), "stck_lwpr": str(stock.low), "stck_sdpr": str(stock.reference),
        "antc_cnpr": str(shown.bids[0].price if waits else 0), "antc_vol": str(shown.bids[0].size if waits else 0),
        "stck_shrn_iscd": stock.issue.symbol, "vi_cls_code": _yes(stock.interrupted),
    }  # fmt: skip
    return Answer({"output1": row, "output2": expected})


def _yes(fact: bool) -> str:
    return "Y" if fact else "N"
