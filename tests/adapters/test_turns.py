"""Who pays for a buy's calls (B2, E1): read from the flows of each venue, held against what is kept free."""

from decimal import Decimal as D

import pytest

from core.adapters.http import HttpQuotes
from core.adapters.memory.budget import MemoryBudget, MemorySpare
from core.adapters.order_line import Shared
from core.adapters.spare import SpareBudget
from core.adapters.turns import BuyTurns, PaperFares, Tolled
from core.domain.orders import Order
from core.domain.policies import RestPolicy
from core.domain.turns import Fare
from core.domain.values import Instrument, Market, Millis, Side
from core.feed.pace import LINGER_MS, step_ms
from core.venues.spec import venue
from tests.adapters.orders.floors import BinanceFloor, Served, UpbitFloor
from tests.adapters.orders.floors_kis import KisFloor, KisMockFloor

AT = Millis(1_790_134_742_000)
QUOTE = {Market.UPBIT: "KRW", Market.KRX: "KRW", Market.BINANCE: "USDT"}
LOOKS = {
    Market.UPBIT: [Fare("ticker", 8.0)],
    Market.KRX: [Fare("rest", 14.4), Fare("rest", 14.4)],
    Market.BINANCE: [Fare("weight", 40.0)],
}
ORDERS = {
    UpbitFloor: ([Fare("default", 24.0)], [Fare("order", 6.4), Fare("default", 24.0)]),
    BinanceFloor: ([Fare("weight", 4.0)], [Fare("orders", 4.0), Fare("weight", 20.0)]),
    KisFloor: ([Fare("rest", 14.4)], [Fare("rest", 14.4), Fare("rest", 14.4)]),
    KisMockFloor: ([Fare("rest.mock", 0.8)], [Fare("rest.mock", 0.8)]),
}
SYMBOL = {Market.UPBIT: "KRW-XRP", Market.KRX: "005930", Market.BINANCE: "XRPUSDT"}


def order(market):
    return Order(
        id="o", instrument=Instrument(market, SYMBOL[market]), side=Side.BUY, quantity=D(1), reference=D(1), signal="s",
        leg=0, worker="w", reason="fall", at=AT,
    )  # fmt: skip


def quotes(market):
    policy = RestPolicy(url="http://127.0.0.1:9")
    return HttpQuotes(venue(market).rest, policy, MemoryBudget(), lambda: AT, lambda seconds: None, lambda: 0.5)


@pytest.mark.parametrize("market", Market)
def test_a_look_at_a_symbol_is_its_price_and_where_the_venue_tells_it_whether_it_trades(market):
    asked = quotes(market)
    assert asked.looks(SYMBOL[market], QUOTE[market]) == LOOKS[market]
    [book] = asked.book(SYMBOL[market], 30)
    assert book.group in {"orderbook", "rest", "weight"}
    assert asked.calls == 0


@pytest.mark.parametrize("floor", ORDERS, ids=lambda floor: floor.__name__)
def test_an_account_is_asked_for_its_cash_then_sent_the_order_and_asked_for_it(floor):
    with Served(floor) as made:
        broker, wanted = made.broker(), made.order(limit=made.price)
        assert isinstance(broker, Tolled)
        assert (broker.fares.looks(wanted), broker.fares.sends(wanted)) == ORDERS[floor]
        assert made.sent() == []


def test_calls_that_nobody_counts_cost_nothing():
    pace = Shared(MemoryBudget(), Market.UPBIT, {"order": 8.0}, 0.8, "")
    assert (pace.fare("order", 2).limit, pace.fare("else", 1).limit, pace("else", 1, AT)) == (3.2, 0.0, 0)


class Called:
    """A venue whose calls are all of one group, three to look and two to send."""

    def __init__(self, owner, headroom, spare=None):
        self.budget = SpareBudget(MemoryBudget(), spare or MemorySpare(), owner, headroom)
        each = Fare("rest", 18.0 * headroom)
        self.each, self.turns = each, BuyTurns(Market.KRX, self.budget, lambda symbol: [each] * 2, self)
        self.order = order(Market.KRX)

    def looks(self, order):
        return [self.each]

    def sends(self, order):
        return [self.each] * 2

    def stretched(self, at=AT, *, looked):
        """ms that are wanted by group."""
        return {each.group: each.until - each.since for each in self.turns.wanted(self.order, at, looked=looked)}

    def spend(self, calls, at=AT):
        for _ in range(calls):
            assert not self.budget.take(Market.KRX, "rest", self.each.limit, at)


def span(calls, limit):
    return calls * step_ms(limit) + LINGER_MS


def test_whoever_has_room_for_all_of_a_buys_calls_looks_first_and_wants_no_turn():
    rich = Called("a", 0.6)
    assert rich.turns.unasked(rich.order, AT)
    rich.spend(3)
    assert rich.stretched(looked=True) == {}


def test_whoever_has_room_for_the_looks_only_wants_turns_for_the_order():
    some = Called("a", 0.75)
    assert some.turns.unasked(some.order, AT)
    some.spend(3)
    assert some.stretched(looked=True) == {"rest": span(2, 13.5)}


def test_whoever_has_not_room_for_the_looks_or_has_not_the_share_wants_turns_for_all():
    little, spare = Called("a", 0.8), MemorySpare()
    assert not little.turns.unasked(little.order, AT)
    assert little.stretched(looked=False) == {"rest": span(5, 14.4)}
    spare.claim(Market.KRX, "other", AT)
    poor = Called("b", 0.6, spare)
    assert not poor.turns.unasked(poor.order, AT)
    assert poor.stretched(looked=False) == {"rest": span(5, 10.8)}


def test_calls_go_in_the_turns_that_were_got():
    spare = MemorySpare()
    spare.claim(Market.KRX, "other", AT)
    poor = Called("b", 0.6, spare)
    poor.turns.took(poor.turns.wanted(poor.order, AT, looked=False))
    poor.spend(1)
    assert poor.budget.take(Market.KRX, "rest", poor.each.limit, AT) == step_ms(10.8)
    poor.spend(1, Millis(AT + step_ms(10.8)))


def test_paper_has_no_cash_and_fills_from_a_book():
    paper = PaperFares(lambda symbol: [Fare(symbol, 8.0)])
    assert (paper.looks(order(Market.UPBIT)), paper.sends(order(Market.UPBIT))) == ((), [Fare("KRW-XRP", 8.0)])
