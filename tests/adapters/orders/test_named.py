"""Brokers of venues that know our client ids (E8, E9): an id is sent once, whatever the venue would take twice."""

from decimal import Decimal as D
from types import SimpleNamespace

import pytest
from msgspec.structs import replace

from core.adapters.account_key import AccountKey
from core.adapters.named_enquiry import USED
from core.app.evidence import ARRIVES
from core.app.placing import told
from core.domain.errors import Misconfigured, OrderExecutionError, RateLimited, Transient, UnknownOutcome
from core.domain.orders import State
from core.domain.policies import KeyPolicy
from core.domain.sendings import Fate
from core.domain.values import Side
from core.simulators.faults import Kind
from core.venues.flow import Request
from core.venues.kis.orders import ORDERS as KIS
from tests.adapters.orders.floors import BinanceFloor, Ed25519Floor, PracticeFloor, Served, UpbitFloor


@pytest.fixture(params=[UpbitFloor, BinanceFloor, PracticeFloor])
def floor(request):
    with Served(request.param) as made:
        yield made


@pytest.fixture
def upbit():
    with Served(UpbitFloor) as made:
        yield made


@pytest.fixture
def binance():
    with Served(BinanceFloor) as made:
        yield made


def lose(floor, order, kind=Kind.LOST_REPLY):
    floor.cause(kind)
    with pytest.raises(UnknownOutcome):
        floor.broker().place(order, floor.clock())


# ---- an id that the venue has had ----------------------------------------------------------------------------------


def test_an_id_that_was_sent_by_a_process_whose_log_is_gone_is_found_and_not_bought_twice(upbit):
    """Upbit refuses an identifier for ever: what is under it is the answer."""
    order = upbit.order(limit=upbit.worst(Side.BUY))
    first = upbit.finish(order)
    forgotten = upbit.broker(sendings=type(upbit.sendings)())
    again = upbit.finish(order, forgotten)
    assert (again.venue_id, again.fills) == (first.venue_id, first.fills)
    assert len(upbit.sent()) == 1
    assert upbit.sim.log.refusals["duplicated_identifier"] == 1


def test_an_open_order_with_our_id_is_found_at_binance_too(binance):
    order = binance.order(limit=binance.worst(Side.BUY))
    binance.rest(order)
    found = binance.broker().place(order, binance.clock())
    assert (found.state, found.venue_id) == ("open", "XRPUSDT-1")
    assert len(binance.sent()) == 1


def test_an_identifier_that_is_used_up_without_an_order_is_refused_for_good_once_it_can_have_none(upbit):
    """It is used up even by an order that failed: then nothing can ever be found under it, and nobody waits for ever."""
    upbit.sim.private.used.add(upbit.order().id)
    order, broker = upbit.order(limit=upbit.worst(Side.BUY)), upbit.broker()
    with pytest.raises(UnknownOutcome):
        broker.place(order, upbit.clock())
    assert upbit.sendings.read(order.id).note == USED
    with pytest.raises(UnknownOutcome):
        upbit.broker().find(order, upbit.clock())

    upbit.clock.sleep(ARRIVES / 1000 + 1)
    assert upbit.broker().find(order, upbit.clock()).state == "rejected"
    assert upbit.sendings.read(order.id).fate is Fate.REFUSED
    with pytest.raises(OrderExecutionError, match="used before"):
        upbit.broker().place(order, upbit.clock())
    assert upbit.sent() == []


def test_binance_would_take_a_filled_orders_id_again_and_our_log_never_sends_it(binance):
    """The window: the same id, filled a moment ago, whose answer was lost. The venue itself would buy again."""
    order = binance.order(limit=binance.worst(Side.BUY))
    lose(binance, order)
    for _ in range(4):
        for _ in range(2):
            assert binance.broker().place(order, binance.clock()).state == "filled"
        binance.clock.sleep(40)
    assert len(binance.sent()) == 1
    twice = {"symbol": "XRPUSDT", "side": "BUY", "type": "MARKET", "quantity": "25", "newClientOrderId": order.id}
    binance.sim.wing.account.place(twice, binance.clock())
    assert len(binance.sent()) == 2  # so it was our log, and nothing else, that kept it at one


def test_an_order_that_binance_does_not_show_for_some_seconds_is_not_sent_again(binance):
    """Reads lag behind the engine: "does not exist" right after a time-out proves nothing."""
    binance.sim.wing.account.lag_ms = 20_000
    order = binance.order(limit=binance.worst(Side.BUY))
    lose(binance, order)
    for _ in range(3):
        with pytest.raises(UnknownOutcome):
            binance.broker().place(order, binance.clock())
        binance.clock.sleep(6)
    binance.clock.sleep(6)
    assert binance.finish(order).state is State.FILLED
    assert len(binance.sent()) == 1


def test_a_request_that_is_late_is_refused_by_its_own_window_and_cannot_turn_up_later(binance):
    """recvWindow: 5 s; ARRIVES is six times as long."""
    binance.sim.clock.at += 6_000  # the venue's clock goes on while our request is on its way
    sign = AccountKey(
        binance.venue.orders, binance.policy.account.key, binance.secrets, lambda: binance.clock() - 6_000, lambda: "n"
    )
    with pytest.raises(RateLimited, match="clock"):
        binance.broker(sign=sign).place(binance.order(limit=binance.worst(Side.BUY)), binance.clock())
    assert binance.sent() == []
    assert binance.sendings.read(binance.order().id).fate is Fate.UNSENT


def test_a_testnet_that_begins_anew_gives_numbers_again_and_its_orders_are_still_ours(binance):
    """Reset each month: order 1 of this month is not order 1 of the last, and neither is the real exchange's."""
    first = binance.finish(binance.order(limit=binance.worst(Side.BUY)))
    with Served(PracticeFloor) as anew:
        anew.sendings = binance.sendings
        second = anew.finish(anew.order(limit=anew.worst(Side.BUY), signal="later"))
    assert first.venue_id == second.venue_id
    assert (second.state, first.id != second.id) == (State.FILLED, True)


# ---- what else can be between two of our processes -------------------------------------------------------------------


class Between:
    """Something happens right before a process notes what it sends."""

    def __init__(self, sendings, happens):
        self.__dict__.update(read=sendings.read, claim=sendings.claim)
        self.sendings, self.happens = sendings, [happens]

    def write(self, sending):
        while self.happens:
            self.happens.pop()()
        return self.sendings.write(sending)


def test_two_that_place_the_same_order_at_once_send_it_once(floor):
    order, other = floor.order(limit=floor.worst(Side.BUY)), floor.broker()
    meanwhile = Between(floor.sendings, lambda: other.place(order, floor.clock()))

    outcome = floor.broker(sendings=meanwhile).place(order, floor.clock())

    assert outcome.venue_id == other.find(order, floor.clock()).venue_id
    assert len(floor.sent()) == 1


def test_an_order_that_was_settled_while_its_owner_stood_still_is_not_sent_any_more(floor):
    order, other = floor.order(limit=floor.worst(Side.BUY)), floor.broker()
    meanwhile = Between(floor.sendings, lambda: other.find(order, floor.clock()))

    with pytest.raises(UnknownOutcome, match="someone else"):
        floor.broker(sendings=meanwhile).place(order, floor.clock())
    assert floor.sent() == []
    assert other.place(order, floor.clock()).venue_id  # who made sure that it was not sent may send it


def test_what_a_process_sent_it_knows_without_its_log(floor):
    order = floor.order(limit=floor.worst(Side.BUY))
    asked = []
    log = SimpleNamespace(
        read=lambda order: asked.append("read"), claim=None, write=lambda sending: asked.append("write") or True
    )
    broker = floor.broker(sendings=log)
    broker.place(order, floor.clock())
    broker.find(order, floor.clock())
    assert asked == ["write"]


def test_two_that_settle_the_same_order_at_once_decide_it_once(floor):
    order = floor.order(limit=floor.worst(Side.BUY))
    lose(floor, order, Kind.LOST_REQUEST)
    floor.clock.sleep(60)
    behind = SimpleNamespace(
        read=floor.sendings.read, claim=lambda sending, identity: False, write=lambda sending: False
    )
    with pytest.raises(UnknownOutcome, match="someone else"):
        floor.broker(sendings=behind).find(order, floor.clock())


def test_a_number_that_belongs_to_another_order_of_ours_is_never_claimed(floor):
    order = floor.order(limit=floor.worst(Side.BUY))
    lose(floor, order)
    behind = SimpleNamespace(
        read=floor.sendings.read, claim=lambda sending, identity: False, write=floor.sendings.write
    )
    with pytest.raises(UnknownOutcome, match="another of ours"):
        floor.broker(sendings=behind).find(order, floor.clock())


def test_an_order_that_was_taken_and_is_not_shown_stays_unknown(floor):
    order = floor.order(limit=floor.worst(Side.BUY))
    placed = told(order, floor.broker().place(order, floor.clock()))
    floor.books.orders.clear()
    with pytest.raises(UnknownOutcome, match="does not show it"):
        floor.broker().find(placed, floor.clock())


def test_a_cancel_takes_back_what_is_left_and_fills_that_come_before_it_count(floor):
    """A cancel that was taken is not one that was carried out: what came in between is ours."""
    floor.books.cancel_ms = 2000
    order = floor.order()
    resting = floor.rest(order)
    waits = told(order, floor.broker().place(order, floor.clock()))
    asked = told(waits, floor.broker().cancel(waits, floor.clock()))
    assert (asked.state, asked.fills) == (State.OPEN, ())

    floor.books._fill(resting, D(10), resting.limit, floor.clock(), maker=True)
    assert told(asked, floor.broker().find(asked, floor.clock())).state is State.PARTIAL
    floor.clock.sleep(3)
    ended = floor.watch(asked)
    assert (ended.state, ended.filled) == (State.CANCELLED, floor.units)
    assert 0 < ended.filled <= 10
    with pytest.raises(OrderExecutionError):
        floor.broker().cancel(ended, floor.clock())


# ---- who signs -------------------------------------------------------------------------------------------------------


def test_each_request_is_signed_anew_with_a_nonce_and_a_moment_of_its_own(floor):
    made = []
    spec = replace(floor.venue.orders, sign=lambda request, proof: made.append(proof) or request)
    nonces = iter("ab")
    key = AccountKey(spec, floor.policy.account.key, floor.secrets, floor.clock, lambda: next(nonces))
    key(Request("GET", "/"))
    key.renew()
    floor.clock.sleep(1)
    key(Request("GET", "/"))
    assert [proof.nonce for proof in made] == ["a", "b"]
    assert made[1].at - made[0].at == 1000


def test_an_ed25519_key_signs_on_the_wire_too():
    """Its signature is base64, and so percent-encoded in the address."""
    with Served(Ed25519Floor) as floor:
        assert floor.finish(floor.order(limit=floor.worst(Side.BUY))).state is State.FILLED


def test_a_market_whose_app_keys_sign_has_no_such_key():
    with pytest.raises(Misconfigured, match="app keys"):
        AccountKey(KIS, KeyPolicy(), None, None, None)


def test_a_wait_for_the_shared_budget_does_not_let_a_signature_grow_old(binance):
    """A signature holds for 5 s: after a wait the request is signed again."""
    broker, order = binance.broker(), binance.order(limit=binance.worst(Side.BUY))
    waits = iter([9_000, 0])
    broker._line._pace = lambda group, weight, at: next(waits, 0)
    assert broker.place(order, binance.clock()).venue_id


def test_a_venue_that_blocks_us_is_left_alone_and_nothing_was_sent(floor):
    order = floor.order(limit=floor.worst(Side.BUY))
    floor.cause(Kind.HTTP, status=418, retry_after=9)
    with pytest.raises(Transient) as caught:
        floor.broker().place(order, floor.clock())
    assert caught.value.after_ms == 9000
    assert floor.sim.log.faults[Kind.HTTP] == 1
    assert floor.sendings.read(order.id).fate is Fate.UNSENT
