"""Orders and the account at KIS as flows. Source: reference/kis.md 8.

KIS has no client order id and de-duplicates nothing. Every value of a body is a text. An order's number begins again
each day and is 10 digits; cancelling gives a new one. Nothing is ever amended: what we send rests in auctions only.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import msgspec

from core.domain.errors import Misconfigured, UnknownOutcome, WireSurprise
from core.domain.events import OrderNotice
from core.domain.orders import Order
from core.domain.phases import Phase
from core.domain.policies import Environment
from core.domain.values import DAY, Market, Millis, Side
from core.venues.flow import Flow, Request, Response
from core.venues.kis.exchanges import EXCHANGES, KRX, exchange_at, listed_under
from core.venues.kis.figures import day
from core.venues.kis.order_answers import Envelope, asked, judge, read, taken
from core.venues.kis.order_kinds import LIMIT, MARKET, kind, whole
from core.venues.kis.order_rows import BalanceRow, CcldRow, OpenRow, Totals, listed, number, venue_id
from core.venues.ordering import Depot, Held, Listed, Orders, Receipt, Row, Sought

HOME = "/uapi/domestic-stock/v1/trading/"
GROUP = "rest"
"""One budget for everything that an app key asks."""

BUY, SELL, CHANGE = "TTTC0012U", "TTTC0011U", "TTTC0013U"
LIST, LIST_LONG_AGO, OPEN, BALANCE, AFFORDABLE = "TTTC0081R", "CTSC9215R", "TTTC0084R", "TTTC8434R", "TTTC8908R"
CANCEL = "02"
LONG_AGO = Millis(90 * DAY)
PAGES = 200
"""More pages than any account has orders in three months: a list without an end is an error."""

SIDE = {Side.SELL: "01", Side.BUY: "02"}
MORE = frozenset({"F", "M"})

LIMITS = {Environment.REAL: {GROUP: 18.0}, Environment.MOCK: {GROUP: 1.0}}
ORIGINS = {
    Environment.REAL: ("https", "openapi.koreainvestment.com", 9443),
    Environment.MOCK: ("https", "openapivts.koreainvestment.com", 29443),
}


def place(order: Order, depot: Depot, phase: Phase, at: Millis) -> Flow[Receipt]:
    """One order-cash. Raises as `taken`."""
    exchange = exchange_at(depot.exchange, phase, at)
    dvsn, price = kind(order, phase, depot.environment, exchange)
    body = {
        "PDNO": order.instrument.symbol,
        "ORD_DVSN": dvsn,
        "ORD_QTY": whole(order.quantity, "quantity", order),
        "ORD_UNPR": price,
        "EXCG_ID_DVSN_CD": exchange,
    }
    if order.side is Side.SELL:
        body["SLL_TYPE"] = "01"
    reply = yield _post("order-cash", BUY if order.side is Side.BUY else SELL, body, depot)
    return _receipt(reply, at, exchange)


def cancel(order: Order, known: str, depot: Depot, at: Millis) -> Flow[Receipt]:
    """Take back all that is left. Raises OrderExecutionError where nothing is left to take back."""
    branch, _, exchange = known.rpartition("-")[2].partition(".")
    body = {
        "KRX_FWDG_ORD_ORGNO": branch,
        "ORGN_ODNO": number_of(known),
        "RVSE_CNCL_DVSN_CD": CANCEL,
        "QTY_ALL_ORD_YN": "Y",
        "EXCG_ID_DVSN_CD": exchange or KRX,
        "ORD_DVSN": LIMIT,
        "ORD_QTY": "0",
        "ORD_UNPR": "0",
    }
    reply = yield _post("order-rvsecncl", CHANGE, body, depot)
    return _receipt(reply, at, exchange or KRX)


def listing(sought: Sought, depot: Depot, at: Millis) -> Flow[Listed]:
    """Orders of one symbol and side from the day of `since` until now, as inquire-daily-ccld has them."""
    query = {
        "INQR_STRT_DT": day(sought.since),
        "INQR_END_DT": day(at),
        "SLL_BUY_DVSN_CD": SIDE[sought.side],
        "PDNO": sought.instrument.symbol,
        "ORD_GNO_BRNO": "",
        "ODNO": number_of(sought.id) if sought.id else "",
        "CCLD_DVSN": "00",
        "INQR_DVSN": "01",
        "INQR_DVSN_1": "",
        "INQR_DVSN_3": "00",
        "EXCG_ID_DVSN_CD": listed_under(depot.exchange),
    }
    tr = LIST_LONG_AGO if at - sought.since > LONG_AGO else LIST
    pages = yield from _pages("inquire-daily-ccld", tr, query, depot)
    rows = [row.row(at, depot.exchange) for page in pages for row in read(page.output1 or [], list[CcldRow])]
    return listed([row for row in rows if _about(row, sought)], [read(_one(page.output2), Totals) for page in pages])


def standing(sought: Sought, depot: Depot, at: Millis) -> Flow[tuple[Row, ...] | None]:
    """Orders of today that still wait; mock has no such list."""
    if depot.environment is Environment.MOCK:
        return None
    query = {"INQR_DVSN_1": "0", "INQR_DVSN_2": "2" if sought.side is Side.BUY else "1"}
    pages = yield from _pages("inquire-psbl-rvsecncl", OPEN, query, depot)
    found = [row for page in pages for row in read(page.output or page.output1 or [], list[OpenRow])]
    rows = [row.row(at, depot.exchange) for row in found]
    return tuple(row for row in rows if _about(row, sought))


def holdings(depot: Depot, at: Millis) -> Flow[list[Held]]:
    """Every stock with units or trades of today; what was sold out before stays listed with 0 until D+2."""
    query = {
        "AFHR_FLPR_YN": "N",
        "OFL_YN": "",
        "INQR_DVSN": "02",
        "UNPR_DVSN": "01",
        "FUND_STTL_ICLD_YN": "N",
        "FNCG_AMT_AUTO_RDPT_YN": "N",
        "PRCS_DVSN": "00",
    }
    pages = yield from _pages("inquire-balance", BALANCE, query, depot)
    found = [row.held() for page in pages for row in read(page.output1 or [], list[BalanceRow])]
    return [held for held in found if held.units or held.bought or held.sold]


def affordable(symbol: str, price: Decimal | None, depot: Depot, at: Millis) -> Flow[Decimal]:
    """Shares that cash buys without credit. Asked as a market order: only that heeds the stock's margin rate.

    A market order keeps the day's upper limit from the cash for each share; one with a price keeps that price.
    """
    query = {
        "PDNO": symbol,
        "ORD_UNPR": "" if price is None else f"{int(price)}",
        "ORD_DVSN": MARKET,
        "CMA_EVLU_AMT_ICLD_YN": "N",
        "OVRS_ICLD_YN": "N",
    }
    body = asked((yield _get("inquire-psbl-order", AFFORDABLE, query, depot)))
    said = read(_one(body.output), dict[str, str])
    at_most, cash = number(said.get("nrcvb_buy_qty", "")), number(said.get("nrcvb_buy_amt", ""))
    return at_most if price is None else max(at_most, cash // price)


def noticed(notice: OrderNotice) -> str:
    """The order that a notice is about."""
    return venue_id(day(notice.at), notice.order, notice.branch)


def number_of(known: str) -> str:
    """The 10 digits that own-order notices carry."""
    return known.split("-")[1]


def identity(known: str) -> str:
    """Day and number: no two orders share them. The branch is not the same in every answer, so it is left out."""
    return known.rpartition("-")[0]


# ---- requests -----------------------------------------------------------------------------------------------------


def _account(depot: Depot) -> dict[str, str]:
    """The account's 8 + 2 digits, however its owner wrote them. Raises Misconfigured; its text shows no number."""
    digits = re.sub(r"\D", "", depot.number)
    if len(digits) not in (8, 10):
        raise Misconfigured("the account's secret is not a KIS account number of 8 or 8 + 2 digits", digits=len(digits))
    return {"CANO": digits[:8], "ACNT_PRDT_CD": digits[8:] or "01"}


def _headers(tr: str, depot: Depot) -> tuple[tuple[str, str], ...]:
    return (("tr_id", tr if depot.environment is Environment.REAL else f"V{tr[1:]}"),)


def _post(name: str, tr: str, body: dict[str, str], depot: Depot) -> Request:
    content = msgspec.json.encode({**_account(depot), **body})
    return Request("POST", HOME + name, group=GROUP, body=content, headers=_headers(tr, depot))


def _get(name: str, tr: str, query: dict[str, str], depot: Depot, *, more: bool = False) -> Request:
    headers = (*_headers(tr, depot), ("tr_cont", "N" if more else ""))
    return Request("GET", HOME + name, tuple({**_account(depot), **query}.items()), group=GROUP, headers=headers)


def _pages(name: str, tr: str, query: dict[str, str], depot: Depot) -> Flow[list[Envelope]]:
    """Every page of a list. Raises WireSurprise for one that never ends, Transient or Refused as any question."""
    keys = {"CTX_AREA_FK100": "", "CTX_AREA_NK100": ""}
    pages: list[Envelope] = []
    for _ in range(PAGES):
        reply = yield _get(name, tr, {**query, **keys}, depot, more=bool(pages))
        pages.append(asked(reply))
        if reply.headers.get("tr_cont", "").strip() not in MORE:
            return pages
        keys = {"CTX_AREA_FK100": pages[-1].ctx_area_fk100, "CTX_AREA_NK100": pages[-1].ctx_area_nk100}
    raise WireSurprise("a list of KIS has no end", name=name)


def _receipt(reply: Response, at: Millis, exchange: str) -> Receipt:
    """The number of what was taken. Raises as `taken`; an acceptance without a number is UnknownOutcome."""
    body = taken(reply)
    try:
        output = read(_one(body.output), dict[str, str])
        branch = output.get("KRX_FWDG_ORD_ORGNO", "")
        return Receipt(id=venue_id(day(at), output["ODNO"], branch, exchange), note=body.msg_cd)
    except (KeyError, WireSurprise):
        raise UnknownOutcome("KIS took the order and gave no number") from None


def _one(output: Any) -> Any:
    """A single object, which some documents wrap in an array; an absent one is empty."""
    return (output[0] if output else {}) if isinstance(output, list) else output or {}


def _about(row: Row, sought: Sought) -> bool:
    """Whether the filters that were asked for hold: what an environment does not heed is held against here."""
    return row.instrument == sought.instrument and row.side is sought.side


ORDERS = Orders(
    market=Market.KRX,
    place=place,
    cancel=cancel,
    listed=listing,
    standing=standing,
    holdings=holdings,
    affordable=affordable,
    judge=judge,
    noticed=noticed,
    number=number_of,
    identity=identity,
    origins=ORIGINS,
    limits=LIMITS,
    exchanges=EXCHANGES,
    shy=frozenset({Environment.MOCK}),
)
