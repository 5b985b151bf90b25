"""Upbit (Korea), spot. The evidence for what is written here is in README.md."""

from core.domain.values import Market
from core.venues.spec import Venue
from core.venues.upbit.answers import FLAGS
from core.venues.upbit.orders import ORDERS
from core.venues.upbit.rest import REST
from core.venues.upbit.rules import RULES
from core.venues.upbit.stream import STREAM

VENUE = Venue(Market.UPBIT, STREAM, REST, RULES, ORDERS, flags=FLAGS)
