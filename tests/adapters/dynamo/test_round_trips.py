"""E1: what a buy, a sale and a refusal cost, counted where botocore sends: every request of a worker's whole call.

Counted is everything after the signal arrived, by table; each test's name says which of them it is about. The paper
table is the paper venue's own memory, as a real venue's would be, and a budget's row is part of each call to a venue's
REST side: both are counted apart. An order at a real venue costs three more, the broker's own log of what it sent: read,
noted before the request, claimed after it (tests/crash/test_matrix.py prints them in their place).
"""

import json
from collections import Counter

import pytest
from botocore.httpsession import URLLib3Session
from msgspec.structs import replace

from core.adapters.wiring import Wiring
from core.app.crew import candidates, enlist
from core.app.desk import Ending
from core.app.trade import handle
from core.domain.levels import SafeSet
from core.domain.signals import Signal
from core.domain.values import Instrument, Market, Millis, Side
from tests.adapters.dynamo.couriers import awake
from tests.adapters.orders.floors import Served, UpbitFloor
from tests.cloud import CREDENTIALS, SETTINGS, create

pytestmark = pytest.mark.cloud

LEASE = Millis(20_000)


@pytest.fixture
def tables(dynamo):
    return create(dynamo)


@pytest.fixture
def wiring(tables):
    env = {
        "HOGA_SETTINGS": str(SETTINGS), "HOGA_STATE_TABLE": tables.state, "HOGA_LOCKS_TABLE": tables.locks,
        "HOGA_LEDGER_TABLE": tables.ledger, "HOGA_PAPER_TABLE": tables.paper, "AWS_ENDPOINT_URL": tables.endpoint,
        "AWS_REGION": CREDENTIALS["region_name"], "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
    }  # fmt: skip
    with Served(UpbitFloor) as floor:
        made = Wiring(env)
        policy = replace(made.settings.markets[Market.UPBIT], rest=floor.policy.rest)
        markets = {**made.settings.markets, Market.UPBIT: policy}
        made.__dict__["settings"] = replace(made.settings, markets=markets)
        made.__dict__["alerts"] = Silent()
        at = made.clock()
        symbols = tuple(floor.books.pairs) if hasattr(floor.books, "pairs") else tuple(floor.sim.market.lines)
        made.shelf.write(SafeSet(market=Market.UPBIT, at=at, safe=symbols, excluded=()))
        made.shelf.write(awake(at))
        enlist(made.desk(Market.UPBIT, "setup", LEASE), at)
        made.symbols = [name for name in symbols if name.startswith("KRW-")]
        made.price = lambda symbol: float(floor.sim.market.lines[symbol].ask)
        yield made


class Silent:
    def send(self, alerts):
        """Nobody is told."""


@pytest.fixture
def sent(monkeypatch, tables):
    """Requests by table, in the order in which they left; the rate budget's are named apart."""
    asked = []
    send = URLLib3Session.send
    names = {tables.state: "state", tables.locks: "locks", tables.ledger: "ledger", tables.paper: "paper"}

    def counted(self, request):
        target = str(request.headers.get("X-Amz-Target", b""), "ascii") if "X-Amz-Target" in request.headers else ""
        if "DynamoDB" in target:
            body = json.loads(request.body)
            text = json.dumps(body)
            found = "locks" if tables.locks in text else next(names[name] for name in names if name in text)
            asked.append("budget" if '"budget#' in text else found)
        return send(self, request)

    monkeypatch.setattr(URLLib3Session, "send", counted)
    return asked


def signal(wiring, symbol, side, name):
    at = wiring.clock()
    price = wiring.price(symbol)
    return Signal(
        id=f"{symbol}:{name}", instrument=Instrument(Market.UPBIT, symbol), side=side,
        rule="fall" if side is Side.BUY else "stop_loss", price=price, value=-0.1, threshold=-0.08, at=at, seen=at,
        expires=Millis(at + 60_000),
    )  # fmt: skip


def act(wiring, given, owner):
    return handle(given, wiring.desk(Market.UPBIT, owner, LEASE))


def ours(sent):
    return [name for name in sent if name not in ("paper", "budget")]


def test_a_buy_costs_three_of_locks_and_ledger_and_a_refusal_one_beside_the_paper_venue_and_the_budget(wiring, sent):
    """In a process that has read its levels within seconds; the first buy of a process reads them once more."""
    first, second, *_ = wiring.symbols
    act(wiring, signal(wiring, first, Side.BUY, "warm"), "w/1")
    cold = Counter(sent)
    sent.clear()
    assert act(wiring, signal(wiring, second, Side.BUY, "b"), "w/2").outcome is Ending.BOUGHT
    print(f"\nfirst buy {dict(cold)}, then {Counter(sent)}")
    assert ours(sent) == ["locks", "locks", "locks"]
    assert (sent.count("paper"), sent.count("budget") >= 3) == (3, True)  # last price, state and book: a row each

    sent.clear()
    assert act(wiring, signal(wiring, second, Side.BUY, "b"), "w/3").outcome is Ending.REPEATED
    assert ours(sent) == ["locks"]
    sent.clear()
    assert act(wiring, signal(wiring, second, Side.BUY, "other"), "w/4").outcome is Ending.HELD
    assert ours(sent) == ["locks"]
    sent.clear()
    assert act(wiring, signal(wiring, second, Side.SELL, "s"), "w/5").outcome is Ending.SOLD
    assert ours(sent) == ["locks", "locks", "locks"]


def test_a_process_that_took_a_worker_does_not_try_it_again(wiring, sent):
    """A buy whose first choice is taken costs a query and a transaction more: only what others took can cost that."""
    for number, symbol in enumerate(wiring.symbols[:2]):
        act(wiring, signal(wiring, symbol, Side.BUY, f"n{number}"), f"w/{number}")
    desk = wiring.desk(Market.UPBIT, "next", LEASE)
    taken = set(desk.engaged)
    assert len(taken) == 2
    assert all(next(candidates(f"s{n}", desk, desk.clock())).id not in taken for n in range(50))


def test_a_buy_that_a_limit_refuses_costs_three_for_the_lock_is_asked_first_and_given_back(wiring, sent):
    """The limits are checked by the write that takes them, under the lock; what was refused leaves nothing behind."""
    first, second, *_ = wiring.symbols
    act(wiring, signal(wiring, first, Side.BUY, "warm"), "w/1")
    desk = wiring.desk(Market.UPBIT, "w/2", LEASE)
    full = replace(desk, policy=replace(desk.policy, risk=replace(desk.policy.risk, max_positions=1)))
    sent.clear()
    refused = handle(signal(wiring, second, Side.BUY, "b"), full)
    assert (refused.outcome, refused.limit) == (Ending.REFUSED, "open positions")
    assert (ours(sent), sent.count("paper")) == (["locks"] * 3, 0)


def test_a_buy_whose_first_worker_another_process_took_costs_a_look_and_one_try_more(wiring, sent):
    first, second, *_ = wiring.symbols
    act(wiring, signal(wiring, first, Side.BUY, "warm"), "w/1")
    desk = wiring.desk(Market.UPBIT, "w/2", LEASE)
    [taken] = desk.engaged
    desk.engaged.clear()  # it was another process's
    name = next(n for n in range(1000) if next(candidates(f"{second}:{n}", desk, desk.clock())).id == taken)
    sent.clear()
    assert handle(signal(wiring, second, Side.BUY, name), desk).outcome is Ending.BOUGHT
    assert ours(sent) == ["locks", "locks", "ledger", "locks", "locks"]
