"""The product's own broker against the simulated KIS, both environments (E8, E9): what it counts is one order each."""

import pytest

from core.app.desk import Ending
from core.app.placing import told
from core.domain.errors import OrderExecutionError, UnknownOutcome
from core.domain.orders import State
from core.domain.phases import Phase
from core.domain.policies import Environment
from core.domain.values import Market, Side
from core.simulators.faults import Kind
from tests.simulators.kis.house import in_a_house

flavours = pytest.mark.parametrize("flavour", Environment)


@pytest.mark.parametrize(
    ("flavour", "empty", "exchange"),
    [
        (Environment.REAL, False, ""),
        (Environment.REAL, False, "SOR"),
        (Environment.REAL, False, "NXT"),
        (Environment.MOCK, False, ""),
        (Environment.MOCK, True, ""),
    ],
)
def test_a_buy_and_a_sale_are_two_orders_and_end_flat(flavour, empty, exchange):
    """With the daily list's rows and, on mock, without them."""

    def test(house):
        bought = house.finish(house.order())
        assert (bought.state, bought.filled, house.units) == (State.FILLED, 10, 10)
        assert bought.value == sum(order.value for order in house.sent(Side.BUY))
        sold = house.finish(house.order(Side.SELL, signal="out"))
        assert (sold.state, sold.filled, house.units) == (State.FILLED, 10, 0)
        assert house.broker().holdings(Market.KRX) == {}
        assert len(house.sim.books.orders) == 2
        assert house.sim.log.calls["/oauth2/tokenP"] == 1
        assert house.sim.log.refusals == {}
        assert {order.exchange for order in house.sim.books.orders.values()} == {exchange or "KRX"}

    in_a_house(test, flavour, exchange, ccld_empty=empty)


def test_an_order_at_the_other_exchange_is_found_after_a_lost_answer():
    """E8: the list of all exchanges is asked."""

    def test(house):
        broker, order = house.broker(), house.order(limit=house.price - 20 * 500)
        house.lose(Kind.LOST_REPLY)
        with pytest.raises(UnknownOutcome):
            broker.place(order, house.clock())
        house.clock.sleep(70)
        found = told(order, house.broker().find(order, house.clock()))
        assert found.venue_id.endswith(".NXT")
        assert found.state is State.CANCELLED  # an order that is not filled at once is taken back by the exchange
        assert len(house.sent(Side.BUY)) == 1

    in_a_house(test, Environment.REAL, "NXT")


@flavours
@pytest.mark.parametrize("code", ["", "EGW00302"])
@pytest.mark.parametrize("lost", [Kind.LOST_REPLY, Kind.LOST_REQUEST])
def test_a_lost_call_is_one_order_however_often_it_is_asked_for(flavour, lost, code):
    def test(house):
        broker, order = house.broker(), house.order()
        broker.holdings(Market.KRX)
        house.lose(lost, code)
        with pytest.raises(UnknownOutcome):
            broker.place(order, house.clock())
        arrived = lost is Kind.LOST_REPLY
        assert len(house.sent(Side.BUY)) == arrived
        if not arrived or flavour is Environment.MOCK:
            with pytest.raises(UnknownOutcome):
                house.broker().find(order, house.clock())
        house.clock.sleep(70)

        seeker = house.broker()
        found = seeker.find(order, house.clock())
        assert (found is not None) == arrived
        if not arrived:  # only who made sure of that sends it: whoever began earlier may not
            with pytest.raises(UnknownOutcome):
                house.broker().place(order, house.clock())
            assert house.finish(order, seeker).filled == 10
        assert len(house.sent(Side.BUY)) == 1
        assert house.units == 10

    in_a_house(test, flavour)


@flavours
def test_a_trade_from_signal_to_flat_through_lost_calls(flavour):
    def test(house):
        for act in (house.buy, house.sell):
            house.broker().holdings(Market.KRX)
            house.lose(Kind.LOST_REPLY)
            act()
            for _ in range(3):
                house.sweep()
        assert house.books.ledger.open_orders(Market.KRX) == []
        assert (len(house.sent(Side.BUY)), len(house.sent(Side.SELL)), house.units) == (1, 1, 0)
        assert len(house.books.ledger.trips(Market.KRX, "2026-09-23")) == 1

    in_a_house(test, flavour)


def test_a_ledger_that_refuses_calls_is_asked_again_and_nothing_is_sent_twice():
    def test(house):
        outcomes = [house.buy().outcome]
        outcomes.append(house.sell().outcome)
        for _ in range(2):
            house.sweep()
        assert set(outcomes) <= {Ending.BOUGHT, Ending.SOLD, Ending.UNKNOWN, Ending.REFUSED, Ending.FLAT}
        assert len(house.sent(Side.BUY)) <= 1
        assert "EGW00215" in house.sim.log.refusals

    in_a_house(test, Environment.REAL, ledger_share=0.3)


def test_a_mock_order_that_waits_is_cancelled():
    def test(house):
        broker, order = house.broker(), house.order(limit=house.price - 20 * 500)
        placed = told(order, broker.place(order, house.clock()))
        house.clock.sleep(3)
        cancelled = told(placed, broker.cancel(placed, house.clock()))
        assert (cancelled.state, cancelled.filled, house.units) == (State.CANCELLED, 0, 0)
        with pytest.raises(OrderExecutionError):
            broker.cancel(placed, house.clock())

    in_a_house(test, Environment.MOCK, ccld_empty=False, ccld_lag_s=0.0)


def test_an_order_that_the_account_cannot_pay_is_refused_in_the_venues_words():
    def test(house):
        broker, order = house.broker(), house.order(quantity=100_000)
        with pytest.raises(OrderExecutionError, match="APBK0919"):
            broker.place(order, house.clock())
        assert broker.find(order, house.clock()).state == "rejected"
        assert 0 < broker.affordable("005930", None) < 100_000

    in_a_house(test, Environment.REAL)


def test_in_an_interruption_kis_takes_a_sale_that_rests_and_no_buy_at_once():
    """E3: the order's kind is chosen by what goes on in its own symbol."""

    def test(house):
        house.finish(house.order())
        house.sim.market.lines["005930"].interrupted = True
        with pytest.raises(OrderExecutionError, match="APBK0918"):
            house.broker().place(house.order(limit=house.price, signal="b2"), house.clock())
        aware = house.broker(lambda instrument, at: Phase.INTERRUPTED)
        rests = aware.place(house.order(Side.SELL, limit=house.price - 10 * 500, signal="out"), house.clock())
        assert (rests.state, rests.fills) == (State.OPEN, ())
        assert house.sent(Side.SELL)[0].kind == "00"

    in_a_house(test, Environment.REAL)
