"""What a business call of the simulated KIS is answered from, and how it reads its parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from core.domain.policies import Environment
from core.simulators.kis_account import KisAccount
from core.simulators.kis_answers import Answer, Declined
from core.simulators.kis_limits import KisLimits
from core.simulators.kis_market import KrxMarket
from core.simulators.kis_stock import Stock
from core.simulators.kis_time import midnight_of
from core.simulators.served import Served

Query = Mapping[str, str]
BOARDS = ("J", "NX", "UN")


class House(NamedTuple):
    flavour: Environment
    market: KrxMarket
    account: KisAccount
    limits: KisLimits
    served: Served

    @property
    def mock(self) -> bool:
        return self.flavour is Environment.MOCK


Handler = Callable[[Query, House, int], Answer]


def need(query: Query, *names: str) -> list[str]:
    """The values of parameters that must be there, perhaps empty. Raises Declined."""
    for name in names:
        if name not in query:
            raise Declined("OPSQ2002", f"ERROR : INPUT FIELD NOT FOUND [{name}]", 200, "2")
    return [query[name] for name in names]


def board(text: str) -> None:
    """Raises Declined for a market that KIS does not have."""
    if text not in BOARDS:
        raise Declined("OPSQ2001", "ERROR : INPUT INVALID_CHECK_MRKT_DIV_CODE", 200, "2")


def stock_of(query: Query, house: House) -> Stock | None:
    """The stock that a quotation names, None for a code that KIS does not know. Raises Declined."""
    market, code = need(query, "FID_COND_MRKT_DIV_CODE", "FID_INPUT_ISCD")
    board(market)
    return house.market.lines.get(code)


def dated(text: str) -> str:
    """A date YYYYMMDD. Raises Declined for what is none."""
    try:
        midnight_of(text)
    except ValueError:
        raise Declined("OPSQ2002", "ERROR : INPUT FIELD DATE", 200, "2") from None
    return text


def own(query: Query, house: House) -> None:
    """Raises Declined where the account is not the one of this app key."""
    number, product = need(query, "CANO", "ACNT_PRDT_CD")
    if number + product != house.account.number:
        raise Declined("OPSQ2000", "ERROR : INPUT INVALID_CHECK_ACNO", 200, "2")
