"""Fakes for the use cases that watch a market: a venue that answers as told, and ports that remember."""

from collections import Counter
from decimal import Decimal

from msgspec.structs import replace

from core.adapters.memory.shelf import MemoryShelf
from core.app.lookout import Lookout
from core.domain.errors import Refused
from core.domain.events import Bar, Book, Level, Listing, Ticker
from core.domain.leases import Lock
from core.domain.policies import MarketPolicy, RestPolicy, StreamPolicy
from core.domain.positions import Position
from core.domain.values import DAY, Instrument, Market, Millis
from core.venues.spec import venue

AT = Millis(1_790_000_000_000 - 1_790_000_000_000 % DAY + 3 * 3_600_000)
"""Three hours into a day of Upbit's."""


class Quotes:
    """Knows `symbols`; each has price 100, a bid of 99.9, an ask of 100.1 and the traded value given in `values`.

    asked     every call as (what, symbols)
    trouble   what the next call of that name raises, by name; `gone` are codes whose candles are refused
    """

    def __init__(self, *symbols):
        self.listings = [listing(symbol) for symbol in symbols]
        self.values, self.prices, self.ages = {}, {}, {}
        self.asked, self.trouble, self.gone, self.ranked = [], {}, set(), []

    @property
    def calls(self):
        return len(self.asked)

    def _ask(self, what, symbols):
        self.asked.append((what, tuple(symbols)))
        if what in self.trouble:
            raise self.trouble[what]

    def count(self, what):
        return Counter(name for name, _ in self.asked)[what]

    def listing(self, quote):
        self._ask("listing", (quote,))
        return self.listings

    def busiest(self, count):
        self._ask("busiest", (count,))
        return self.ranked[:count]

    def tickers(self, symbols, quote):
        self._ask("tickers", symbols)
        known = {row.instrument.symbol for row in self.listings}
        return [self._ticker(symbol) for symbol in symbols if symbol in known]

    def _ticker(self, symbol):
        price = self.prices.get(symbol, 100.0)
        value = self.values.get(symbol, 1e9)
        return Ticker(
            instrument=Instrument(Market.UPBIT, symbol), price=price, change=0.0, volume=10.0, value=value,
            value_24h=value, high=price * 1.1, low=price * 0.9, at=AT, seen=AT,
        )  # fmt: skip

    def books(self, symbols, depth):
        self._ask("books", symbols)
        return [self._book(symbol) for symbol in symbols]

    def _book(self, symbol):
        price = self.prices.get(symbol, 100.0)
        level = Level(price * 0.999, 1.0, price * 1.001, 1.0)
        return Book(instrument=Instrument(Market.UPBIT, symbol), levels=[level], at=AT, seen=AT)

    def bars(self, symbol, span, count, until=None):
        self._ask("bars", (symbol,))
        if symbol in self.gone:
            raise Refused("no such market")
        days = range(1, 1 + min(count, self.ages.get(symbol, count)))
        return [self._day(symbol, span, Millis(until - day * DAY)) for day in reversed(days)]

    def _day(self, symbol, span, opens):
        return Bar(
            instrument=Instrument(Market.UPBIT, symbol), span=span, opens=opens, open=100.0, high=120.0, low=80.0,
            close=110.0, volume=1.0, value=1.0, seen=AT,
        )  # fmt: skip


class Alerts:
    def __init__(self):
        self.sent = []

    def send(self, alerts):
        self.sent += alerts

    @property
    def kinds(self):
        return [alert.kind.value for alert in self.sent]


class Signals:
    def __init__(self):
        self.sent = []

    def send(self, signals):
        self.sent += signals


class Holding:
    """Locks with open positions of these symbols, and one without."""

    def __init__(self, *symbols):
        self.symbols = symbols

    def locks(self):
        free = Lock(instrument=Instrument(Market.UPBIT, "KRW-FREE"), fence=1)
        return [free, *(Lock(instrument=p.instrument, fence=1, position=p) for p in map(position, self.symbols))]


class News:
    def __init__(self):
        self.published = []

    def publish(self, market, added, removed, version, at):
        self.published.append((market, tuple(added), tuple(removed), version, at))


class Passes:
    def __init__(self):
        self.asked = []

    def ask(self, market, after_s, at):
        self.asked.append((market, after_s, at))


class Hands:
    """A clock that moves when told to, or when something pauses."""

    def __init__(self, at=AT):
        self.at, self.pauses = at, []

    def __call__(self):
        return self.at

    def pause(self, seconds):
        self.pauses.append(seconds)

    def later(self, ms):
        self.at = Millis(self.at + ms)


def listing(symbol, *flags):
    return Listing(instrument=Instrument(Market.UPBIT, symbol), name=f"name of {symbol}", flags=frozenset(flags))


def position(symbol):
    zero, instrument = Decimal(0), Instrument(Market.UPBIT, symbol)
    return Position(
        instrument=instrument, worker="w-01", quantity=Decimal(1), cost=Decimal(95), fees=zero, price=Decimal(95),
        opened=AT, signal="s", rule="disparity", reference=Decimal(95),
    )  # fmt: skip


def policy(**sections):
    """A market's policy with these sections changed: `policy(scan={"batch_size": 2})`."""
    plain = MarketPolicy(rest=RestPolicy(url="http://x"), stream=StreamPolicy(url="ws://x"))
    return replace(
        plain,
        **{
            name: replace(getattr(plain, name), **changes) if isinstance(changes, dict) else changes
            for name, changes in sections.items()
        },
    )


def closed(place):
    """The same place at a market that never opens."""
    shut = replace(place.days, is_open=lambda at: False)
    rules = replace(place.venue.rules, calendar=lambda day, told: shut)
    return replace(place, venue=replace(place.venue, rules=rules))


def lookout(quotes, hands, *, shelf=None, alerts=None, **sections):
    return Lookout(
        market=Market.UPBIT,
        policy=policy(**sections),
        venue=venue(Market.UPBIT),
        shelf=shelf or MemoryShelf(hands),
        quotes=quotes,
        alerts=alerts or Alerts(),
        clock=hands,
        pause=hands.pause,
    )
