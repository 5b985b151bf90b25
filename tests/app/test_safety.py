"""The safety filter as a use case: refresh, keep the last good set, look after what is held (A1-A4)."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from core.app import safety
from core.app.safety import UNLISTED, Filtering, asked_for, run
from core.domain.errors import RateLimited, Refused, Transient, WireSurprise
from core.domain.events import Specification
from core.domain.levels import References, SafeSet, SafetyHealth, Scan
from core.domain.policies import UniversePolicy, WhenHeld
from core.domain.signals import Urgency
from core.domain.snapshots import build
from core.domain.specifications import Specifications
from core.domain.values import Market, Millis, Side
from core.venues.kis.universe import rows as members
from core.venues.spec import venue
from tests.watching import AT, Alerts, Hands, Holding, Quotes, Signals, listing, lookout, position

HOUR = 3_600_000


class Filter:
    """A market with its ports, run as often as a test likes."""

    def __init__(self, *symbols, held=(), **sections):
        self.quotes, self.hands, self.alerts, self.signals = Quotes(*symbols), Hands(), Alerts(), Signals()
        self.place = lookout(self.quotes, self.hands, alerts=self.alerts, **sections)
        self.holding = Holding(*held)

    def run(self):
        return run(self.place, self.holding, self.signals)

    def flag(self, symbol, *flags):
        self.quotes.listings = [
            listing(symbol, *flags) if row.instrument.symbol == symbol else row for row in self.quotes.listings
        ]

    @property
    def stored(self):
        return self.place.shelf.read(SafeSet, Market.UPBIT)


def test_the_listing_is_split_and_kept_with_its_time_and_the_references_follow():
    """A1, A2."""
    market = Filter("KRW-A", "KRW-B")
    market.flag("KRW-B", "WARNING")

    done = market.run()

    assert done.outcome is Filtering.REFRESHED
    assert (done.safe, done.excluded, done.age_ms) == (1, 1, 0)
    assert market.stored.safe == ("KRW-A",)
    assert market.stored.excluded[0].reasons == ("WARNING",)
    assert market.stored.at == AT
    assert set(market.place.shelf.read(References, Market.UPBIT).rows) == {"KRW-A"}
    assert market.alerts.sent == []


@pytest.mark.parametrize(
    "trouble", [Transient("down"), RateLimited("slow down"), Refused("no"), WireSurprise("not json")]
)
def test_a_refresh_that_fails_keeps_the_last_good_set_and_says_so_once(trouble):
    """A3."""
    market = Filter("KRW-A")
    market.run()
    market.quotes.trouble = {"listing": trouble}

    market.hands.later(HOUR)
    first = market.run()
    market.hands.later(HOUR)
    second = market.run()

    assert (first.outcome, first.age_ms, first.safe) == (Filtering.KEPT, HOUR, 1)
    assert (second.outcome, second.age_ms) == (Filtering.KEPT, 2 * HOUR)
    assert trouble.found in second.failure
    assert market.stored.at == AT
    assert market.alerts.kinds == ["scan_failing"]
    assert market.alerts.sent[0].memo == "the list in use is 60 min old"
    assert market.place.shelf.read(SafetyHealth, Market.UPBIT).failures == 2


def test_what_the_listing_says_of_orders_is_kept_for_every_symbol_of_it():
    """E3. Held symbols that are excluded must be sold, so theirs is kept too."""
    form = Specification(tick=Decimal("0.1"), lot=Decimal(1), minimum=Decimal(5), maximum=Decimal("Infinity"))
    market = Filter("KRW-A", "KRW-B")
    market.flag("KRW-B", "WARNING")
    assert market.run().outcome is Filtering.REFRESHED
    assert market.place.shelf.read(Specifications, Market.UPBIT) is None

    market.quotes.listings = [replace(row, specification=form) for row in market.quotes.listings]
    market.run()

    kept = market.place.shelf.read(Specifications, Market.UPBIT)
    assert (kept.at, kept.rows) == (AT, {"KRW-A": form, "KRW-B": form})


def test_an_empty_listing_is_a_failure_and_not_an_empty_market():
    market = Filter("KRW-A")
    market.run()
    market.quotes.listings = []

    assert market.run().outcome is Filtering.KEPT
    assert market.stored.safe == ("KRW-A",)


def test_a_failure_before_the_first_good_set_is_told_too():
    market = Filter("KRW-A")
    market.quotes.trouble = {"listing": Transient("down")}

    done = market.run()

    assert (done.outcome, done.age_ms, done.safe) == (Filtering.KEPT, None, 0)
    assert market.alerts.sent[0].memo == "there is no earlier list"
    assert market.stored is None


def test_the_first_good_refresh_says_that_it_has_recovered_and_the_next_says_nothing():
    market = Filter("KRW-A")
    market.quotes.trouble = {"listing": Transient("down")}
    market.run()
    market.quotes.trouble = {}

    market.run()
    market.run()

    assert market.alerts.kinds == ["scan_failing", "recovered"]
    market.quotes.trouble = {"listing": Transient("down")}
    market.run()
    assert market.alerts.kinds == ["scan_failing", "recovered", "scan_failing"]


def test_references_that_stop_half_way_do_not_fail_the_filter():
    market = Filter("KRW-A")
    market.quotes.trouble = {"bars": Transient("down")}

    done = market.run()

    assert done.outcome is Filtering.REFRESHED
    assert done.references.missing == 1


# ---- A4: what is held -------------------------------------------------------------------------------------------


def test_a_held_symbol_that_turns_unsafe_raises_one_alert_with_the_reasons():
    market = Filter("KRW-A", "KRW-B", held=["KRW-A"])
    market.run()
    market.flag("KRW-A", "WARNING", "PRICE_FLUCTUATIONS")

    done = market.run()
    market.run()

    assert done.unsafe == {"KRW-A": ("PRICE_FLUCTUATIONS", "WARNING")}
    (alert,) = market.alerts.sent
    assert (alert.kind.value, alert.instrument.symbol) == ("unsafe", "KRW-A")
    assert alert.condition == "PRICE_FLUCTUATIONS, WARNING"
    assert alert.name == "name of KRW-A"
    assert "KRW-A" in alert.link
    assert alert.memo == "held: hold"


def test_by_default_an_unsafe_symbol_is_held():
    market = Filter("KRW-A", held=["KRW-A"])
    market.run()
    market.flag("KRW-A", "WARNING")

    assert market.run().sold == ()
    assert market.signals.sent == []


def test_by_setting_an_unsafe_symbol_is_sold_and_again_on_each_run_until_it_is_gone():
    market = Filter("KRW-A", "KRW-B", held=["KRW-A", "KRW-B"], safety={"when_held": WhenHeld.LIQUIDATE})
    market.run()
    market.flag("KRW-A", "WARNING")
    seen = tuple(build(ticker, None, None) for ticker in market.quotes.tickers(["KRW-A"], "KRW"))
    market.place.shelf.write(Scan(market=Market.UPBIT, at=AT, calls=1, snapshots=seen))

    first = market.run()
    market.hands.later(HOUR)
    second = market.run()
    market.holding = Holding()
    third = market.run()

    assert (first.sold, second.sold, third.sold) == (("KRW-A",), ("KRW-A",), ())
    sell = market.signals.sent[0]
    assert (sell.side, sell.rule, sell.urgency) == (Side.SELL, "unsafe", Urgency.HIGH)
    assert (sell.price, sell.threshold, sell.name) == (100.0, 95.0, "name of KRW-A")
    assert sell.expires > sell.at == AT
    assert sell.id != market.signals.sent[1].id
    assert market.alerts.kinds == ["unsafe"]


def test_a_held_symbol_that_is_no_longer_listed_is_unsafe_and_sold_at_what_is_known():
    market = Filter("KRW-A", "KRW-B", held=["KRW-B"], safety={"when_held": WhenHeld.LIQUIDATE})
    market.run()
    market.quotes.listings = [listing("KRW-A")]

    done = market.run()

    assert done.unsafe == {"KRW-B": (UNLISTED,)}
    assert market.signals.sent[0].price == 95.0
    assert market.signals.sent[0].name == ""


def test_a_smaller_universe_makes_nothing_unsafe():
    market = Filter("KRW-A", "KRW-B", held=["KRW-B"], universe=UniversePolicy(codes=("KRW-A",)))

    assert market.run().unsafe == {}
    assert market.alerts.sent == []


def test_what_the_owner_never_wants_is_unsafe():
    market = Filter("KRW-A", "KRW-B", held=["KRW-B"], universe=UniversePolicy(never=("KRW-B",)))

    assert market.run().unsafe == {"KRW-B": ("never",)}
    assert market.alerts.kinds == ["unsafe"]


@pytest.mark.parametrize("step", range(3))
def test_a_run_that_dies_on_the_way_is_made_good_by_the_next(step):
    """Told and sold before the set is written: a crash repeats, it never loses."""
    market = Filter("KRW-A", "KRW-B", held=["KRW-A"], safety={"when_held": WhenHeld.LIQUIDATE})
    market.run()
    market.flag("KRW-A", "WARNING")
    victim, name = [(market.alerts, "send"), (market.signals, "send"), (market.place.shelf, "write")][step]
    whole = getattr(victim, name)

    def die(*_, **__):
        raise SystemExit

    setattr(victim, name, die)
    with pytest.raises(SystemExit):
        market.run()
    setattr(victim, name, whole)

    market.run()

    assert "unsafe" in market.alerts.kinds
    assert [signal.instrument.symbol for signal in market.signals.sent][-1] == "KRW-A"
    assert market.stored.safe == ("KRW-B",)
    assert safety.RULE
    assert market.hands() == Millis(AT)


@pytest.mark.parametrize("codes", [("005930", "000660"), ()])
def test_a_venue_that_lists_only_what_it_is_asked_for_is_asked_for_what_is_held_besides_all_else(codes):
    """A4: a symbol that left the list is not taken for one that does not trade any more, nor the list for what is
    held."""
    universe = UniversePolicy(codes=codes)

    asked = asked_for(universe, [], [position("000660"), position("035720")])

    assert set(members(asked)) == {*members(universe), "000660", "035720"}
    assert asked_for(universe, [], []) == universe


@pytest.mark.parametrize("codes", [("005930",), ()])
def test_what_is_listed_only_because_it_is_held_is_not_bought_again_and_is_not_unsafe(codes):
    """A4, A5: whether the universe is given as codes or is the owner's or the venue's list."""
    universe = UniversePolicy(codes=codes, listed=(("005930", "A", "KOSPI"),), busiest=1)
    market = Filter("005930", "035720", "000660", held=["035720"], universe=universe)
    named = replace(market.place.venue.rest, named=venue(Market.KRX).rest.named)
    market.place = replace(market.place, venue=replace(market.place.venue, rest=named))
    market.quotes.ranked = ["000660"]

    assert market.run().unsafe == {}
    assert market.stored.safe == ("000660", "005930")
    assert [(each.symbol, each.reasons) for each in market.stored.excluded] == [("035720", ("codes",))]


@pytest.mark.parametrize("codes", [("KRW-A",), ()])
def test_todays_busiest_are_looked_at_and_may_be_bought_where_the_owner_wants_them(codes):
    """A5: beside the codes, never against `never`."""
    universe = UniversePolicy(codes=codes, busiest=2, never=("KRW-C",))
    market = Filter("KRW-A", "KRW-B", "KRW-C", universe=universe)
    market.quotes.ranked = ["KRW-C", "KRW-B", "KRW-D"]

    market.run()

    assert ("busiest", (2,)) in market.quotes.asked
    asked = dict(market.quotes.asked)["listing"][0]
    assert asked.always == ("KRW-C", "KRW-B")
    assert market.stored.safe == ("KRW-A", "KRW-B")


def test_a_ranking_that_does_not_come_keeps_the_last_good_set():
    """A3"""
    market = Filter("KRW-A", universe=UniversePolicy(busiest=5))
    market.run()
    market.quotes.trouble = {"busiest": Transient("down")}

    assert market.run().outcome is Filtering.KEPT
    assert market.stored.safe == ("KRW-A",)
