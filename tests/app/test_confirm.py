"""B6: is today a trading day? Asked of the venue once a day."""

import pytest
from msgspec.structs import replace

from core.app.confirm import told
from core.app.safety import Filtering, run
from core.domain.errors import Refused, Transient
from core.domain.levels import OpenDays, SafeSet
from core.domain.sessions import TOLD, always_open
from core.domain.values import DAY, HOUR, Market
from tests.watching import AT, Hands, Holding, Quotes, Signals, listing, lookout

SAID = {"2026-09-21": True, "2026-09-24": False}


class Telling(Quotes):
    """Quotes of a venue that knows its holidays."""

    def __init__(self, *symbols, said=SAID):
        super().__init__(*symbols)
        self.said, self.asked_days = said, []

    def holidays(self, first):
        self.asked_days.append(first)
        if isinstance(self.said, Exception):
            raise self.said
        return self.said


@pytest.fixture
def hands():
    return Hands()


def place(quotes, hands, days=None):
    tower = lookout(quotes, hands)
    rest = replace(tower.venue.rest, holidays=lambda first, seen: None)
    rules = replace(tower.venue.rules, calendar=days) if days else tower.venue.rules
    return replace(tower, venue=replace(tower.venue, rest=rest, rules=rules))


def test_a_venue_that_tells_nothing_is_not_asked(hands):
    quotes = Telling("KRW-A")
    assert told(lookout(quotes, hands)) is TOLD
    assert quotes.asked_days == []


def test_the_answer_is_kept_and_asked_for_once_a_day(hands):
    quotes = Telling("KRW-A")
    tower = place(quotes, hands)
    first = tower.shelf.read(OpenDays, Market.UPBIT)
    assert first is None
    assert told(tower) == told(tower) == SAID
    hands.later(DAY)
    assert told(tower) == SAID
    assert len(quotes.asked_days) == 2
    assert quotes.asked_days[0] < quotes.asked_days[1]
    assert tower.shelf.read(OpenDays, Market.UPBIT).at == AT + DAY


@pytest.mark.parametrize("trouble", [Transient("down"), Refused("not here"), {}])
def test_without_an_answer_the_last_one_stands_and_the_next_run_asks_again(hands, trouble):
    quotes = Telling("KRW-A", said=trouble)
    tower = place(quotes, hands)
    assert told(tower) == TOLD
    quotes.said = SAID
    assert told(tower) == SAID
    hands.later(DAY)
    quotes.said = trouble
    assert told(tower) == SAID
    assert len(quotes.asked_days) == 3


def hours(opens_in):
    """A market that opens so much later, unless the venue tells of a day at all."""

    def calendar(policy, said=TOLD):
        wait = 0 if said else opens_in
        return replace(always_open(policy), is_open=lambda at: wait == 0, opens=lambda at: at + wait)

    return calendar


def test_the_safety_filter_sleeps_while_the_market_is_closed_and_wakes_an_hour_before_it_opens(hands):
    quotes = Quotes("KRW-A")
    tower = lookout(quotes, hands)
    for wait, outcome in ((HOUR + 1, Filtering.CLOSED), (HOUR, Filtering.REFRESHED)):
        closed = replace(tower, venue=replace(tower.venue, rules=replace(tower.venue.rules, calendar=hours(wait))))
        assert run(closed, Holding(), Signals()).outcome is outcome
        assert (tower.shelf.read(SafeSet, Market.UPBIT) is None) is (outcome is Filtering.CLOSED)


def test_the_safety_filter_goes_by_what_the_venue_told_just_now(hands):
    """The table says closed, the holiday call says open."""
    quotes = Telling("KRW-A")
    quotes.listings = [listing("KRW-A")]
    assert run(place(quotes, hands, hours(2 * DAY)), Holding(), Signals()).outcome is Filtering.REFRESHED
