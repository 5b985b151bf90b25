"""What the simulated KIS tells of an account: balance, daily list, open orders, what can be bought or sold.

Source: reference/kis.md 8.3 to 8.6. Every value is text.
"""

from __future__ import annotations

from core.domain.policies import Environment
from core.simulators.kis_answers import Answer, Row, paged, percent, refused
from core.simulators.kis_house import House, Query, dated, need, own
from core.simulators.kis_order import BUY, CANCEL, LIMITED, KisOrder
from core.simulators.kis_purse import Holding
from core.simulators.kis_time import time_of

DONE, LAST, GOES_ON = (
    ("KIOK0510", "조회가 완료되었습니다"),
    ("KIOK0460", "조회 되었습니다. (마지막 자료)"),
    (
        "KIOK0500",
        "조회가 계속됩니다..다음버튼을 Click 하십시오.",
    ),
)
NOTHING = ("70070000", "모의투자 조회할 내역(자료)이 없습니다.")
NAMES = {"01": "현금매도", "02": "현금매수"}
OPEN_ROWS = 50


def balance(query: Query, house: House, at: int) -> Answer:
    """inquire-balance. output2 is valued at the execution before the last one: the two blocks may differ."""
    own(query, house)
    need(query, "AFHR_FLPR_YN", "OFL_YN", "INQR_DVSN", "UNPR_DVSN", "FUND_STTL_ICLD_YN", "FNCG_AMT_AUTO_RDPT_YN")
    need(query, "PRCS_DVSN", "CTX_AREA_FK100", "CTX_AREA_NK100")
    held = sorted(house.account.purse.holdings.values(), key=lambda one: one.symbol)
    page = paged(held, house.limits.balance_rows, query)
    rows = [_holding_row(one, house) for one in page.rows]
    blocks = {"output1": rows, "output2": [_totals(house)], **page.contexts}
    return Answer(blocks, *(GOES_ON if page.more in "FM" else LAST if page.more == "E" else DONE), page.more)


def _holding_row(one: Holding, house: House) -> Row:
    stock = house.market.lines[one.symbol]
    worth, gain = stock.last * one.quantity, stock.last * one.quantity - one.cost
    figures = {
        "bfdy_buy_qty": one.bought_before, "bfdy_sll_qty": one.sold_before, "thdt_buyqty": one.bought,
        "thdt_sll_qty": one.sold, "hldg_qty": one.quantity, "ord_psbl_qty": house.account.sellable(one.symbol),
        "pchs_amt": one.cost, "prpr": stock.last, "evlu_amt": worth, "evlu_pfls_amt": gain,
        "loan_amt": 0, "stln_slng_chgs": 0, "sbst_pric": stock.last * 7 // 10, "stck_loan_unpr": 0,
        "bfdy_cprs_icdc": stock.last - stock.reference,
    }  # fmt: skip
    return {
        "pdno": one.symbol, "prdt_name": stock.issue.name, "trad_dvsn_name": "현금",
        "pchs_avg_pric": f"{one.average:.4f}", "evlu_pfls_rt": percent(worth, one.cost), "evlu_erng_rt": "0.00000000",
        "loan_dt": "", "expd_dt": "", "fltt_rt": percent(stock.last, stock.reference),
        "item_mgna_rt_name": "20%", "grta_rt_name": "", **{name: str(figure) for name, figure in figures.items()},
    }  # fmt: skip


def _totals(house: House) -> Row:
    purse = house.account.purse
    worth = sum(_before(house, one.symbol) * one.quantity for one in purse.holdings.values())
    cost = sum(one.cost for one in purse.holdings.values())
    cash = purse.settled_later
    figures = {
        "dnca_tot_amt": purse.deposit, "nxdy_excc_amt": purse.tomorrow, "prvs_rcdl_excc_amt": cash,
        "thdt_buy_amt": purse.bought, "thdt_sll_amt": purse.sold, "thdt_tlex_amt": purse.costs_today,
        "scts_evlu_amt": worth, "tot_evlu_amt": cash + worth, "nass_amt": cash + worth, "pchs_amt_smtl_amt": cost,
        "evlu_amt_smtl_amt": worth, "evlu_pfls_smtl_amt": worth - cost, "bfdy_tot_asst_evlu_amt": cash + cost,
        "asst_icdc_amt": worth - cost, "bfdy_buy_amt": 0, "bfdy_sll_amt": 0, "tot_loan_amt": 0, "cma_evlu_amt": 0,
    }  # fmt: skip
    return {name: str(figure) for name, figure in figures.items()}


def _before(house: House, symbol: str) -> int:
    """The price of an issue one execution ago."""
    stock = house.market.lines[symbol]
    return stock.deals[-2].price if len(stock.deals) > 1 else stock.last


def daily(query: Query, house: House, at: int) -> Answer:
    """inquire-daily-ccld: one row an order, late by a setting; mock may have totals and no rows at all."""
    own(query, house)
    first, last, side, code = need(query, "INQR_STRT_DT", "INQR_END_DT", "SLL_BUY_DVSN_CD", "PDNO")
    number, filled, newest = need(query, "ODNO", "CCLD_DVSN", "INQR_DVSN")
    need(query, "ORD_GNO_BRNO", "INQR_DVSN_1", "INQR_DVSN_3", "CTX_AREA_FK100", "CTX_AREA_NK100")
    (exchange,) = need(query, "EXCG_ID_DVSN_CD")
    seen = at - round(house.limits.ccld_lag_s * 1000)
    dated(first), dated(last)
    found = [
        order
        for order in house.account.orders.values()
        if first <= order.date <= last
        and side in ("00", order.side)
        and code in ("", order.symbol)
        and exchange in ("ALL", order.exchange)
        and (not number or number.zfill(10) == order.number)
        and (filled == "00" or (filled == "01") == bool(order.filled))
        and order.at <= seen
    ]
    totals = _ccld_totals(found, house, seen)
    if house.limits.ccld_empty or (not found and house.mock):
        blanks = paged([], 1, {**query, "tr_cont": ""})
        return Answer({"output1": [], "output2": totals, **blanks.contexts}, *NOTHING, "D")
    page = paged(found if newest == "01" else found[::-1], house.limits.ccld_rows, query)
    rows = [_ccld_row(order, house, seen) for order in page.rows]
    more = GOES_ON if page.more in "FM" else DONE
    return Answer({"output1": rows, "output2": totals, **page.contexts}, *more, page.more)


def _ccld_totals(orders: list[KisOrder], house: House, seen: int) -> Row:
    filled = [one for order in orders for one in order.executions if one.at <= seen]
    quantity, value = sum(one.quantity for one in filled), sum(one.quantity * one.price for one in filled)
    asked = sum(order.quantity for order in orders if order.action != CANCEL)
    return {
        "tot_ord_qty": str(asked), "tot_ccld_qty": str(quantity), "tot_ccld_amt": str(value),
        "prsm_tlex_smtl": str(house.account.purse.costs_today),
        "pchs_avg_pric": f"{value / quantity:.4f}" if quantity else "0.0000",
    }  # fmt: skip


def _ccld_row(order: KisOrder, house: House, seen: int) -> Row:
    filled = [one for one in order.executions if one.at <= seen]
    quantity, value = sum(one.quantity for one in filled), sum(one.quantity * one.price for one in filled)
    gone = order.gone if order.gone_at <= seen else 0
    rest = 0 if order.action == CANCEL else order.quantity - quantity - gone
    return {
        "ord_dt": order.date, "ord_gno_brno": order.branch, "odno": order.number, "orgn_odno": order.original,
        "ord_dvsn_name": "지정가" if order.kind in LIMITED else "시장가", "sll_buy_dvsn_cd": order.side,
        "sll_buy_dvsn_cd_name": NAMES[order.side], "pdno": order.symbol,
        "prdt_name": house.market.lines[order.symbol].issue.name, "ord_qty": str(order.quantity),
        "ord_unpr": str(order.price), "ord_tmd": time_of(order.at), "tot_ccld_qty": str(quantity),
        "avg_prvs": f"{value / quantity:.4f}" if quantity else "0", "cncl_yn": "Y" if order.cancelled and gone else "",
        "tot_ccld_amt": str(value), "loan_dt": "", "ordr_empno": "OpnAPI", "ord_dvsn_cd": order.kind,
        "cncl_cfrm_qty": str(order.quantity if order.action == CANCEL else gone if order.cancelled else 0),
        "rmn_qty": str(rest), "rjct_qty": "0", "ccld_cndt_name": "없음", "inqr_ip_addr": "",
        "cpbc_ordp_ord_rcit_dvsn_cd": "", "cpbc_ordp_infm_mthd_dvsn_cd": "",
        "infm_tmd": "" if house.flavour is Environment.REAL else time_of(order.at), "ctac_tlno": "",
        "prdt_type_cd": "300", "excg_dvsn_cd": "02", "cpbc_ordp_mtrl_dvsn_cd": "", "ord_orgno": order.branch,
        "rsvn_ord_end_dt": "", "excg_id_dvsn_Cd": order.exchange, "stpm_cndt_pric": "0", "stpm_efct_occr_dtmd": "",
    }  # fmt: skip


def open_orders(query: Query, house: House, at: int) -> Answer:
    """inquire-psbl-rvsecncl: what can be changed or cancelled; real only."""
    own(query, house)
    _, side = need(query, "INQR_DVSN_1", "INQR_DVSN_2")
    wanted = {"1": "01", "2": "02"}.get(side, "")
    waiting = [order for order in house.account.working() if wanted in ("", order.side)]
    page = paged(waiting, OPEN_ROWS, query)
    rows = [_open_row(order, house) for order in page.rows]
    return Answer({"output": rows, **page.contexts}, *(GOES_ON if page.more in "FM" else DONE), page.more)


def _open_row(order: KisOrder, house: House) -> Row:
    return {
        "ord_gno_brno": order.branch, "odno": order.number, "orgn_odno": order.original,
        "ord_dvsn_name": "지정가" if order.kind in LIMITED else "시장가", "pdno": order.symbol,
        "prdt_name": house.market.lines[order.symbol].issue.name, "rvse_cncl_dvsn_name": "",
        "ord_qty": str(order.quantity), "ord_unpr": str(order.price), "ord_tmd": time_of(order.at),
        "tot_ccld_qty": str(order.filled), "tot_ccld_amt": str(order.value), "psbl_qty": str(order.open),
        "sll_buy_dvsn_cd": order.side, "ord_dvsn_cd": order.kind, "mgco_aptm_odno": "", "excg_dvsn_cd": "02",
        "excg_id_dvsn_cd": order.exchange, "excg_id_dvsn_name": order.exchange, "stpm_cndt_pric": "0",
        "stpm_efct_occr_yn": "N",
    }  # fmt: skip


def buyable(query: Query, house: House, at: int) -> Answer:
    """inquire-psbl-order: kind 01 reckons with the upper limit; without a stock or a price, amounts only."""
    own(query, house)
    code, price, kind = need(query, "PDNO", "ORD_UNPR", "ORD_DVSN")
    need(query, "CMA_EVLU_AMT_ICLD_YN", "OVRS_ICLD_YN")
    cash = max(house.account.spendable, 0)
    stock = house.market.lines.get(code)
    unit = (stock.upper if kind == "01" else int(price) if price.isdigit() else 0) if stock else 0
    fee = house.account.purse.cost_of(code, BUY, 1_000_000, at)[0] if stock else 0
    quantity = int(cash / (1 + fee / 1_000_000) / unit) if unit else 0
    figures = {
        "ord_psbl_cash": cash, "ord_psbl_sbst": 0, "ruse_psbl_amt": 0, "fund_rpch_chgs": 0, "psbl_qty_calc_unpr": unit,
        "nrcvb_buy_amt": cash, "nrcvb_buy_qty": quantity, "max_buy_amt": cash * 2, "max_buy_qty": quantity * 2,
        "cma_evlu_amt": 0, "ovrs_re_use_amt_wcrc": 0, "ord_psbl_frcr_amt_wcrc": 0,
    }  # fmt: skip
    return Answer({"output": {name: str(figure) for name, figure in figures.items()}}, *DONE)


def sellable(query: Query, house: House, at: int) -> Answer:
    """inquire-psbl-sell; real only."""
    own(query, house)
    (code,) = need(query, "PDNO")
    held = house.account.purse.holdings.get(code)
    if held is None:
        raise refused("APBK1234", "잔고내역이 없습니다.")
    row = {
        "pdno": code, "cblc_qty": str(held.quantity), "ord_psbl_qty": str(house.account.sellable(code)),
        "pchs_avg_pric": f"{held.average:.4f}", "now_pric": str(house.market.lines[code].last),
    }  # fmt: skip
    return Answer({"output": row}, *DONE)
