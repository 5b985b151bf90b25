"""Which connections a venue with app keys gets: one for each key, and one more where orders go elsewhere (D5)."""

from __future__ import annotations

import msgspec

from core.domain.policies import Environment, MarketPolicy
from core.feed import planner
from core.feed.slots import Room
from core.venues.spec import Channel, StreamSpec, Topic


class Berth(msgspec.Struct, frozen=True):
    """One connection: its address, the name of its app key, and what it is for.

    symbols  it carries market data
    orders   it carries the notices of our own orders
    """

    url: str
    key: str
    environment: Environment
    symbols: bool
    orders: bool


def berths(policy: MarketPolicy, orders: bool) -> tuple[Berth, ...]:
    """One for each app key. Own-order notices ride with the key that the account's orders are sent with, where that
    key streams too; else on a connection of their own (quotes of the real market, orders in the mock one)."""
    account = policy.account if orders else None
    found = [
        Berth(
            policy.stream.url,
            key.app_key,
            key.environment,
            symbols=True,
            orders=account is not None and account.key == key,
        )
        for key in policy.keys
    ]
    if account is not None and account.key not in policy.keys:
        url = account.stream_url or policy.stream.url
        found.append(Berth(url, account.key.app_key, account.key.environment, symbols=False, orders=True))
    return tuple(found)


def capacity(spec: StreamSpec, policy: MarketPolicy) -> int:
    """Symbols that all connections together can carry, each with one registration: more than these have no place.

    Where the venue counts registrations each app key has so many, and own-order notices take one of the key that they
    ride with. Elsewhere it is the owner's connections, each within the venue's own limit.
    """
    if not spec.slots:
        stream = policy.stream
        return stream.connections * planner.room(stream.per_connection, spec.channels_per_connection, len(spec.topics))
    carrying = [berth for berth in berths(policy, orders=True) if berth.symbols]
    return spec.slots * len(carrying) - sum(berth.orders for berth in carrying)


def room(berth: Berth, spec: StreamSpec, slots: int, hts_id: str, details: dict[str, str]) -> Room:
    """What a connection may carry now.

    Args:
        slots: what the venue allows this connection now (`Session.room`).
        hts_id: the id that own-order notices are registered under; "" while it is not known.
        details: the owner's choice of feeds; the mock environment has only the plain ones.
    """
    mock = berth.environment is Environment.MOCK
    served = spec.topics if spec.mock is None or not mock else tuple(t for t in spec.topics if t in spec.mock)
    notices = (Channel(Topic.ORDERS, hts_id, berth.environment.value),) if berth.orders and hts_id else ()
    return Room(slots, served if berth.symbols else (), notices, {} if mock else details)
