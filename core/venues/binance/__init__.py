"""Binance, spot. The evidence for what is written here is in README.md."""

from core.domain.values import Market
from core.venues.binance.answers import FLAGS
from core.venues.binance.orders import ORDERS
from core.venues.binance.rest import REST
from core.venues.binance.rules import RULES, tailored, under
from core.venues.binance.stream import STREAM
from core.venues.spec import Venue

VENUE = Venue(Market.BINANCE, STREAM, REST, RULES, ORDERS, tailored=tailored, flags=FLAGS, specified=under)
