"""Which of a venue's orders is ours, where it knows no client order id (E8): matched, proven absent, or by holdings."""

from decimal import Decimal as D

import pytest
from msgspec.structs import replace

from core.app.evidence import LISTED
from core.domain.errors import Transient, UnknownOutcome
from core.domain.orders import State
from core.domain.phases import Phase
from core.domain.sendings import Fate, Sending
from core.domain.values import Side
from tests.adapters.orders.scripted import MOCK, REAL, Bench


def filled(outcome):
    return sum(fill.quantity for fill in outcome.fills)


def cost(outcome):
    return sum(fill.quantity * fill.price for fill in outcome.fills)


# ---- whose order it is ---------------------------------------------------------------------------------------------


def test_one_order_of_the_venue_is_never_two_of_ours():
    """Bought, sold, and the same bought again with a lost request: the first buy's number is taken."""
    bench = Bench()
    broker, first = bench.broker(), bench.order()
    broker.place(first, bench.hands.at)
    bench.write(first, broker)
    bench.kis.lost = ["request"]
    again = bench.order(signal="again")
    with pytest.raises(UnknownOutcome):
        broker.place(again, bench.hands.at)
    bench.hands.later(3)

    with pytest.raises(UnknownOutcome):
        broker.find(again, bench.hands.at)


@pytest.mark.parametrize(
    "other", [{"side": Side.SELL}, {"quantity": 11}, {"price": "70100"}, {"symbol": "000660"}], ids=str
)
def test_an_order_with_other_terms_is_not_ours(other):
    bench = Bench()
    bench.kis.lost = ["request"]
    broker, order = bench.broker(), bench.order()
    with pytest.raises(UnknownOutcome):
        broker.place(order, bench.hands.at)
    bench.kis.hand_made(**other)
    bench.hands.later(LISTED / 1000 + 1)

    assert broker.find(order, bench.hands.at) is None


@pytest.mark.parametrize("seconds", [-60, 45])
def test_an_order_of_another_time_is_not_ours(seconds):
    bench = Bench()
    bench.kis.lost = ["request"]
    broker, order = bench.broker(), bench.order()
    if seconds < 0:
        bench.kis.hand_made()
        bench.hands.later(-seconds)
    with pytest.raises(UnknownOutcome):
        broker.place(order, bench.hands.at)
    if seconds > 0:
        bench.hands.later(seconds)
        bench.kis.hand_made()
    bench.hands.later(LISTED / 1000 + 1)

    assert broker.find(order, bench.hands.at) is None


def test_a_market_order_matches_whatever_price_it_is_listed_at():
    bench = Bench()
    bench.kis.held["005930"] = D(10)
    bench.kis.lost = ["reply"]
    broker, order = bench.broker(), bench.order(Side.SELL, limit=None)
    with pytest.raises(UnknownOutcome):
        broker.place(order, bench.hands.at)
    bench.kis.orders["0001569157"]["price"] = "69900"
    bench.hands.later(2)
    assert broker.find(order, bench.hands.at).state == "filled"


@pytest.mark.parametrize("environment", [REAL, MOCK])
def test_a_number_that_is_another_orders_is_never_taken_from_a_reply(environment):
    bench = Bench(environment)
    other = bench.order(signal="other")
    bench.sendings.claim(
        Sending(
            order=other.id, instrument=other.instrument, side=other.side, quantity=other.quantity, limit=other.limit,
            at=bench.hands.at, fate=Fate.TAKEN,
        ),
        "20260922-0001569157",
    )  # fmt: skip
    broker, order = bench.broker(), bench.order()
    if environment is MOCK:
        with pytest.raises(UnknownOutcome, match="another order"):
            broker.place(order, bench.hands.at)
    else:
        broker.place(order, bench.hands.at)
        assert not bench.sendings.take(broker.taking(order))
    assert bench.sendings.read(order.id).fate is Fate.SENT


def test_the_acceptance_notice_names_an_order_that_the_list_does_not_show_yet():
    bench = Bench(notices=True)
    bench.kis.lost, bench.kis.hidden = ["reply"], {"0001569157"}
    broker, order = bench.broker(), bench.order()
    with pytest.raises(UnknownOutcome):
        broker.place(order, bench.hands.at)
    bench.hands.later(1)

    found = broker.find(order, bench.hands.at)

    assert (found.state, filled(found)) == ("filled", 10)


def test_a_list_that_adds_up_more_than_it_shows_proves_nothing():
    bench = Bench()
    bench.kis.lost, bench.kis.hidden = ["reply"], {"0001569157"}
    broker, order = bench.broker(), bench.order()
    with pytest.raises(UnknownOutcome):
        broker.place(order, bench.hands.at)
    bench.hands.later(LISTED / 1000 + 60)
    with pytest.raises(UnknownOutcome, match="behind"):
        broker.find(order, bench.hands.at)


def test_a_list_that_is_behind_the_account_proves_nothing():
    bench = Bench()
    bench.kis.lost, bench.kis.hidden, bench.kis.sums = ["reply"], {"0001569157"}, False
    broker, order = bench.broker(), bench.order()
    with pytest.raises(UnknownOutcome):
        broker.place(order, bench.hands.at)
    bench.hands.later(LISTED / 1000 + 60)
    with pytest.raises(UnknownOutcome, match="behind"):
        broker.find(order, bench.hands.at)


def test_an_open_order_that_only_the_waiting_list_has_is_ours():
    bench = Bench()
    bench.phase = Phase.CLOSING
    bench.kis.lost, bench.kis.fills, bench.kis.empty, bench.kis.sums = ["reply"], D(0), True, False
    broker, order = bench.broker(), bench.order()
    with pytest.raises(UnknownOutcome):
        broker.place(order, bench.hands.at)
    bench.hands.later(LISTED / 1000 + 1)
    with pytest.raises(UnknownOutcome, match="does not list it"):
        broker.find(order, bench.hands.at)
    assert bench.sendings.read(order.id).fate is Fate.TAKEN


def test_a_row_that_tells_units_and_not_yet_their_value_is_waited_for():
    """G1: what is settled once keeps the price that it was settled at."""
    bench = Bench()
    bench.kis.price = D(69_900)
    broker, order = bench.broker(), bench.order()
    broker.place(order, bench.hands.at)
    bench.kis.orders["0001569157"]["value"] = D(0)
    bench.hands.later(2)
    assert broker.find(order, bench.hands.at).state == "open"
    bench.kis.orders["0001569157"]["value"] = D(699_000)
    bench.hands.later(2)
    found = broker.find(order, bench.hands.at)
    assert (found.state, filled(found), cost(found)) == ("filled", 10, 699_000)


# ---- mock: a list without rows -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("side", "sums"), [(Side.BUY, True), (Side.BUY, False), (Side.SELL, True)])
def test_on_mock_a_filled_order_without_a_row_is_told_by_holdings(sums, side):
    bench = Bench(MOCK)
    bench.kis.empty, bench.kis.sums, bench.kis.price = True, sums, D(69_900)
    bench.kis.held["005930"] = D(25)
    broker, order = bench.broker(), bench.order(side)
    broker.place(order, bench.hands.at)
    bench.hands.later(5)

    found = broker.find(order, bench.hands.at)

    assert (found.state, filled(found), cost(found)) == ("filled", 10, 699_000)


@pytest.mark.parametrize("caught_up", [True, False])
def test_on_mock_a_sale_that_only_holdings_tell_waits_for_the_days_sums_to_say_its_price(caught_up):
    """G1: what is settled once keeps its price; where nothing ever says it, it is what the sale was decided at."""
    bench = Bench(MOCK)
    bench.kis.empty, bench.kis.sums, bench.kis.price = True, False, D(69_900)
    bench.kis.held["005930"] = D(25)
    broker, order = bench.broker(), bench.order(Side.SELL)
    broker.place(order, bench.hands.at)
    bench.hands.later(LISTED / 1000 + 5)
    for later in (0, LISTED / 1000 - 20):
        bench.hands.later(later)
        waiting = broker.find(order, bench.hands.at)
        assert (waiting.state, waiting.fills) == ("open", ())

    bench.kis.sums = caught_up
    bench.hands.later(20)
    found = broker.find(order, bench.hands.at)

    assert (found.state, filled(found), cost(found)) == ("filled", 10, 699_000 if caught_up else 700_000)


@pytest.mark.parametrize("lost", ["request", "reply"])
def test_on_mock_holdings_say_whether_an_unknown_order_arrived(lost):
    bench = Bench(MOCK)
    bench.kis.empty, bench.kis.lost = True, [lost]
    broker, order = bench.broker(), bench.order()
    with pytest.raises(UnknownOutcome):
        broker.place(order, bench.hands.at)
    with pytest.raises(UnknownOutcome):
        broker.find(order, bench.hands.at)
    bench.hands.later(LISTED / 1000 + 1)

    found = broker.find(order, bench.hands.at)

    if lost == "request":
        assert found is None
        return
    assert (found.state, filled(found), cost(found)) == ("filled", 10, 700_000)
    assert broker.find(order, bench.hands.at) == found
    assert broker.place(order, bench.hands.at) == found
    assert len(bench.kis.posts) == 1


def test_on_mock_an_order_that_may_be_waiting_is_not_absent():
    bench = Bench(MOCK)
    bench.kis.empty, bench.kis.lost, bench.kis.fills = True, ["reply"], D(0)
    broker, order = bench.broker(), bench.order()
    with pytest.raises(UnknownOutcome):
        broker.place(order, bench.hands.at)
    bench.hands.later(LISTED / 1000 + 600)
    with pytest.raises(UnknownOutcome, match="something moved"):
        broker.find(order, bench.hands.at)

    bench.hands.later(86_400)  # its day is over: nothing waits any more
    assert broker.find(order, bench.hands.at).state == "expired"


def test_on_mock_a_cancel_ends_an_order_that_no_list_has():
    bench = Bench(MOCK)
    bench.kis.empty, bench.kis.fills = True, D("0.3")
    broker, order = bench.broker(), bench.order()
    broker.place(order, bench.hands.at)
    bench.hands.later(2)
    order = replace(order, state=State.OPEN)
    first = broker.cancel(order, bench.hands.at)
    assert (first.state, filled(first)) == ("partial", 3)
    bench.hands.later(40)

    found = broker.find(replace(order, state=State.PARTIAL, fills=first.fills), bench.hands.at)
    assert (found.state, filled(found)) == ("cancelled", 3)


def test_on_mock_nothing_is_sent_where_holdings_do_not_answer():
    bench = Bench(MOCK)
    broker, order = bench.broker(), bench.order()
    bench.kis.silent = {"inquire-balance"}
    with pytest.raises(Transient):
        broker.place(order, bench.hands.at)
    assert bench.kis.posts == []
    assert broker.find(order, bench.hands.at) is None
