"""`hoga why` says what a buy attempt does: whatever the state, the gate that refuses is one that is shut, and none is
shut where a worker buys."""

from decimal import Decimal as D

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from core.adapters.memory.books import MemoryBooks
from core.adapters.memory.state import Item
from core.app.crew import RETIRED
from core.app.desk import Ending
from core.app.gates.facts import Mark, facts
from core.app.trade import handle
from core.app.why import why
from core.domain.leases import Lock
from core.domain.levels import Buyable, Exclusion, Marked, SafeSet, Scan, ScanHealth
from core.domain.policies import DayPolicy, RiskPolicy, WorkerPolicy
from core.domain.sight import Watched
from core.domain.values import MINUTE, Market, Millis
from core.domain.workers import Status, Worker
from core.venues.spec import venue
from tests.app.gated import AT, BTC, POLICY, World, health, intent, position, sight, signal, snapshot
from tests.fakes import CountingBroker, desk_of

UPBIT = Market.UPBIT
GATE = {
    "halted": "halt", "session": "session", "day end": "day end", "safe mode": "safe mode", "top n": "top N",
    "price moved": "price moved", "standstill": "trading", "minimum order": "size", "open loss": "open loss",
    "daily loss": "daily loss", "losing streak": "losing streak", "total exposure": "exposure",
    "open positions": "positions", "currency exposure": "exposure in KRW", "cooldown after a loss": "after a loss",
    "every worker taken": "worker", "worker taken": "worker", "worker missing": "worker", "expired": "signal",
}  # fmt: skip
"""What a refusal is called where it is made, and the gate that shows it."""


class State(World):
    """One state of levels and books, read by `hoga why` and by a worker alike. `attempt` changes it: ask why first."""

    def __init__(self, policy=POLICY):
        super().__init__(policy=policy)
        self.books = MemoryBooks()
        self.inner = self.books.ledger._books
        self.signal = signal(BTC)
        for name in range(1, policy.workers.count + 1):
            self.worker(f"w-{name:02d}", Status.SCAN)

    def worker(self, name, status, symbol="", note=""):
        made = Worker(id=name, market=UPBIT, status=status, capital=D(10**6), symbol=symbol, note=note)
        self.inner.workers[UPBIT, name] = made

    def chain(self):
        stores = {"shelf": self.shelf, "leases": self.books.leases, "ledger": self.books.ledger}
        return why(facts(BTC, self.policy, **stores, at=self.at))

    def lock(self, **parts):
        self.inner.items[BTC] = Item(Lock(instrument=BTC, fence=7, **parts), "n")

    def attempt(self):
        price = self.price
        desk = desk_of(
            self.books, CountingBroker(price=D(str(price))), policy=self.policy, shelf=self.shelf, clock=lambda: self.at,
            rules=venue(UPBIT, self.policy).rules, last_price=lambda symbol: price,
        )  # fmt: skip
        return handle(self.signal, desk)

    @property
    def price(self):
        return facts(
            BTC, self.policy, shelf=self.shelf, leases=self.books.leases, ledger=self.books.ledger, at=self.at
        ).price


def trouble(state):
    """What `why` and the attempt tell differently, "" where they agree."""
    chain = state.chain()
    shut = [gate.name for gate in chain.gates if gate.mark is Mark.STOP]
    waits = [gate.name for gate in chain.gates if gate.mark is Mark.WAIT]
    done = state.attempt()
    match done.outcome:
        case Ending.BOUGHT:
            return f"bought, and shut are {shut}, waiting {waits}" if shut or "signal" in waits else ""
        case Ending.BUSY:
            gate = "lock"
        case Ending.HELD:
            gate = "position"
        case Ending.REPEATED | Ending.EXPIRED:
            return "" if "signal" in waits else f"{done.outcome.value}, and waiting are {waits}"
        case _:
            gate = GATE.get(done.limit, done.limit)
    if gate == "safe set":
        return "" if {"safe list", "safety filter"} & set(shut) else f"{done}: {shut}"
    if gate == "day end" and state.policy.day.liquidate is not True:
        return f"{done}: {shut}"
    return "" if gate in shut and chain.stopped else f"{done.outcome} {done.limit} {done.detail}: shut are {shut}"


prices = st.sampled_from([1000.0, 989.0, 1004.0, 1011.0])
moneys = st.sampled_from([0, 1, 999_000, 999_999, 1_000_000, 1_001_000, 2_500_000, 3_000_000, 3_000_001, 4_000_000])

risks = st.builds(
    RiskPolicy,
    daily_loss=st.sampled_from([D(100_000), D(300_000)]),
    per_symbol=st.sampled_from([D(3_000), D(5_030), D(500_000), D(1_000_000)]),
    total_exposure=st.sampled_from([D(900_000), D(4_000_000)]),
    max_positions=st.integers(1, 3),
    max_slippage=st.sampled_from([0.0, 0.003, 0.01]),
    loss_streak=st.integers(0, 2),
    streak_pause_s=st.sampled_from([0.0, 600.0]),
    symbol_cooldown_s=st.sampled_from([0.0, 600.0]),
    currency_exposure=st.sampled_from([None, D(1_000_000), D(3_000_000)]),
    unrealised=st.booleans(),
    only_top_n=st.booleans(),
)
ages = st.sampled_from([0, 1000, 29_000, 60_000, 180_000, 181_000, 600_000, 600_001, 8_000_000])


@st.composite
def states(draw):
    """A symbol that may be bought, but for a few things about which anything may be so."""
    odd = draw(st.sets(st.sampled_from(ODD), max_size=3))
    days = st.sampled_from(
        [DayPolicy(), DayPolicy(ends="18:40", liquidate=True), DayPolicy(ends="23:00", liquidate=True)]
    )
    workers = WorkerPolicy(count=draw(st.integers(1, 3)), capital=D(1_000_000))
    risk = draw(risks) if "risk" in odd else RiskPolicy(unrealised="open" in odd)
    state = State(replace(POLICY, risk=risk, workers=workers, day=draw(days) if "day" in odd else DayPolicy()))
    for each in sorted(odd):
        CHANGES.get(each, lambda state, draw: None)(state, draw)
    return state


def levels(state, draw):
    symbols = draw(st.sampled_from([("KRW-BTC",), ("KRW-ETH",)]))
    state.put(SafeSet(market=UPBIT, at=ago(draw), safe=symbols, excluded=(Exclusion("KRW-BTC", ("WARNING",)),)))


def health_of(state, draw):
    at, safe_mode = state.at, draw(st.booleans())
    state.put(ScanHealth(market=UPBIT, at=at, due=at, interval_ms=MINUTE, safe_mode=safe_mode, reason="503"))
    state.put(health(halted=draw(st.sampled_from([(), ("KRW-BTC",)]))))


def priced(state, draw):
    price = draw(prices)
    state.put(Scan(market=UPBIT, at=state.at, calls=1, snapshots=(snapshot(price=price),)))
    state.put(Watched(market=UPBIT, at=state.at, sights=(sight(price=price),)))


def signalled(state, draw):
    state.signal = replace(state.signal, expires=Millis(AT + draw(st.sampled_from([-1, 0, 1, 28_000]))))
    state.put(Buyable(market=UPBIT, at=state.at, signals=(state.signal,)))


def open_losses(state, draw):
    if draw(st.booleans()):
        state.put(Marked(market=UPBIT, at=ago(draw), unrealised=D(draw(st.sampled_from([0, -50_000, -300_000, 9])))))


def taken(state, draw):
    state.inner.exposure[UPBIT], state.inner.currency["KRW"] = D(draw(moneys)), D(draw(moneys))
    state.inner.positions[UPBIT] = draw(st.integers(0, 4))


def lost(state, draw):
    day = UPBIT, venue(UPBIT, state.policy).rules.calendar(state.policy.day, {}).day_of(state.at)
    state.inner.realised[day] = D(draw(st.sampled_from([0, -99_999, -100_000, -250_000, -300_000, 5])))
    state.inner.losses[day] = (draw(st.integers(0, 3)), ago(draw))


def stopped(state, draw):
    state.inner.halts[draw(st.sampled_from(["all", "upbit", "upbit:KRW-BTC", "upbit:KRW-ETH", "krx"]))] = "a test"


def crew(state, draw):
    for name in ("w-01", "w-02", "w-03", "w-04"):
        if draw(st.booleans()):
            status = draw(st.sampled_from(list(Status)))
            note = draw(st.sampled_from(["", "stopped by hand", RETIRED]))
            state.worker(name, status, "KRW-X" if status is Status.HOLD else "", note if status is Status.EXIT else "")


def locked(state, draw):
    match draw(st.sampled_from(["free", "lost", "held", "running", "left", "done"])):
        case "free":
            state.lock()
        case "lost":
            state.lock(lost=ago(draw))
        case "held":
            state.lock(position=position())
        case "running":
            state.lock(owner="a", ends=Millis(AT + draw(st.sampled_from([-2001, -2000, 9000]))))
        case "left":
            state.lock(owner="a", ends=Millis(AT - 9000), intent=intent())
        case "done":
            state.lock(done=(state.signal.id,))


def ago(draw):
    return Millis(AT - draw(ages))


CHANGES = {
    "levels": levels, "health": health_of, "price": priced, "signal": signalled, "open": open_losses, "taken": taken,
    "lost": lost, "halt": stopped, "crew": crew, "lock": locked,
}  # fmt: skip
ODD = ["risk", "day", *CHANGES]


@settings(max_examples=400, deadline=None)
@given(state=states())
def test_the_gate_that_refuses_is_shut_and_none_is_where_it_is_bought(state):
    assert trouble(state) == ""


@pytest.mark.parametrize(
    "change",
    [
        lambda state: state.worker("w-09", Status.HOLD, "KRW-X"),
        lambda state: state.worker("w-01", Status.EXIT, note=RETIRED),
        lambda state: state.inner.exposure.update({UPBIT: D("3000000.000001")}),
    ],
    ids=["one too many still holds", "a retired one is wanted again", "what is left is just enough"],
)
def test_what_does_not_stop_a_buy_stops_no_chain(change):
    state = State(replace(POLICY, workers=WorkerPolicy(count=1, capital=D(1_000_000))))
    change(state)
    assert state.chain().stopped == ""
    assert state.attempt().outcome is Ending.BOUGHT
