"""Daily references: only what is missing of the current day, the busiest first, resumable (A, B4)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.app import references
from core.app.references import top_up
from core.domain.errors import Transient, WireSurprise
from core.domain.levels import Reference, References, Scan
from core.domain.snapshots import build
from core.domain.values import DAY, Market
from tests.watching import AT, Hands, Quotes, lookout


def stored(place):
    return place.shelf.read(References, Market.UPBIT)


def asked(quotes):
    return [symbols[0] for what, symbols in quotes.asked if what == "bars"]


def test_each_symbol_gets_yesterday_and_the_base_of_its_moving_average():
    quotes = Quotes("KRW-A")
    place = lookout(quotes, Hands(), safety={"reference_days": 5})

    topped = top_up(place, ["KRW-A"], AT)

    assert (topped.known, topped.missing, topped.failure) == (1, 0, "")
    assert stored(place).rows == {"KRW-A": Reference(high=120.0, low=80.0, close=110.0, ma_sum=440.0, ma_days=4)}
    assert stored(place).day == AT - AT % DAY


def test_a_second_run_of_the_same_day_asks_for_nothing():
    quotes = Quotes("KRW-A", "KRW-B")
    place = lookout(quotes, Hands())
    top_up(place, ["KRW-A", "KRW-B"], AT)
    before = quotes.calls

    topped = top_up(place, ["KRW-A", "KRW-B"], AT + 3_600_000)

    assert quotes.calls == before
    assert topped.known == 2


def test_the_next_day_asks_for_all_of_them_again():
    quotes = Quotes("KRW-A")
    place = lookout(quotes, Hands())
    top_up(place, ["KRW-A"], AT)

    top_up(place, ["KRW-A"], AT + DAY)

    assert asked(quotes) == ["KRW-A", "KRW-A"]
    assert stored(place).day == AT + DAY - AT % DAY


def test_no_run_asks_for_more_than_it_may_and_the_next_goes_on():
    symbols = [f"KRW-{number:03}" for number in range(50)]
    quotes = Quotes(*symbols)
    place = lookout(quotes, Hands(), safety={"references_per_run": 30})

    first, second = top_up(place, symbols, AT), top_up(place, symbols, AT)

    assert (first.known, first.missing) == (30, 20)
    assert (second.known, second.missing) == (50, 0)
    assert sorted(asked(quotes)) == symbols


def test_the_busiest_symbols_come_first():
    quotes = Quotes("KRW-A", "KRW-B", "KRW-C")
    quotes.values = {"KRW-B": 5e9}
    place = lookout(quotes, Hands(), safety={"references_per_run": 2})
    rows = tuple(build(ticker, None, None) for ticker in quotes.tickers(["KRW-A", "KRW-B", "KRW-C"], "KRW"))
    place.shelf.write(Scan(market=Market.UPBIT, at=AT, calls=1, snapshots=rows))

    top_up(place, ["KRW-A", "KRW-B", "KRW-C"], AT)

    assert asked(quotes) == ["KRW-B", "KRW-A"]


@pytest.mark.parametrize("trouble", [Transient("down"), WireSurprise("odd")])
def test_a_venue_that_stops_answering_costs_nothing_of_what_was_loaded(trouble):
    symbols = [f"KRW-{number:03}" for number in range(50)]
    quotes = Quotes(*symbols)
    place = lookout(quotes, Hands())
    ask = quotes._ask

    def ask_some(what, names):
        if names[0] == "KRW-025":
            raise trouble
        ask(what, names)

    quotes._ask = ask_some

    topped = top_up(place, symbols, AT)

    assert (topped.known, topped.missing) == (25, 25)
    assert trouble.found in topped.failure
    assert len(stored(place).rows) == 25


def test_a_symbol_the_venue_refuses_does_not_stop_the_others():
    quotes = Quotes("KRW-A", "KRW-B")
    quotes.gone = {"KRW-A"}

    topped = top_up(lookout(quotes, Hands()), ["KRW-A", "KRW-B"], AT)

    assert (topped.known, topped.missing, topped.failure) == (1, 1, "")


def test_a_symbol_listed_today_has_no_reference_yet():
    quotes = Quotes("KRW-NEW")
    quotes.ages = {"KRW-NEW": 0}
    place = lookout(quotes, Hands())

    assert top_up(place, ["KRW-NEW"], AT).missing == 1


def test_symbols_that_are_no_longer_wanted_are_dropped():
    quotes = Quotes("KRW-A", "KRW-B")
    place = lookout(quotes, Hands())
    top_up(place, ["KRW-A", "KRW-B"], AT)

    top_up(place, ["KRW-B"], AT)
    quotes.listings = []
    top_up(place, ["KRW-B", "KRW-C"], AT)

    assert set(stored(place).rows) == {"KRW-B", "KRW-C"}


@given(st.integers(1, 60), st.integers(1, 60), st.lists(st.integers(0, 60), max_size=4))
def test_however_runs_are_cut_short_every_symbol_is_loaded_once_in_the_end(count, allowance, cuts):
    symbols = [f"KRW-{number:03}" for number in range(count)]
    quotes = Quotes(*symbols)
    place = lookout(quotes, Hands(), safety={"references_per_run": allowance})
    ask = quotes._ask
    for cut in cuts:
        left = [cut]

        def ask_some(what, names, left=left):
            left[0] -= 1
            if left[0] < 0:
                raise Transient("cut")
            ask(what, names)

        quotes._ask = ask_some
        top_up(place, symbols, AT)
    quotes._ask = ask

    while top_up(place, symbols, AT).missing:
        pass

    assert sorted(asked(quotes)) == symbols
    assert references.PAGE >= 1
