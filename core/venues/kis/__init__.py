"""KRX through KIS Open API (Korea Investment & Securities): stocks. The evidence for what is here is in README.md."""

from core.domain.values import Market
from core.venues.kis.orders import ORDERS
from core.venues.kis.rest import REST
from core.venues.kis.rules import RULES, tailored
from core.venues.kis.stream import STREAM
from core.venues.kis.universe import KINDS
from core.venues.kis.warnings import FLAGS
from core.venues.spec import Venue

VENUE = Venue(Market.KRX, STREAM, REST, RULES, ORDERS, tailored, FLAGS | frozenset(KINDS))
