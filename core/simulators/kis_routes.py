"""Which TR id asks what, where, and in which environment it exists. Source: reference/kis.md 4 to 6 and 8.1."""

from __future__ import annotations

from typing import NamedTuple

from core.simulators import kis_charts, kis_orders, kis_quotes, kis_statements
from core.simulators.kis_house import Handler

QUOTATIONS = "/uapi/domestic-stock/v1/quotations/"
TRADING = "/uapi/domestic-stock/v1/trading/"


class Route(NamedTuple):
    """`ledger` calls share the limit of all customers; `on_mock` is whether the mock environment has the operation."""

    method: str
    path: str
    handler: Handler
    on_mock: bool = True
    ledger: bool = False


ROUTES = {
    "FHKST11300006": Route("GET", QUOTATIONS + "intstock-multprice", kis_quotes.multi, on_mock=False),
    "FHKST01010100": Route("GET", QUOTATIONS + "inquire-price", kis_quotes.price),
    "FHPST01010000": Route("GET", QUOTATIONS + "inquire-price-2", kis_quotes.companion, on_mock=False),
    "FHKST01010200": Route("GET", QUOTATIONS + "inquire-asking-price-exp-ccn", kis_quotes.asking),
    "FHKST03010100": Route("GET", QUOTATIONS + "inquire-daily-itemchartprice", kis_charts.daily),
    "FHKST01010400": Route("GET", QUOTATIONS + "inquire-daily-price", kis_charts.short_daily),
    "FHKST03010200": Route("GET", QUOTATIONS + "inquire-time-itemchartprice", kis_charts.minutes),
    "FHKST03010230": Route("GET", QUOTATIONS + "inquire-time-dailychartprice", kis_charts.earlier, on_mock=False),
    "FHPST01710000": Route("GET", QUOTATIONS + "volume-rank", kis_charts.ranking, on_mock=False),
    "CTCA0903R": Route("GET", QUOTATIONS + "chk-holiday", kis_charts.holidays, on_mock=False),
    "TTTC0011U": Route("POST", TRADING + "order-cash", kis_orders.sell, ledger=True),
    "TTTC0012U": Route("POST", TRADING + "order-cash", kis_orders.buy, ledger=True),
    "TTTC0013U": Route("POST", TRADING + "order-rvsecncl", kis_orders.change, ledger=True),
    "TTTC0084R": Route("GET", TRADING + "inquire-psbl-rvsecncl", kis_statements.open_orders, False, True),
    "TTTC8434R": Route("GET", TRADING + "inquire-balance", kis_statements.balance, ledger=True),
    "TTTC0081R": Route("GET", TRADING + "inquire-daily-ccld", kis_statements.daily, ledger=True),
    "CTSC9215R": Route("GET", TRADING + "inquire-daily-ccld", kis_statements.daily, ledger=True),
    "TTTC8908R": Route("GET", TRADING + "inquire-psbl-order", kis_statements.buyable, ledger=True),
    "TTTC8408R": Route("GET", TRADING + "inquire-psbl-sell", kis_statements.sellable, False, True),
}
"""By the real environment's ids."""

OLD = {
    "TTTC0801U": "TTTC0011U", "TTTC0802U": "TTTC0012U", "TTTC0803U": "TTTC0013U",
    "TTTC8036R": "TTTC0084R", "TTTC8001R": "TTTC0081R", "CTSC9115R": "CTSC9215R",
}  # fmt: skip
"""Ids of before; KIS warns that they may stop without notice."""

PATHS = frozenset(route.path for route in ROUTES.values())


def translated(tr_id: str) -> tuple[str, bool]:
    """(the real environment's id, whether it was said in mock's way). Quotation ids are the same in both."""
    said_for_mock = tr_id.startswith(("VTTC", "VTSC"))
    real = ("C" if tr_id.startswith("VTSC") else "T") + tr_id[1:] if said_for_mock else tr_id
    return OLD.get(real, real), said_for_mock


def for_accounts(tr_id: str) -> bool:
    """Whether this id differs between the environments."""
    return tr_id.startswith(("TTTC", "CTSC"))
