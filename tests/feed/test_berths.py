"""Which connections there are, what each carries, and how many symbols they have a place for (D4, D5)."""

import pytest

from core.domain.policies import AccountPolicy, Environment, KeyPolicy, MarketPolicy, RestPolicy, StreamPolicy
from core.feed.berths import berths, capacity, room
from core.feed.slots import Room
from core.venues.spec import Channel, Topic
from tests.feed.answering import spec

TOPICS = (Topic.TRADE, Topic.STATE, Topic.BOOK)
REAL, OTHER = KeyPolicy(app_key="one", app_secret="s"), KeyPolicy(app_key="two", app_secret="s")
MOCK = KeyPolicy(app_key="three", app_secret="s", environment=Environment.MOCK)


def market(*keys, account=None):
    return MarketPolicy(
        rest=RestPolicy(url="http://x"), stream=StreamPolicy(url="ws://real"), keys=keys, account=account
    )


def test_each_key_has_a_connection_and_the_accounts_key_carries_its_notices():
    found = berths(market(REAL, OTHER, account=AccountPolicy(url="http://x", key=OTHER)), orders=True)
    assert [(berth.key, berth.url, berth.symbols, berth.orders) for berth in found] == [
        ("one", "ws://real", True, False),
        ("two", "ws://real", True, True),
    ]


@pytest.mark.parametrize(("stream_url", "url"), [("ws://mock", "ws://mock"), ("", "ws://real")])
def test_orders_in_the_mock_environment_beside_real_quotes_have_a_connection_of_their_own(stream_url, url):
    account = AccountPolicy(url="http://x", stream_url=stream_url, key=MOCK)
    first, second = berths(market(REAL, account=account), orders=True)
    assert (first.key, first.orders) == ("one", False)
    assert (second.key, second.url, second.symbols, second.orders) == ("three", url, False, True)
    assert len(berths(market(REAL, account=account), orders=False)) == 1


def test_the_mock_environment_is_asked_only_for_what_it_serves():
    (real,) = berths(market(REAL), orders=False)
    (mock,) = berths(market(MOCK, account=AccountPolicy(url="http://x", key=MOCK)), orders=True)
    venue = spec(topics=TOPICS, mock=frozenset({Topic.TRADE, Topic.BOOK, Topic.ORDERS}))
    assert room(real, venue, 41, "", {"trade": "UN"}) == Room(41, TOPICS, (), {"trade": "UN"})
    assert room(mock, venue, 41, "ME", {"trade": "UN"}) == Room(
        41, (Topic.TRADE, Topic.BOOK), (Channel(Topic.ORDERS, "ME", "mock"),)
    )
    assert room(mock, venue, 41, "", {}).always == ()
    assert room(mock, spec(topics=TOPICS), 41, "", {}).topics == TOPICS


def test_every_key_has_its_registrations_and_notices_take_one_of_the_key_that_they_ride_with():
    venue = spec(topics=TOPICS, slots=41)
    assert capacity(venue, market(REAL)) == 41
    assert capacity(venue, market(REAL, OTHER)) == 82
    assert capacity(venue, market(REAL, OTHER, account=AccountPolicy(url="http://x", key=OTHER))) == 81
    assert capacity(venue, market(REAL, account=AccountPolicy(url="http://x", key=MOCK))) == 41
    assert capacity(venue, market()) == 0


@pytest.mark.parametrize(("channels", "most"), [(0, 500), (1024, 500), (90, 150)])
def test_where_nothing_is_counted_it_is_the_owners_connections_within_the_venues_limit_of_each(channels, most):
    assert capacity(spec(topics=TOPICS, slots=0, channels_per_connection=channels), market()) == most
