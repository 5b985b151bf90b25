"""Our values as DynamoDB items, and back: numbers exact, structures as maps, no joined text that could be taken apart.

stock_locks   key "market:symbol"; own req fence exp intent held done wrote lost dust
ledger        pk, sk     what                                                       index attributes
    order#ID     order#ID    body = the order                                       day; open, news (see below)
    trip#ID      trip#ID     body = the round trip                                  day
    worker#MKT   w-01        status symbol capital heartbeat note
    account#MKT  exposure    exposure positions moves
    account#MKT  day#DAY     realised streak lost
    currency#CUR exposure    exposure moves
news#ID      news#ID     news                                                       open
    halt         SCOPE       reason at sells
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Context, Decimal, Inexact, Rounded
from typing import Any, TypeVar

import msgspec

from core.domain.leases import Granted, Intent, Lock
from core.domain.messages import Alert
from core.domain.orders import DONE, Order
from core.domain.positions import Position, RoundTrip
from core.domain.values import Instrument, Market, Millis
from core.domain.workers import Status, Worker

T = TypeVar("T")
Item = dict[str, Any]
"""Attribute name -> typed attribute value, as the low-level client takes and gives it."""

NEWS = "news#"
NUMBER = Context(prec=38, Emin=-128, Emax=126, traps=[Inexact, Rounded])
"""What a DynamoDB number holds: anything finer is refused here rather than rounded there."""


def to_wire(value: object) -> Item:
    """One value as an attribute value. Raises decimal.Inexact for a number of more than 38 digits.

    Numbers go out as the table would give them back, without trailing zeros: equal values are equal requests.
    """
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": str(value)}
        case int() | Decimal():
            return {"N": f"{NUMBER.create_decimal(value).normalize(NUMBER):f}" if value else "0"}
        case dict():
            return {"M": {name: to_wire(each) for name, each in value.items()}}
        case list() | tuple():
            return {"L": [to_wire(each) for each in value]}
        case _:
            return to_wire(msgspec.to_builtins(value, builtin_types=(Decimal,)))


def from_wire(value: Mapping[str, Any]) -> object:
    """One attribute value as plain data. Numbers without a fraction are int, all others Decimal."""
    ((kind, held),) = value.items()
    match kind:
        case "NULL":
            return None
        case "N":
            number = Decimal(held)
            return int(number) if number == number.to_integral_value() else number
        case "M":
            return {name: from_wire(each) for name, each in held.items()}
        case "L":
            return [from_wire(each) for each in held]
        case _:
            return held


def read(value: Mapping[str, Any], kind: type[T]) -> T:
    """An attribute value as one of our structs."""
    return msgspec.convert(from_wire(value), kind)


def maybe(item: Item, name: str, kind: type[T]) -> T | None:
    return read(item[name], kind) if name in item else None


def text(item: Item, name: str) -> str:
    found: str = item.get(name, {}).get("S", "")
    return found


def number(item: Item, name: str) -> Decimal:
    return Decimal(item.get(name, {}).get("N", "0"))


def lock_key(instrument: Instrument) -> Item:
    return {"key": {"S": str(instrument)}}


def lock_of(item: Item) -> Lock:
    return Lock(
        instrument=Instrument.parse(text(item, "key")),
        fence=int(number(item, "fence")),
        owner=text(item, "own"),
        ends=Millis(int(number(item, "exp"))),
        intent=maybe(item, "intent", Intent),
        position=maybe(item, "held", Position),
        done=maybe(item, "done", tuple[str, ...]) or (),
        lost=Millis(int(number(item, "lost"))),
        dust=number(item, "dust"),
    )


def granted_of(item: Item, mine: Intent) -> Granted:
    """The lock that an item says is held; `mine` stands in for an intent that is not there any more."""
    lock = lock_of(item)
    return Granted(
        instrument=lock.instrument,
        owner=lock.owner,
        fence=lock.fence,
        ends=lock.ends,
        intent=lock.intent or mine,
        position=lock.position,
        done=lock.done,
    )


def day_key(market: Market, day: str) -> str:
    """Hash of the `by_day` index; a market's name holds no `#`."""
    return f"{market.value}#{day}"


def untold_key(market: Market) -> str:
    """Hash of the `by_open` index for finished orders whose news may not have been told."""
    return f"untold#{market.value}"


def order_row(order: Order, day: str, news: Alert | None = None) -> Item:
    """`open` is there only while the order is not finished or its news waits: the `by_open` index holds no others."""
    market = order.instrument.market
    row = {
        "pk": {"S": f"order#{order.id}"},
        "sk": {"S": f"order#{order.id}"},
        "day": {"S": day_key(market, day)},
        "body": to_wire(order),
    }
    if order.state not in DONE:
        return {**row, "open": {"S": market.value}}
    if news is None:
        return row
    return {**row, "open": {"S": untold_key(market)}, "news": {"S": msgspec.json.encode(news).decode()}}


def news_row(news: Alert, market: Market) -> Item:
    """What people are to be told and no order is about; gone once they were."""
    key = {"pk": {"S": f"{NEWS}{news.id}"}, "sk": {"S": f"{NEWS}{news.id}"}}
    return {**key, "open": {"S": untold_key(market)}, "news": {"S": msgspec.json.encode(news).decode()}}


def news_key(key: str) -> Item:
    return {"pk": {"S": key}, "sk": {"S": key}}


def trip_row(trip: RoundTrip, day: str) -> Item:
    return {
        "pk": {"S": f"trip#{trip.id}"},
        "sk": {"S": f"trip#{trip.id}"},
        "day": {"S": day_key(trip.instrument.market, day)},
        "body": to_wire(trip),
    }


def order_key(key: str) -> Item:
    return {"pk": {"S": f"order#{key}"}, "sk": {"S": f"order#{key}"}}


def worker_key(market: Market, name: str) -> Item:
    return {"pk": {"S": f"worker#{market.value}"}, "sk": {"S": name}}


def account_key(market: Market) -> Item:
    return {"pk": {"S": f"account#{market.value}"}, "sk": {"S": "exposure"}}


def day_account_key(market: Market, day: str) -> Item:
    return {"pk": {"S": f"account#{market.value}"}, "sk": {"S": f"day#{day}"}}


def currency_key(currency: str) -> Item:
    return {"pk": {"S": f"currency#{currency}"}, "sk": {"S": "exposure"}}


def total_key(of: Market | str) -> Item:
    """Of a market, or of a currency by its name."""
    return account_key(of) if isinstance(of, Market) else currency_key(of)


def halt_key(scope: str) -> Item:
    return {"pk": {"S": "halt"}, "sk": {"S": scope}}


def worker_row(worker: Worker) -> Item:
    return {
        **worker_key(worker.market, worker.id),
        "status": {"S": worker.status.value},
        "symbol": {"S": worker.symbol},
        "capital": to_wire(worker.capital),
        "heartbeat": to_wire(worker.heartbeat),
        "note": {"S": worker.note},
    }


def worker_of(item: Item, market: Market) -> Worker:
    return Worker(
        id=text(item, "sk"),
        market=market,
        status=Status(text(item, "status")),
        capital=number(item, "capital"),
        symbol=text(item, "symbol"),
        heartbeat=Millis(int(number(item, "heartbeat"))),
        note=text(item, "note"),
    )
