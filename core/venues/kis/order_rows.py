"""KIS's lists of orders and holdings as rows. Sources: reference/kis.md 8.3-8.5."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

import msgspec

from core.domain.errors import WireSurprise
from core.domain.orders import State
from core.domain.values import ZERO, Instrument, Market, Millis, Side
from core.venues.kis.exchanges import KRX, may_be_ours
from core.venues.kis.figures import day, stamp
from core.venues.ordering import Held, Listed, Row

SIDES = {"01": Side.SELL, "02": Side.BUY}


class CcldRow(msgspec.Struct):
    """One order of inquire-daily-ccld. The exchange's key has a capital C on the wire."""

    pdno: str
    ord_dt: str
    odno: str
    sll_buy_dvsn_cd: str
    ord_qty: str
    ord_gno_brno: str = ""
    orgn_odno: str = ""
    ord_unpr: str = ""
    ord_tmd: str = ""
    tot_ccld_qty: str = ""
    tot_ccld_amt: str = ""
    cncl_yn: str = ""
    cncl_cfrm_qty: str = ""
    rmn_qty: str = ""
    rjct_qty: str = ""
    exchange: str = msgspec.field(default="", name="excg_id_dvsn_Cd")
    exchange_lower: str = msgspec.field(default="", name="excg_id_dvsn_cd")

    def row(self, seen: Millis, chosen: str) -> Row:
        quantity, filled = number(self.ord_qty), number(self.tot_ccld_qty)
        exchange = (self.exchange or self.exchange_lower).strip()
        return Row(
            id=venue_id(self.ord_dt, self.odno, self.ord_gno_brno, exchange),
            original=original(self.orgn_odno),
            instrument=Instrument(Market.KRX, self.pdno.strip()),
            side=side(self.sll_buy_dvsn_cd),
            quantity=quantity,
            price=number(self.ord_unpr),
            filled=filled,
            value=number(self.tot_ccld_amt),
            state=self._state(quantity, filled, seen),
            gone=number(self.cncl_cfrm_qty) + number(self.rjct_qty),
            at=moment(self.ord_dt, self.ord_tmd),
            ours=not original(self.orgn_odno) and may_be_ours(exchange, chosen),
        )

    def _state(self, quantity: Decimal, filled: Decimal, seen: Millis) -> State:
        """An order of an earlier day that still has a rest has expired: nothing is carried over."""
        if filled >= quantity:
            return State.FILLED
        if number(self.rjct_qty) >= quantity - filled:
            return State.CANCELLED if filled else State.REJECTED
        if self.cncl_yn.strip() == "Y" or not number(self.rmn_qty) or number(self.cncl_cfrm_qty) + filled >= quantity:
            return State.CANCELLED
        if self.ord_dt < day(seen):
            return State.EXPIRED
        return State.PARTIAL if filled else State.OPEN


class Totals(msgspec.Struct):
    tot_ord_qty: str = ""
    tot_ccld_qty: str = ""
    tot_ccld_amt: str = ""


class OpenRow(msgspec.Struct):
    """One order of inquire-psbl-rvsecncl: of today, and still waiting."""

    pdno: str
    odno: str
    sll_buy_dvsn_cd: str
    ord_qty: str
    ord_gno_brno: str = ""
    orgn_odno: str = ""
    ord_unpr: str = ""
    ord_tmd: str = ""
    tot_ccld_qty: str = ""
    tot_ccld_amt: str = ""
    excg_id_dvsn_cd: str = ""

    def row(self, seen: Millis, chosen: str) -> Row:
        filled, exchange = number(self.tot_ccld_qty), self.excg_id_dvsn_cd.strip()
        return Row(
            id=venue_id(day(seen), self.odno, self.ord_gno_brno, exchange),
            original=original(self.orgn_odno),
            instrument=Instrument(Market.KRX, self.pdno.strip()),
            side=side(self.sll_buy_dvsn_cd),
            quantity=number(self.ord_qty),
            price=number(self.ord_unpr),
            filled=filled,
            value=number(self.tot_ccld_amt),
            state=State.PARTIAL if filled else State.OPEN,
            at=moment(day(seen), self.ord_tmd),
            ours=not original(self.orgn_odno) and may_be_ours(exchange, chosen),
        )


class BalanceRow(msgspec.Struct):
    """One line of inquire-balance; sold-out lines stay with 0 until D+2."""

    pdno: str
    hldg_qty: str = ""
    ord_psbl_qty: str = ""
    pchs_amt: str = ""
    thdt_buyqty: str = ""
    thdt_sll_qty: str = ""

    def held(self) -> Held:
        return Held(
            symbol=self.pdno.strip(),
            units=number(self.hldg_qty),
            sellable=number(self.ord_psbl_qty),
            cost=number(self.pchs_amt),
            bought=number(self.thdt_buyqty),
            sold=number(self.thdt_sll_qty),
        )


def listed(rows: list[Row], totals: list[Totals]) -> Listed:
    """All pages; whether each page's sums are its own or the whole's is not known, so the largest counts."""
    return Listed(
        rows=tuple(rows),
        ordered=max((number(page.tot_ord_qty) for page in totals), default=ZERO),
        filled=max((number(page.tot_ccld_qty) for page in totals), default=ZERO),
        value=max((number(page.tot_ccld_amt) for page in totals), default=ZERO),
    )


def number(text: str) -> Decimal:
    """A figure as KIS writes it: zero padded, with or without decimals, or nothing at all.

    >>> number("0000000010"), number(" "), number("70000.0000") == 70000
    (Decimal('10'), Decimal('0'), True)
    """
    try:
        return Decimal(text.strip() or 0)
    except InvalidOperation:
        raise WireSurprise("KIS sent a figure that is none") from None


def side(code: str) -> Side:
    if code.strip() not in SIDES:
        raise WireSurprise("KIS sent an order that neither buys nor sells", code=code)
    return SIDES[code.strip()]


def venue_id(on: str, odno: str, branch: str, exchange: str = KRX) -> str:
    """`Order.venue_id`: numbers begin again each day; a cancel also names the branch, and the exchange.

    >>> venue_id("20261120", "1569157", "06010"), venue_id("20261120", "1569157", "06010", "NXT")
    ('20261120-0001569157-06010', '20261120-0001569157-06010.NXT')
    """
    elsewhere = "" if exchange in ("", KRX) else f".{exchange}"
    return f"{on.strip()}-{odno.strip().zfill(10)}-{branch.strip()}{elsewhere}"


def original(odno: str) -> str:
    """The number of the order that a row is about; "" for none, which is also written as zeros."""
    bare = odno.strip()
    return bare.zfill(10) if bare.strip("0") else ""


def moment(on: str, time: str) -> Millis | None:
    """A date and a time of day in Korea; None where no time was sent.

    >>> moment("19700101", "090001")
    1000
    """
    return stamp(on.strip(), time.strip()) if time.strip() else None
