"""order-cash and order-rvsecncl of the simulated KIS: what an order must be to be accepted. Source: reference/kis.md 8.

Codes of real refusals differ between the sources (3.4): these are among them, the words say what is meant.
"""

from __future__ import annotations

from core.simulators.kis_answers import Answer, Declined, refused
from core.simulators.kis_exchanges import EXCHANGES, KRX, taken_at
from core.simulators.kis_house import House, Query, need, own
from core.simulators.kis_order import (
    AT_CLOSE,
    BUY,
    DAYTIME,
    EVENING,
    IN_AUCTION,
    LIMITED,
    SELL,
    KisOrder,
)
from core.simulators.kis_stock import Stock
from core.simulators.kis_time import AUCTIONS, Phase, time_of

CLOSED, MOCK_CLOSED = "장운영시간이 아닙니다.", "모의투자 장시작전 입니다."
TAKEN = {
    BUY: ("40600000", "모의투자 매수주문이 완료 되었습니다."),
    SELL: ("40590000", "모의투자 매도주문이 완료 되었습니다."),
}


def buy(query: Query, house: House, at: int) -> Answer:
    return _place(query, BUY, house, at)


def sell(query: Query, house: House, at: int) -> Answer:
    return _place(query, SELL, house, at)


def _place(query: Query, side: str, house: House, at: int) -> Answer:
    """Every check the exchange makes, then the order. Raises Declined."""
    code, kind, quantity, price = need(query, "PDNO", "ORD_DVSN", "ORD_QTY", "ORD_UNPR")
    exchange = _admitted(query, house)
    stock = house.market.lines.get(code)
    if stock is None:
        raise no(house, "APBK0656", "해당종목정보가 없습니다.")
    taken_at(exchange, kind, stock, house, at)
    _in_session(kind, stock, house, at)
    units, unit = _whole(quantity, house), _price(kind, price, stock, house)
    if house.market.halted(code, at):
        raise no(house, "APBK0918", "거래정지 종목입니다.")
    if side == BUY:
        _affordable(code, kind, units, unit, stock, house, at)
    elif units > house.account.sellable(code):
        raise no(house, "APBK0400", "주문 가능한 수량을 초과했습니다.")
    return _accepted(house.account.place(code, side, kind, units, unit, at, exchange), house)


def _admitted(query: Query, house: House) -> str:
    """Whose account, and which exchange. Raises Declined."""
    own(query, house)
    exchange = query.get("EXCG_ID_DVSN_CD", KRX)
    if house.mock and not house.limits.enrolled:
        raise refused("40910000", "모의투자 주문이 불가한 계좌입니다.")
    if exchange not in EXCHANGES or (house.mock and exchange != KRX):
        raise no(house, "APBK0918", "거래소구분코드를 확인하세요.")
    return exchange


def _in_session(kind: str, stock: Stock, house: House, at: int) -> None:
    """Whether this kind of order may be sent in this phase. Raises Declined."""
    phase = house.market.timetable.phase(at)
    if house.mock and phase not in (Phase.REGULAR, Phase.CLOSING):
        raise refused("40570000", MOCK_CLOSED)
    if phase is Phase.AFTER:
        if kind not in EVENING or stock.issue.fund:
            raise refused("APBK3013", "애프터마켓은 지정가/최유리/최우선 주문만 가능합니다.")
        return
    allowed = {
        Phase.SHUT: frozenset(),
        Phase.OPENING: IN_AUCTION | {"05"},
        Phase.REGULAR: IN_AUCTION if stock.interrupted else DAYTIME,
        Phase.CLOSING: IN_AUCTION,
        Phase.CLOSE_PRICE: frozenset({"06"}),
    }[phase]
    if kind in allowed:
        return
    if kind == "01" and phase in (Phase.CLOSE_PRICE,):
        raise refused("APBK1943", "시장가호가불가로 주문이 불가합니다.")
    known = kind in DAYTIME | EVENING | AT_CLOSE
    raise no(house, "APBK0918", CLOSED if known and phase not in AUCTIONS else "주문구분을 확인하세요.")


def _whole(text: str, house: House) -> int:
    if not text.isdigit() or not int(text):
        raise no(house, "APBK0918", "주문수량을 확인하세요.")
    return int(text)


def _price(kind: str, text: str, stock: Stock, house: House) -> int:
    """The price of a limit order: a whole step within the day's limits; "0" for every other kind. Raises Declined."""
    if not text.isdigit():
        raise no(house, "APBK0918", "주문단가를 확인하세요.")
    price = int(text)
    if kind not in LIMITED:
        if price:
            raise no(house, "APBK0918", "주문단가는 0 이어야 합니다.")
        return 0
    if not stock.lower <= price <= stock.upper:
        raise no(house, "APBK0918", "상/하한가를 벗어난 주문단가입니다.")
    if price % int(stock.ladder.tick(price)):
        raise no(house, "APBK0918", "호가단위를 확인하세요.")
    return price


def _affordable(code: str, kind: str, units: int, price: int, stock: Stock, house: House, at: int) -> None:
    """A buy without a price blocks the upper limit. Raises Declined."""
    _, blocked = house.account.limit_of(kind, BUY, price, stock)
    fee, _ = house.account.purse.cost_of(code, BUY, blocked * units, at)
    if blocked * units + fee > house.account.spendable:
        raise no(house, "APBK0919", "주문가능금액을 초과 했습니다.")


def change(query: Query, house: House, at: int) -> Answer:
    """Amend (01) or cancel (02) all or a part of what is open; the answer has a new number. Raises Declined."""
    branch, number, kind, way = need(query, "KRX_FWDG_ORD_ORGNO", "ORGN_ODNO", "ORD_DVSN", "RVSE_CNCL_DVSN_CD")
    quantity, price, whole, _ = need(query, "ORD_QTY", "ORD_UNPR", "QTY_ALL_ORD_YN", "EXCG_ID_DVSN_CD")
    exchange = _admitted(query, house)
    if house.mock and house.market.timetable.phase(at) not in (Phase.REGULAR, Phase.CLOSING):
        raise refused("40570000", MOCK_CLOSED)
    order = house.account.orders.get(number.zfill(10))
    at_home = order is not None and (order.branch == branch or (house.mock and not branch))
    right = order is not None and at_home and order.exchange == exchange
    if order is None or not right or not order.open or way not in ("01", "02"):
        code = "40330000" if house.mock else "APBK0918"
        raise refused(code, f"{'모의투자 ' if house.mock else ''}정정/취소할 수량이 없습니다.")
    units = order.open if whole == "Y" else min(_whole(quantity, house), order.open)
    if way == "02":
        return _accepted(house.account.cancel(order, units, at), house, "취소")
    stock = house.market.lines[order.symbol]
    taken_at(exchange, kind, stock, house, at)
    _in_session(kind, stock, house, at)
    unit = _price(kind, price, stock, house)
    dearer = house.account.limit_of(kind, order.side, unit, stock)[1] - order.blocked
    if order.side == BUY and dearer * units > house.account.spendable:
        raise no(house, "APBK0919", "주문가능금액을 초과 했습니다.")
    return _accepted(house.account.amend(order, kind, units, unit, at), house, "정정")


def _accepted(order: KisOrder, house: House, word: str = "") -> Answer:
    """The reply's keys are upper-case."""
    row = {"KRX_FWDG_ORD_ORGNO": order.branch, "ODNO": order.number, "ORD_TMD": time_of(order.at)}
    code, text = TAKEN[order.side] if house.mock else ("APBK0013", "주문 전송 완료 되었습니다.")
    if house.mock and word:
        text = f"모의투자 {word}주문이 완료 되었습니다."
    return Answer({"output": row}, code, text)


def no(house: House, code: str, text: str) -> Declined:
    """A refusal with the real environment's code, or with mock's catch-all."""
    return refused("40100000", f"모의투자 {text}") if house.mock else refused(code, text)
