"""E1: all that one signal costs in DynamoDB, counted where botocore sends, over a whole call of the worker function.

Every table and every request is counted, the paper venue's and the shared budget's among them: in a container that has
read its levels within seconds, at most 3 for a buy and 1 for whatever is refused. A sale asks for what is held before it
notes its order, so it is one more. The streamer, the sweep and the first call of a container are not in it.
"""

import json
from collections import Counter
from types import SimpleNamespace

import msgspec
import pytest
from botocore.httpsession import URLLib3Session
from msgspec.structs import replace

from core.adapters import recent
from core.adapters.dynamo.budget import DynamoSpare
from core.adapters.dynamo.sendings import DynamoSendings
from core.adapters.wiring import Wiring, wall_clock
from core.app.crew import candidates, enlist
from core.domain.leases import Ask
from core.domain.levels import SafeSet
from core.domain.orders import order_id
from core.domain.signals import Signal
from core.domain.values import Instrument, Market, Millis, Side
from functions import _runtime, worker
from tests.adapters.dynamo.couriers import awake
from tests.adapters.dynamo.test_lock_contract import intent
from tests.adapters.orders.floors import BinanceFloor, Served, UpbitFloor
from tests.cloud import CREDENTIALS, SETTINGS, create

pytestmark = pytest.mark.cloud

LEASE = Millis(20_000)
CALL = SimpleNamespace(
    function_name="worker", memory_limit_in_mb=512, invoked_function_arn="arn", aws_request_id="r",
    get_remaining_time_in_millis=lambda: 19_000,
)  # fmt: skip


@pytest.fixture
def tables(dynamo):
    return create(dynamo)


class Later:
    """A clock that each call finds a second later: a process has its part of what is kept free of a limit again."""

    def __init__(self, clock):
        self.clock, self.more = clock, 0

    def __call__(self):
        return Millis(self.clock() + self.more)


def wiring_of(tables, market, rest):
    env = {
        "HOGA_SETTINGS": str(SETTINGS), "HOGA_STATE_TABLE": tables.state, "HOGA_LOCKS_TABLE": tables.locks,
        "HOGA_LEDGER_TABLE": tables.ledger, "HOGA_PAPER_TABLE": tables.paper, "AWS_ENDPOINT_URL": tables.endpoint,
        "AWS_REGION": CREDENTIALS["region_name"], "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
        "HOGA_STAGE": "test", "HOGA_SIGNALS_QUEUE": "http://127.0.0.1:9/q",
    }  # fmt: skip
    made = Wiring(env).carrying_out()
    made.clock = Later(wall_clock)
    policy = made.settings.markets[market]
    risk = replace(policy.risk, max_positions=3)
    markets = {**made.settings.markets, market: replace(policy, rest=rest, risk=risk, enabled=True)}
    made.__dict__["settings"] = replace(made.settings, markets=markets)
    made.__dict__["alerts"] = Silent()
    made.__dict__["returns"] = Silent()
    return made


class Silent:
    """Nobody is told, and nothing comes back sooner."""

    def send(self, alerts):
        """Nobody is told."""

    def again(self, *message):
        """It comes when it comes."""


@pytest.fixture
def sent(monkeypatch, tables):
    """Requests by table, in the order in which they left."""
    asked = []
    send = URLLib3Session.send
    names = {tables.state: "state", tables.locks: "locks", tables.ledger: "ledger", tables.paper: "paper"}

    def counted(self, request):
        if "DynamoDB" in str(request.headers.get("X-Amz-Target", b"")):
            text = json.dumps(json.loads(request.body))
            found = "locks" if tables.locks in text else next(names[name] for name in names if name in text)
            asked.append("budget" if found == "state" and '"budget#' in text else found)
        return send(self, request)

    monkeypatch.setattr(URLLib3Session, "send", counted)
    return asked


class House:
    """A worker function of its own container, and what it was told of each signal."""

    def __init__(self, wiring, market, price, symbols, monkeypatch, sent):
        self.wiring, self.market, self.price, self.symbols, self.sent = wiring, market, price, symbols, sent
        self.verdicts, self.tick = [], lambda: None
        for module in (worker, _runtime):
            monkeypatch.setattr(module, "wired", lambda: wiring)
        handle = worker.handle
        monkeypatch.setattr(worker, "handle", lambda *given: self.verdicts.append(handle(*given)) or self.verdicts[-1])
        at = wiring.clock()
        wiring.shelf.write(SafeSet(market=market, at=at, safe=tuple(symbols), excluded=()))
        wiring.shelf.write(replace(awake(at), market=market))
        enlist(wiring.desk(market, "setup", LEASE), at)

    def signal(self, symbol, side, name):
        at, price = self.wiring.clock(), self.price(symbol)
        return Signal(
            id=f"{symbol}:{name}", instrument=Instrument(self.market, symbol), side=side,
            rule="fall" if side is Side.BUY else "stop_loss", price=price, value=-0.1, threshold=-0.08, at=at, seen=at,
            expires=Millis(at + 60_000),
        )  # fmt: skip

    def call(self, symbol, side, name):
        """One invocation with one message; (outcome, limit) and the tables that it asked, in their order."""
        body = msgspec.json.encode(self.signal(symbol, side, name)).decode()
        record = {
            "messageId": name, "receiptHandle": name, "body": body, "eventSource": "aws:sqs", "awsRegion": "r",
            "eventSourceARN": "arn", "md5OfBody": "", "messageAttributes": {},
            "attributes": {"MessageGroupId": symbol, "ApproximateReceiveCount": "1"},
        }  # fmt: skip
        self.wiring.clock.more += 2_501
        self.tick()
        self.sent.clear()
        worker.handler({"Records": [record]}, CALL)
        last = self.verdicts[-1]
        return (last.outcome.value, last.limit), list(self.sent)

    def risk(self, **changes):
        settings = self.wiring.settings
        policy = settings.markets[self.market]
        markets = {**settings.markets, self.market: replace(policy, risk=replace(policy.risk, **changes))}
        self.wiring.__dict__["settings"] = replace(settings, markets=markets)


@pytest.fixture
def house(tables, monkeypatch, sent):
    monkeypatch.setattr(recent, "KEPT_MS", 60_000)  # the levels of a warm container
    with Served(UpbitFloor) as floor:
        wiring = wiring_of(tables, Market.UPBIT, floor.policy.rest)
        lines = floor.sim.market.lines
        made = House(
            wiring, Market.UPBIT, lambda symbol: float(lines[symbol].ask),
            [name for name in lines if name.startswith("KRW-")], monkeypatch, sent,
        )  # fmt: skip
        made.call(made.symbols[0], Side.BUY, "warm")
        made.tick = lambda: floor.clock.sleep(1)  # the next call finds another book
        yield made


def test_a_paper_buy_costs_three_round_trips_a_sale_four_and_a_refused_lock_one(house):
    second = house.symbols[1]
    assert house.call(second, Side.BUY, "b") == (("bought", ""), ["locks", "paper", "locks"])
    assert house.call(second, Side.BUY, "b") == (("repeated", ""), ["locks"])
    assert house.call(second, Side.BUY, "other") == (("held", ""), ["locks"])
    assert house.call(second, Side.SELL, "s") == (("sold", ""), ["locks", "locks", "paper", "locks"])
    assert house.call(second, Side.SELL, "s") == (("repeated", ""), ["locks"])
    assert house.call(second, Side.SELL, "t") == (("flat", ""), ["locks"])


def test_a_paper_order_from_a_book_that_was_taken_from_costs_no_more_where_this_process_took_and_one_elsewhere(house):
    """What is gone from a book is known to whoever took it; whoever did not is told by the write that is refused."""
    second, house.tick = house.symbols[1], lambda: None
    for side, name in ((Side.BUY, "b1"), (Side.SELL, "s1"), (Side.BUY, "b2")):
        sale = side is Side.SELL
        assert house.call(second, side, name)[1] == ["locks", *(["locks"] if sale else []), "paper", "locks"]
        assert house.verdicts[-1].outcome.value == ("sold" if sale else "bought")
    house.wiring._brokers.clear()  # another process has its own memory
    assert house.call(second, Side.SELL, "s2") == (("sold", ""), ["locks", "locks", "paper", "paper", "locks"])


def test_whatever_refuses_a_buy_costs_one_round_trip_and_leaves_no_lock(house):
    second = house.symbols[1]
    on, ledger = Instrument(Market.UPBIT, second), house.wiring.ledger
    for scope in ("all", "upbit", str(on)):
        ledger.halt(scope, "news", house.wiring.clock())
        assert house.call(second, Side.BUY, f"halted {scope}") == (("refused", "halted"), ["locks"])
        ledger.resume(scope)
    for limit, changes in (
        ("open positions", {"max_positions": 1}),
        ("total exposure", {"total_exposure": house.wiring.policy(Market.UPBIT).workers.capital}),
    ):
        before = house.wiring.policy(Market.UPBIT).risk
        house.risk(**changes)
        assert house.call(second, Side.BUY, limit) == (("refused", limit), ["locks"])
        house.risk(**{name: getattr(before, name) for name in changes})
    assert house.wiring.leases.lock(on) is None


def test_with_every_worker_taken_a_buy_costs_one_round_trip(house):
    policy = house.wiring.policy(Market.UPBIT)
    markets = {**house.wiring.settings.markets, Market.UPBIT: replace(policy, workers=replace(policy.workers, count=1))}
    house.wiring.__dict__["settings"] = replace(house.wiring.settings, markets=markets)
    assert house.call(house.symbols[1], Side.BUY, "b") == (("refused", "every worker taken"), ["locks"])


def test_a_busy_lock_and_a_cooldown_cost_one_round_trip(house):
    first, second, *_ = house.symbols
    on, at = Instrument(Market.UPBIT, second), house.wiring.clock()
    wanted = intent("other", order=order_id(on, "other", Side.BUY, 0))
    ask = Ask(instrument=on, owner="a", nonce="n", intent=wanted, at=at, ends=Millis(at + 20_000))
    house.wiring.leases.grant(ask, at)
    assert house.call(second, Side.BUY, "b") == (("busy", ""), ["locks"])
    house.risk(symbol_cooldown_s=600.0)
    house.call(first, Side.SELL, "s")
    house.wiring.lock_client.update_item(
        TableName=house.wiring.named("HOGA_LOCKS_TABLE"), Key={"key": {"S": f"upbit:{first}"}},
        UpdateExpression="SET lost = :at", ExpressionAttributeValues={":at": {"N": str(house.wiring.clock())}},
    )  # fmt: skip
    assert house.call(first, Side.BUY, "c") == (("refused", "cooldown after a loss"), ["locks"])


def test_a_worker_that_another_process_took_costs_one_try_more(house):
    """What only that process knew; the next free one that this one knows of is tried without a look."""
    second = house.symbols[1]
    desk = house.wiring.desk(Market.UPBIT, "w", LEASE)
    [taken] = desk.engaged
    desk.engaged.clear()
    name = next(n for n in range(1000) if next(candidates(f"{second}:{n}", desk, desk.clock())).id == taken)
    assert house.call(second, Side.BUY, str(name)) == (("bought", ""), ["locks", "locks", "paper", "locks"])


def deprived(wiring, market):
    """What is kept free of the market's limits is another process's, and this one knows it."""
    state, client = wiring.named("HOGA_STATE_TABLE"), wiring.client("dynamodb")
    client.delete_item(TableName=state, Key={"pk": {"S": f"spare#{market.value}"}, "sk": {"S": "calls"}})
    assert DynamoSpare(state, client).claim(market, "other", wiring.clock()).mine
    wiring.spare(market)._claims[market] = DynamoSpare(state, client).claim(market, "this", wiring.clock())


@pytest.mark.parametrize("share", [True, False], ids=["has the share", "has it not"])
@pytest.mark.parametrize("of", [UpbitFloor, BinanceFloor])
def test_a_buy_at_a_simulated_venue_costs_three_and_a_refusal_one(of, share, tables, monkeypatch, sent):
    """The log of what is sent is noted right before the order leaves, with a last look at the halts. Whoever has no
    share of what is kept free takes the turns of all its calls with the symbol, the look at the order among them."""
    monkeypatch.setattr(recent, "KEPT_MS", 60_000)
    with Served(of) as floor:
        market, symbol = floor.instrument.market, floor.instrument.symbol
        wiring = wiring_of(tables, market, floor.policy.rest)
        wiring.clock, floor.clock.more = floor.clock, 0
        floor.budget, wiring._rules[market] = wiring.spare(market), floor.venue.rules
        wiring._brokers[market] = floor.broker(sendings=DynamoSendings(tables.ledger, wiring.lock_client))
        monkeypatch.setattr(Wiring, "broker", lambda self, market: self._brokers[market])
        made = House(wiring, market, lambda symbol: float(floor.price), [symbol], monkeypatch, sent)
        made.tick = lambda: floor.clock.sleep(2.5)
        made.call(symbol, Side.BUY, "warm")
        made.call(symbol, Side.SELL, "warm too")
        if not share:
            deprived(wiring, market)
        assert made.call(symbol, Side.BUY, "b") == (("bought", ""), ["locks", "ledger", "locks"])
        assert made.call(symbol, Side.BUY, "c") == (("held", ""), ["locks"])
        wiring.ledger.halt("all", "news", wiring.clock())
        made.call(symbol, Side.SELL, "s")
        rest = market is Market.BINANCE  # its commission leaves a part of a lot, which is written off
        counted = Counter(made.sent)
        assert share == (not counted.pop("budget", 0))  # a sale asks for its turns
        assert counted == Counter(locks=3 + rest, ledger=1)
        assert made.call(symbol, Side.BUY, "d") == (("refused", "halted"), ["locks"])
