"""The paper venue (E8, E9): one id one set of fills, holdings equal to the fills, refusals that say why."""

import random
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal as D
from decimal import localcontext

import boto3
import msgspec
import pytest
from moto import mock_aws

from core.adapters.dynamo.paper_store import DynamoPaperStore
from core.adapters.memory.paper import MemoryPaperStore
from core.adapters.paper import TRIES, PaperBroker
from core.domain.errors import OrderExecutionError, Refused, Transient, UnknownOutcome
from core.domain.events import Book, Level
from core.domain.fills import Holding
from core.domain.orders import Order, order_id
from core.domain.phases import Phase
from core.domain.values import Instrument, Market, Millis, Side
from core.venues.spec import Rules
from tests.cloud import shape

AT = Millis(1_000)


def at_all_times(figure):
    return lambda *_: figure


RULES = Rules(
    tick=at_all_times(D(1)),
    floor_price=lambda symbol, price, side, at: price,
    lot=at_all_times(D("0.00000001")),
    minimum=at_all_times(D(5000)),
    maximum=at_all_times(D(10**9)),
    fee=at_all_times(D("0.0005")),
    tax=at_all_times(D(0)),
    link=lambda symbol: "",
)


class ShownBooks:
    """Books that change with every look; none for symbols that are not listed."""

    def __init__(self, *symbols, size=5.0):
        self.symbols, self.size, self.looks = symbols, size, 0

    def books(self, symbols, depth):
        self.looks += 1
        levels = [Level(9999.0 - n, self.size, 10000.0 + n, self.size) for n in range(3)]
        return [
            Book(instrument=Instrument(Market.UPBIT, s), levels=levels, at=Millis(self.looks), seen=AT)
            for s in symbols
            if s in self.symbols
        ]


class BooksThatFail:
    def __init__(self, fault):
        self.fault = fault

    def books(self, symbols, depth):
        raise self.fault


def order(side=Side.BUY, quantity="1", *, signal="s", leg=0, symbol="KRW-BTC"):
    on = Instrument(Market.UPBIT, symbol)
    return Order(
        id=order_id(on, signal, side, leg),
        instrument=on,
        side=side,
        quantity=D(quantity),
        reference=D(10000),
        signal=signal,
        leg=leg,
        worker="w",
        reason="fall",
        at=AT,
    )


@pytest.fixture
def table(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("dynamodb", region_name="ap-northeast-2")
        client.create_table(TableName="paper", **shape("PaperTable"))
        yield client


@pytest.fixture(params=["memory", "dynamo"])
def store(request):
    if request.param == "memory":
        return MemoryPaperStore()
    return DynamoPaperStore("paper", request.getfixturevalue("table"))


def broker_of(store, books=None):
    return PaperBroker(books or ShownBooks("KRW-BTC", "KRW-ETH"), RULES, store, lambda: AT)


def test_an_order_is_filled_from_the_book_and_shows_in_the_holdings(store):
    broker = broker_of(store)
    outcome = broker.place(order(quantity="7"), AT)
    assert (outcome.state, [(f.price, f.quantity) for f in outcome.fills]) == (
        "filled",
        [(D(10000), D(5)), (D(10001), D(2))],
    )
    assert broker.holdings(Market.UPBIT) == {"KRW-BTC": D(7)}
    assert broker.find(order(quantity="7"), AT) == outcome == broker.cancel(order(quantity="7"), AT)


def test_what_the_book_cannot_give_is_cancelled(store):
    outcome = broker_of(store).place(order(quantity="20"), AT)
    assert (outcome.state, sum(f.quantity for f in outcome.fills)) == ("cancelled", D(15))
    assert outcome.note == "the book had 15 of 20"


def test_the_same_id_placed_twice_gives_one_set_of_fills_even_with_another_quantity(store):
    broker = broker_of(store)
    first = broker.place(order(quantity="2"), AT)
    assert broker.place(order(quantity="3"), Millis(9_999)) == first
    assert broker.holdings(Market.UPBIT) == {"KRW-BTC": D(2)}


def test_a_sale_to_zero_leaves_no_holding(store):
    broker = broker_of(store)
    broker.place(order(quantity="2"), AT)
    broker.place(order(Side.SELL, "2", signal="t"), AT)
    assert broker.holdings(Market.UPBIT) == {}


def test_an_id_that_was_never_placed_is_not_found_and_cannot_be_cancelled(store):
    broker = broker_of(store)
    assert broker.find(order(), AT) is None
    with pytest.raises(OrderExecutionError, match="never seen this order"):
        broker.cancel(order(), AT)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (order(quantity="0.1"), "1000.0 is under the least order of 5000"),
        (order(Side.SELL), "1 to sell, but only 0 held"),
        (order(symbol="KRW-NONE"), "does not know KRW-NONE"),
        (order(quantity="1.000000001"), "is not a whole number of lots of 0.00000001"),
    ],
)
def test_a_refused_order_says_why_and_leaves_no_trace(store, asked, said):
    broker = broker_of(store)
    with pytest.raises(OrderExecutionError, match=said):
        broker.place(asked, AT)
    assert broker.find(asked, AT) is None
    assert broker.holdings(Market.UPBIT) == {}


def test_a_symbol_that_the_venue_refuses_to_quote_is_unknown(store):
    with pytest.raises(OrderExecutionError, match="does not know KRW-BTC"):
        broker_of(store, BooksThatFail(Refused("404"))).place(order(), AT)


def test_without_a_book_nothing_was_sent(store):
    with pytest.raises(Transient):
        broker_of(store, BooksThatFail(Transient("venue is away"))).place(order(), AT)
    assert broker_of(store).find(order(), AT) is None


@pytest.mark.parametrize("seed", range(40))
def test_holdings_equal_the_sum_of_the_fills_over_any_history_with_repeats(store, seed):
    dice = random.Random(seed)
    broker, bought = broker_of(store), {}
    outcomes = {}
    for n in range(25):
        symbol = dice.choice(["KRW-BTC", "KRW-ETH"])
        side = dice.choice(list(Side))
        asked = order(side, str(D(dice.randint(1, 2000)) / 100), signal=str(dice.randint(0, 15)), symbol=symbol)
        try:
            outcomes[asked.id] = (asked, broker.place(asked, Millis(n)))
        except OrderExecutionError:
            continue
    with localcontext(prec=60):
        for asked, outcome in outcomes.values():
            sign = 1 if asked.side is Side.BUY else -1
            held = bought.get(asked.instrument.symbol, D(0))
            bought[asked.instrument.symbol] = held + sign * sum(f.quantity for f in outcome.fills)
    assert broker.holdings(Market.UPBIT) == {symbol: units for symbol, units in bought.items() if units}


def test_threads_that_place_one_id_at_once_all_get_the_one_answer():
    broker = broker_of(MemoryPaperStore())
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda _: broker.place(order(quantity="3"), AT), range(64)))
    assert len({outcome.fills for outcome in outcomes}) == 1
    assert broker.holdings(Market.UPBIT) == {"KRW-BTC": D(3)}


class LosingStore(MemoryPaperStore):
    """Loses every race; `carries` out the first write all the same, whose reply is lost and which is then met again."""

    def __init__(self, *, carries):
        super().__init__()
        self.carries, self.written = carries, 0

    def record(self, order, before, after):
        self.written += 1
        if self.carries:
            assert super().record(order, before, after) is None
            return super().record(order, before, after)
        return self.holding(order.instrument)


def test_a_reply_lost_on_the_way_is_found_and_not_repeated():
    store = LosingStore(carries=True)
    assert broker_of(store).place(order(quantity="2"), AT).state == "filled"
    assert store.written == 1


def test_a_symbol_that_never_stands_still_is_given_up_with_nothing_written():
    store = LosingStore(carries=False)
    with pytest.raises(Transient, match="busy with this symbol"):
        broker_of(store).place(order(), AT)
    assert store.written == TRIES


def test_a_table_that_does_not_answer_is_transient_before_the_write_and_unknown_after(table):
    store = DynamoPaperStore("no-such-table", table)
    for ask in (
        lambda: store.order("x"),
        lambda: store.holding(order().instrument),
        lambda: store.holdings(Market.UPBIT),
    ):
        with pytest.raises(Transient, match="does not answer"):
            ask()
    with pytest.raises(UnknownOutcome, match="did not say"):
        store.record(order(), Holding(), Holding())


def test_holdings_are_read_over_all_pages(table):
    store, pages = DynamoPaperStore("paper", table), []
    broker = broker_of(store, ShownBooks(*(f"KRW-{n}" for n in range(7))))
    for n in range(7):
        broker.place(order(symbol=f"KRW-{n}"), AT)
    plain = table.query

    def in_twos(**request):
        pages.append(request)
        return plain(**request, Limit=2)

    table.query = in_twos
    assert broker.holdings(Market.UPBIT) == {f"KRW-{n}": D(1) for n in range(7)}
    assert len(pages) >= 4


@pytest.mark.parametrize("phase", [Phase.INTERRUPTED, Phase.REGULAR])
def test_nothing_is_filled_of_a_symbol_that_stands_still(store, phase):
    """Its book is there to be seen, and nobody trades from it."""
    books = ShownBooks("KRW-BTC", "KRW-ETH")
    paper = PaperBroker(books, RULES, store, lambda: AT, lambda instrument, at: phase)
    if phase is Phase.REGULAR:
        assert paper.place(order(), AT).fills
        return
    with pytest.raises(OrderExecutionError, match="stands still"):
        paper.place(order(), AT)
    assert (books.looks, paper.find(order(), AT)) == (0, None)


@pytest.mark.parametrize(("close", "taken"), [(D(10_000), False), (D(20_000), True), (None, True)])
def test_a_limit_outside_of_the_days_prices_is_refused_where_the_close_before_is_known(store, close, taken):
    """E9: an exchange with price limits does not take it, so paper does not either."""
    bounded = msgspec.structs.replace(RULES, bounds=lambda symbol, close, at: (close * D("0.7"), close * D("1.3")))
    paper = PaperBroker(ShownBooks("KRW-BTC"), bounded, store, lambda: AT, close=lambda symbol, at: close)
    high = msgspec.structs.replace(order(), limit=D(14_000))
    if taken:
        assert paper.place(high, AT).state == "filled"
        return
    with pytest.raises(OrderExecutionError, match="day's prices of 7000"):
        paper.place(high, AT)
