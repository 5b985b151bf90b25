"""What an order must be for the simulated Upbit to accept it, and how it is told. Source: reference/upbit.md 5, 6."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from uuid import UUID

from core.domain.values import ZERO, Millis, Side
from core.simulators.coin_account import CoinAccount
from core.simulators.coin_order import CoinOrder, Lasting
from core.simulators.upbit_keys import Named
from core.venues.spec import Rules

Body = Mapping[str, str]
Row = dict[str, object]

SEOUL = timezone(timedelta(hours=9))
SIDES = {"bid": Side.BUY, "ask": Side.SELL}
WORDS = {Side.BUY: "bid", Side.SELL: "ask"}
LASTING = {"": Lasting.REST, "ioc": Lasting.NOW, "fok": Lasting.WHOLE, "post_only": Lasting.MAKER}
LOT = Decimal("0.00000001")
LONGEST = 64


def checked(body: Body, account: CoinAccount, rules: Rules, number: int, at: int) -> CoinOrder:
    """The order that a request asks for. Raises Named for what Upbit would refuse."""
    side, kind, symbol = SIDES.get(body.get("side", "")), body.get("ord_type", ""), body.get("market", "")
    if side is None or kind not in ("limit", "price", "market", "best") or account.pair(symbol) == ("", ""):
        raise Named(400, "validation_error")
    order = CoinOrder(
        number=str(UUID(int=(0x9CA023A5 << 96) + number, version=4)),
        client=body.get("identifier", ""),
        symbol=symbol,
        side=side,
        kind=kind,
        lasting=_lasting(body, kind),
        at=at,
        quantity=_figure(body, "volume"),
        limit=_figure(body, "price") if kind == "limit" else None,
        budget=_figure(body, "price") if kind != "limit" else None,
        best=kind == "best",
    )
    _shaped(order)
    _legal(order, account, rules, at)
    _paid(order, account)
    return order


def _lasting(body: Body, kind: str) -> Lasting:
    word = body.get("time_in_force", "")
    if word not in LASTING or (kind == "best" and word not in ("ioc", "fok")):
        raise Named(400, "validation_error")
    if kind in ("price", "market"):
        return Lasting.NOW
    return LASTING[word]


def _figure(body: Body, name: str) -> Decimal | None:
    text = body.get(name, "")
    if not text:
        return None
    try:
        figure = Decimal(text)
    except InvalidOperation:
        raise Named(400, "validation_error") from None
    if not figure.is_finite() or figure <= 0 or "E" in text.upper():
        raise Named(400, "validation_error")
    return figure


def _shaped(order: CoinOrder) -> None:
    """Which of price and volume each kind of order has, and which it must not have."""
    wants = {
        ("limit", Side.BUY): "volume limit", ("limit", Side.SELL): "volume limit", ("price", Side.BUY): "budget",
        ("market", Side.SELL): "volume", ("best", Side.BUY): "budget", ("best", Side.SELL): "volume",
    }  # fmt: skip
    has = {"volume": order.quantity, "limit": order.limit, "budget": order.budget}
    given = {name for name, figure in has.items() if figure is not None}
    if given != set(wants.get((order.kind, order.side), "none").split()):
        raise Named(400, f"create_{WORDS[order.side]}_error")
    if order.quantity is not None and order.quantity % LOT:
        raise Named(400, "validation_error")


def _legal(order: CoinOrder, account: CoinAccount, rules: Rules, at: int) -> None:
    """Price step, least and largest total, and the depth of the book."""
    word = WORDS[order.side]
    if order.limit is not None and rules.floor_price(order.symbol, order.limit, order.side, Millis(at)) != order.limit:
        raise Named(400, f"invalid_price_{word}")
    price = order.limit if order.limit is not None else account.price(order.symbol)
    total = order.budget if order.budget is not None else (order.quantity or ZERO) * price
    if total < rules.minimum(order.symbol):
        raise Named(400, f"under_min_total_{word}")
    if total > rules.maximum(order.symbol):
        raise Named(400, f"create_{word}_error", "최대 주문금액을 초과하였습니다.")
    if order.kind == "market" and account.available(order) < (order.quantity or ZERO):
        raise Named(400, f"create_{word}_error", "호가 30단계를 초과하는 주문입니다.")
    if order.lasting is Lasting.MAKER and account.crosses(order):
        raise Named(400, f"create_{word}_error", "즉시 체결되는 주문입니다.")


def _paid(order: CoinOrder, account: CoinAccount) -> None:
    base, quote = account.pair(order.symbol)
    if order.side is Side.SELL:
        if (order.quantity or ZERO) > account.free(base):
            raise Named(400, "insufficient_funds_ask")
        return
    total = order.budget if order.budget is not None else (order.quantity or ZERO) * (order.limit or ZERO)
    if total * account.reserve > account.free(quote):
        raise Named(400, "insufficient_funds_bid")


def row(order: CoinOrder, rate: Decimal, *, trades: bool = False) -> Row:
    """An order as Upbit tells it; `rate` is the fee."""
    fees = sum((fill.fee for fill in order.fills), ZERO)
    reserved = (order.budget if order.budget is not None else (order.quantity or ZERO) * (order.limit or ZERO)) * rate
    told: Row = {
        "market": order.symbol,
        "uuid": order.number,
        "side": WORDS[order.side],
        "ord_type": order.kind,
        "price": _text(order.limit if order.limit is not None else order.budget),
        "state": _state(order),
        "created_at": moment(order.at),
        "volume": _text(order.quantity),
        "remaining_volume": _text(None if order.quantity is None else order.quantity - order.filled),
        "executed_volume": _text(order.filled),
        "reserved_fee": _text(reserved),
        "remaining_fee": _text(max(reserved - fees, ZERO)),
        "paid_fee": _text(fees),
        "locked": _text(order.open if order.side is Side.SELL else order.open * (order.limit or ZERO) + order.unspent),
        "trades_count": len(order.fills),
        "time_in_force": next((word for word, how in LASTING.items() if word and how is order.lasting), None),
        "prevented_volume": "0",
        "prevented_locked": "0",
    }
    if order.kind in ("price", "market"):
        told["time_in_force"] = None
    if order.client:
        told["identifier"] = order.client
    return {**told, "trades": _trades(order)} if trades else told


def _trades(order: CoinOrder) -> list[Row]:
    return [
        {
            "market": order.symbol,
            "uuid": str(UUID(int=(0x795DFF29 << 96) + fill.id, version=4)),
            "price": _text(fill.price),
            "volume": _text(fill.quantity),
            "funds": _text(fill.value),
            "trend": "up",
            "created_at": moment(fill.at),
            "side": WORDS[order.side],
        }
        for fill in order.fills
    ]


def _state(order: CoinOrder) -> str:
    if order.working:
        return "wait"
    whole = order.quantity is not None and order.filled >= order.quantity
    return "done" if whole or (order.budget is not None and not order.budget - order.value) else "cancel"


def moment(at: int) -> str:
    """Korean time with its offset, in whole seconds."""
    return datetime.fromtimestamp(at // 1000, SEOUL).isoformat()


def _text(figure: Decimal | None) -> str | None:
    return None if figure is None else f"{figure:f}"
