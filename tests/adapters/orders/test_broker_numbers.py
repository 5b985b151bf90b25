"""E8: the number that a venue gave an order, until the order's end writes it: who may have it meanwhile, and who not."""

from decimal import Decimal as D

import pytest
from msgspec.structs import replace

from core.app.evidence import LISTED
from core.domain.errors import Transient, UnknownOutcome
from core.domain.orders import State
from core.domain.phases import Phase
from core.domain.sendings import Fate, draft
from core.domain.values import Side
from tests.adapters.orders.scripted import MOCK, Bench
from tests.adapters.orders.test_broker_silence import Failing


def given_up(bench, broker, signal="older"):
    """An order that was lost on the way and was shown never to have arrived."""
    bench.kis.lost = ["request"]
    older = bench.order(signal=signal)
    with pytest.raises(UnknownOutcome):
        broker.place(older, bench.hands.at)
    bench.hands.later(LISTED / 1000 + 1)
    assert broker.find(older, bench.hands.at) is None
    return replace(older, state=State.UNKNOWN)


def test_an_order_that_was_given_up_never_takes_the_number_of_one_that_is_under_way():
    """Same symbol, side, units and price: only time tells them apart, and the newer one's end is to write its number."""
    bench = Bench()
    broker = bench.broker()
    older, newer = given_up(bench, bench.broker()), bench.order(signal="newer")
    broker.place(newer, bench.hands.at)
    for _ in range(5):
        bench.hands.later(11)
        assert bench.broker().find(older, bench.hands.at) is None
    assert bench.sendings.take(broker.taking(newer))
    bench.hands.later(LISTED / 1000)
    assert bench.broker().find(older, bench.hands.at) is None


def test_an_order_that_was_given_up_and_left_long_afterwards_is_found_once_nobody_can_be_under_way():
    bench = Bench()
    older = given_up(bench, bench.broker())
    bench.kis.hand_made()  # its request, which somebody had ready all the time
    bench.hands.later(5)
    assert bench.broker().find(older, bench.hands.at) is None
    bench.hands.later(LISTED / 1000)
    assert bench.broker().find(older, bench.hands.at).state == "filled"


def test_an_order_that_was_given_up_is_none_that_the_venue_had_before_it_left():
    """The owner's own of the same terms, an hour earlier."""
    bench = Bench()
    bench.kis.hand_made()
    bench.hands.later(3600)
    older = given_up(bench, bench.broker())
    bench.hands.later(LISTED / 1000)
    assert bench.broker().find(older, bench.hands.at) is None


def test_an_order_that_was_never_noted_is_none_of_the_owners_own():
    """A buy that its look ended is in the ledger, and never left: nothing of the venue's can be it (E8)."""
    bench = Bench()
    refused = bench.order(signal="price moved")
    assert bench.broker().find(refused, bench.hands.at) is None
    bench.hands.later(300)
    bench.kis.hand_made()
    bench.hands.later(LISTED / 1000 + 1)
    assert bench.broker().find(replace(refused, state=State.UNKNOWN), bench.hands.at) is None


def test_of_two_orders_that_match_one_number_one_has_it_and_the_others_end_is_refused():
    """An order of an unknown end that no lock is about, and one like it that is sent within the same half minute."""
    bench = Bench()
    broker, older, newer = bench.broker(), bench.order(signal="older"), bench.order(signal="newer")
    bench.kis.lost = ["request"]
    with pytest.raises(UnknownOutcome):
        bench.broker().place(older, bench.hands.at)
    bench.hands.later(10)
    broker.place(newer, bench.hands.at)
    bench.hands.later(1)
    assert bench.broker().find(replace(older, state=State.UNKNOWN), bench.hands.at).state == "filled"
    assert broker.find(newer, bench.hands.at).state == "filled"

    assert not bench.sendings.take(broker.taking(newer))

    assert [bench.sendings.read(each.id).fate for each in (older, newer)] == [Fate.TAKEN, Fate.SENT]
    with pytest.raises(UnknownOutcome):
        broker.find(newer, bench.hands.at)


def test_a_number_is_handed_over_once_and_the_log_tells_from_then_on():
    bench = Bench()
    broker, order = bench.broker(), bench.order()
    assert broker.taking(order) is None
    broker.place(order, bench.hands.at)
    other = bench.order(signal="other", quantity=3)
    broker.place(other, bench.hands.at)
    for each in (order, other):
        taking = broker.taking(each)
        assert (taking.sending.order, taking.sending.version, broker.taking(each)) == (each.id, 2, None)
        assert bench.sendings.read(each.id).fate is Fate.SENT
    bench.kis.hidden = {"0001569157"}
    with pytest.raises(UnknownOutcome):
        broker.find(order, bench.hands.at)


def test_where_lists_leave_orders_out_the_number_is_written_at_once():
    bench = Bench(MOCK)
    broker, order = bench.broker(), bench.order()
    broker.place(order, bench.hands.at)
    assert (bench.sendings.read(order.id).fate, broker.taking(order)) == (Fate.TAKEN, None)


@pytest.fixture
def resting():
    bench = Bench()
    bench.kis.fills, bench.phase = D("0.3"), Phase.CLOSING
    return bench


def test_whoever_takes_an_order_back_writes_its_number_first(resting):
    broker, order = resting.broker(), resting.order()
    broker.place(order, resting.hands.at)
    assert broker.cancel(order, resting.hands.at).state == "cancelled"
    noted = resting.sendings.read(order.id)
    assert (noted.fate, noted.version, noted.cancelled > 0) == (Fate.TAKEN, 3, True)
    assert broker.taking(order) is None


def test_an_order_whose_number_is_anothers_is_not_taken_back_by_it(resting):
    broker, order = resting.broker(), resting.order()
    broker.place(order, resting.hands.at)
    other = draft(resting.order(signal="other"), None, None)
    assert resting.sendings.claim(other, "20260922-0001569157")
    with pytest.raises(UnknownOutcome, match="not its own"):
        broker.cancel(order, resting.hands.at)
    assert len(resting.kis.posts) == 1
    assert not resting.sendings.take(broker.taking(order))


def test_an_order_that_has_another_number_in_the_log_by_now_is_not_taken_back_by_the_one_that_was_answered(resting):
    """Who looked for it by its terms took another row for it: what was seen of the first one is not booked."""
    broker, order = resting.broker(), resting.order()
    broker.place(order, resting.hands.at)
    resting.kis.hand_made()
    resting.kis.hidden = {"0001569157"}
    assert resting.broker().find(order, resting.hands.at).venue_id.startswith("20260922-0001569158")
    with pytest.raises(UnknownOutcome, match="not its own"):
        broker.cancel(order, resting.hands.at)
    assert not resting.sendings.take(broker.taking(order))


def test_an_order_that_was_given_up_meanwhile_is_taken_back_by_the_number_that_it_has(resting):
    broker, order = resting.broker(), resting.order()
    broker.place(order, resting.hands.at)
    assert resting.sendings.write(replace(draft(order, None, None), fate=Fate.UNSENT, version=2))
    assert broker.cancel(order, resting.hands.at).state == "cancelled"
    assert (resting.sendings.read(order.id).fate, resting.sendings.read(order.id).version) == (Fate.TAKEN, 4)


def test_a_number_that_nobody_lets_be_written_takes_nothing_back_and_is_written_with_the_orders_end(resting):
    order = resting.order()
    broker = resting.broker(sendings=Failing(resting.sendings, "claim"))
    broker.place(order, resting.hands.at)
    with pytest.raises(Transient):
        broker.cancel(order, resting.hands.at)
    assert len(resting.kis.posts) == 1
    assert resting.sendings.take(broker.taking(order))
    assert resting.broker().cancel(order, resting.hands.at).state == "cancelled"


def test_another_process_takes_back_an_order_whose_number_is_not_written_yet(resting):
    broker, order = resting.broker(), resting.order(Side.SELL)
    broker.place(order, resting.hands.at)
    resting.hands.later(1)
    resting.broker().cancel(order, resting.hands.at)
    assert resting.sendings.read(order.id).cancelled
    assert resting.sendings.take(broker.taking(order))
