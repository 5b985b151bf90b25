"""E3, E5, E7, E8: one signal carried out on memory books, and every answer that a lock can give."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from core.adapters.memory.books import MemoryBooks
from core.adapters.memory.shelf import MemoryShelf
from core.app.barriers import overdrawn
from core.app.closing import settle
from core.app.desk import Ending, declined, insist
from core.app.trade import handle, resume
from core.app.wishes import limits, order_of
from core.domain.errors import LockAcquisitionError, OrderExecutionError, PositionError, Transient, UnknownOutcome
from core.domain.leases import Busy, Flat, Granted, Held, Lock, Repeated, Unclear
from core.domain.levels import Exclusion, Member, SafeSet, ScanHealth, TopN
from core.domain.orders import State, order_id
from core.domain.policies import DayPolicy
from core.domain.values import DAY, Market, Millis, Side
from core.domain.workers import Status
from tests.app.world import take
from tests.fakes import AAA, AT, RULES, Counting, CountingBroker, Hands, buy, desk_of, policy, sell, shelf_of


class Table:
    """Books, venue and hands shared by as many desks as a test needs."""

    def __init__(self, **changes):
        self.books, self.hands = MemoryBooks(), Hands()
        self.broker = CountingBroker(hands=self.hands)
        self.changes = changes

    def desk(self, **changes):
        return replace(desk_of(self.books, self.broker, self.hands), **{**self.changes, **changes})

    def buy(self, *args, **kwargs):
        return handle(buy(*args, at=self.hands.at, **kwargs), self.desk())

    def sell(self, *args, **kwargs):
        return handle(sell(*args, at=self.hands.at, **kwargs), self.desk())

    @property
    def lock(self):
        return self.books.leases.lock(AAA)

    @property
    def account(self):
        return self.books.ledger.account(Market.UPBIT, "2026-09-21")

    def worker(self, name):
        return next(worker for worker in self.books.ledger.workers(Market.UPBIT) if worker.id == name)

    def order(self, verdict):
        return self.books.ledger.order(verdict.order.id)


@pytest.fixture
def table():
    return Table()


def test_a_buy_signal_becomes_one_order_and_a_position_owned_by_a_worker_at_hold(table):  # E3
    verdict = table.buy()

    assert verdict.outcome is Ending.BOUGHT
    assert table.lock.position.quantity == verdict.order.filled
    assert table.lock.owner == ""
    assert table.lock.intent is None
    worker = table.worker(table.lock.position.worker)
    assert (worker.status, worker.symbol) == (Status.HOLD, "KRW-AAA")
    assert table.order(verdict).state is State.FILLED
    assert table.account.positions == 1
    assert table.account.exposure == table.lock.position.cost + table.lock.position.fees


def test_what_a_buy_can_cost_at_worst_stays_within_the_workers_capital(table):  # E3
    verdict = table.buy()

    worst = verdict.order.quantity * verdict.order.limit * (1 + Decimal("0.0005"))
    assert verdict.order.limit == Decimal(101)
    assert Decimal(999_900) < worst <= Decimal(1_000_000)


def test_a_sell_signal_sells_all_that_is_held_and_frees_the_worker(table):  # E5
    bought = table.buy()
    table.hands.later(5)
    table.broker.price = Decimal(110)

    verdict = table.sell(price=110.0)

    assert verdict.outcome is Ending.SOLD
    assert verdict.order.quantity == bought.order.filled
    assert verdict.trip.pnl == verdict.trip.proceeds - verdict.trip.cost - verdict.trip.fees
    assert verdict.trip.exit == "stop_loss"
    assert table.lock.position is None
    assert table.account.positions == 0
    assert table.account.exposure == 0
    assert table.worker(bought.order.worker).status is Status.SCAN
    assert table.books.ledger.trips(Market.UPBIT, "2026-09-21") == [verdict.trip]


def test_people_are_told_the_figures_of_a_buy_and_the_result_of_a_sale(table):
    desk = table.desk()
    handle(buy(), desk)
    table.hands.later(5)
    table.broker.price = Decimal(110)
    handle(sell(at=table.hands.at), desk)

    bought, sold = desk.alerts.sent
    assert (bought.kind, bought.lasting, bought.name) == ("bought", False, "AAA")
    assert "x 100 =" in bought.memo
    assert sold.memo.startswith("PnL +9")
    assert sold.link == "https://example.test/KRW-AAA"


def test_a_buy_costs_three_round_trips_a_refused_lock_one_and_a_refused_check_none(table):
    books = MemoryBooks()
    desk_of(books)
    leases, ledger = Counting(books.leases), Counting(books.ledger)
    first = desk_of(books, table.broker, table.hands)
    handle(buy("KRW-BBB"), first)  # puts the workers to work, once in the life of a market
    handle(sell("KRW-BBB", at=table.hands.later(1) or table.hands.at), first)
    desk = desk_of(books, table.broker, table.hands, leases=leases, ledger=ledger)

    handle(buy(id="x1", at=table.hands.at), desk)
    assert (dict(leases.calls), dict(ledger.calls)) == ({"grant": 1, "reserve": 1, "commit": 1}, {})

    handle(buy(id="x2", at=table.hands.at), desk)
    assert leases.calls.total() == 4

    handle(buy("KRW-ZZZ", at=table.hands.at), desk)
    assert leases.calls.total() == 4


def test_a_signal_delivered_twice_buys_once(table):  # E8
    table.buy()
    assert table.buy().outcome is Ending.REPEATED
    assert len(table.broker.sent) == 1


def test_a_signal_delivered_after_its_mark_was_forgotten_is_caught_by_its_order_row(table):  # E8
    old = buy(expires_s=3600)
    handle(old, table.desk())
    for number in range(15):
        table.hands.later(10)
        table.sell(id=f"s{number}")
        table.hands.later(10)
        table.buy(id=f"again{number}")
    table.hands.later(10)
    table.sell(id="last")
    assert old.id not in table.lock.done

    verdict = handle(old, table.desk())

    assert (verdict.outcome, verdict.limit) == (Ending.REPEATED, "order already written")
    assert table.broker.sent.count(order_id(AAA, old.id, Side.BUY, 0)) == 1
    assert table.lock.owner == ""


def test_a_second_buy_of_a_held_symbol_is_told_who_owns_it(table):
    table.buy()
    verdict = table.buy(id="b2")
    assert verdict.outcome is Ending.HELD
    assert verdict.detail == f"owned by {table.lock.position.worker}, fence 1"


def test_a_sale_of_what_is_not_held_is_flat(table):
    assert table.sell().outcome is Ending.FLAT


def test_a_signal_past_its_time_is_counted_and_never_acted_on(table):
    signal = buy()
    table.hands.later(31)
    verdict = handle(signal, table.desk())
    assert (verdict.outcome, verdict.detail) == (Ending.EXPIRED, "1.0 s too late")
    assert table.lock is None


def test_a_lock_that_is_held_names_its_holder_fence_and_end_and_sends_the_message_back(table):  # E1, E3
    desk = table.desk()
    granted = take(desk)

    verdict = table.buy(id="other")

    assert verdict.outcome is Ending.BUSY
    assert verdict.detail == f"held by {desk.owner}, fence 1, until {granted.ends}"
    with pytest.raises(LockAcquisitionError, match="the symbol is being worked on"):
        insist(verdict)


def test_a_verdict_that_decided_something_passes(table):
    verdict = table.buy()
    assert insist(verdict) is verdict


@pytest.mark.parametrize(
    ("answer", "outcome", "detail"),
    [
        (Busy(holder="x", fence=7, ends=Millis(9)), Ending.BUSY, "held by x, fence 7, until 9"),
        (Held(worker="w-01", fence=7), Ending.HELD, "owned by w-01, fence 7"),
        (Flat(fence=7), Ending.FLAT, "nothing is held"),
        (Repeated(signal="s", fence=7), Ending.REPEATED, "this signal was settled before"),
        (Unclear(reason="no reply"), Ending.UNCLEAR, "no reply"),
    ],
)
def test_every_refusal_of_a_lock_has_an_ending(answer, outcome, detail):
    verdict = declined(answer, AAA, "s")
    assert (verdict.outcome, verdict.detail) == (outcome, detail)


def test_a_granted_lock_is_not_a_refusal(table):
    with pytest.raises(ValueError, match="not a refusal"):
        declined(take(table.desk()), AAA, "s")


def test_a_store_that_does_not_answer_decides_nothing(table):
    class Silent:
        def grant(self, ask, at):
            return Unclear(reason="no reply")

    assert handle(buy(), table.desk(leases=Silent())).outcome is Ending.UNCLEAR


# ---- what is held against a buy ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shelf", "found"),
    [
        (shelf_of(safe=("KRW-BBB",)), "excluded: not in the universe"),
        (shelf_of(at=Millis(AT - 7_201_000)), "7201 s old, at most 7200 s"),
        (None, "there is none yet"),
    ],
)
def test_nothing_is_bought_without_a_young_safe_set_that_has_it(table, shelf, found):  # A3
    verdict = handle(buy(), table.desk(shelf=shelf or MemoryShelf()))
    assert (verdict.outcome, verdict.limit, verdict.detail) == (Ending.REFUSED, "safe set", found)
    assert table.lock is None


def test_an_excluded_symbol_is_refused_with_its_reasons(table):  # A2
    shelf = shelf_of()
    excluded = (Exclusion("KRW-AAA", ("WARNING",)),)
    shelf.write(SafeSet(market=Market.UPBIT, at=AT, safe=(), excluded=excluded))
    assert handle(buy(), table.desk(shelf=shelf)).detail == "excluded: WARNING"


def test_safe_mode_stops_buys_and_not_sales(table):  # B3
    table.buy()
    shelf = shelf_of()
    health = ScanHealth(market=Market.UPBIT, at=AT, due=AT, interval_ms=Millis(60_000), safe_mode=True, reason="429")
    shelf.write(health)
    table.changes = {"shelf": shelf}
    assert table.buy("KRW-BBB").limit == "safe mode"
    table.hands.later(1)
    assert table.sell().outcome is Ending.SOLD


def test_with_only_top_n_an_unranked_symbol_is_refused(table):  # C1
    risk = replace(policy().risk, only_top_n=True)
    shelf = shelf_of()
    table.changes = {"policy": policy(risk=risk), "shelf": shelf}
    assert table.buy().limit == "top n"
    member = Member("KRW-AAA", AT, 1.0)
    shelf.write(TopN(market=Market.UPBIT, at=AT, version=1, members=(member,)))
    assert table.buy("KRW-BBB").limit == "top n"
    assert table.buy().outcome is Ending.BOUGHT


def test_a_price_that_ran_away_is_not_followed(table):
    table.changes = {"last_price": lambda symbol: 101.5}
    verdict = table.buy()
    assert (verdict.limit, verdict.detail) == ("price moved", "101.5 is over 101")
    table.changes = {"last_price": lambda symbol: 100.9}
    assert table.buy(id="b2").outcome is Ending.BOUGHT


def test_nothing_is_bought_shortly_before_everything_is_sold(table):  # E6
    day = DayPolicy(ends="09:00", liquidate=True, liquidate_before_s=900, thin_before_s=1500)
    table.changes = {"policy": policy(day=day)}
    table.hands.at = Millis(AT - AT % DAY + DAY - 1_499_000)
    table.changes["shelf"] = shelf_of(at=table.hands.at)
    assert table.buy().limit == "day end"


def test_capital_below_the_least_order_buys_nothing(table):  # E3
    workers = replace(policy().workers, capital=Decimal(4_999))
    table.changes = {"policy": policy(workers=workers)}
    verdict = table.buy()
    assert verdict.limit == "minimum order"
    assert verdict.detail.endswith(" of 5000")


def test_a_sell_signal_must_give_a_reason_that_exists(table):
    table.buy()
    assert table.sell(rule="because").limit == "reason"


# ---- limits, checked in the transaction that takes them ------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "told"), [("all", "all: tired"), ("upbit", "upbit: tired"), ("upbit:KRW-AAA", "upbit:KRW-AAA: tired")]
)
def test_a_halt_stops_the_buy_and_gives_everything_back(table, scope, told):  # E10
    table.books.ledger.halt(scope, "tired", AT)
    verdict = table.buy()
    assert (verdict.outcome, verdict.limit, verdict.detail) == (Ending.REFUSED, "halted", told)
    assert table.lock.owner == ""
    assert table.account.positions == 0
    assert table.broker.sent == []
    table.books.ledger.resume(scope)
    assert table.buy(id="b2").outcome is Ending.BOUGHT


@pytest.mark.parametrize(
    ("risk", "limit"),
    [
        ({"max_positions": 1}, "open positions"),
        ({"total_exposure": Decimal(1_500_000)}, "total exposure"),
        ({"daily_loss": Decimal(0)}, "daily loss"),
    ],
)
def test_each_limit_refuses_by_its_name(table, risk, limit):  # E7
    if limit != "daily loss":
        table.buy("KRW-BBB")
    table.changes = {"policy": policy(risk=replace(policy().risk, **risk))}
    verdict = table.buy()
    assert (verdict.outcome, verdict.limit) == (Ending.REFUSED, limit)
    assert table.lock.owner == ""


def test_a_lost_day_stops_buys_and_lets_sales_go_on(table):  # E7
    table.buy("KRW-AAA")
    table.buy("KRW-BBB")
    table.broker.price = Decimal(60)
    table.hands.later(1)
    assert table.sell("KRW-AAA").trip.pnl < -300_000
    assert table.buy("KRW-CCC").limit == "daily loss"
    assert table.sell("KRW-BBB").outcome is Ending.SOLD


def test_with_every_worker_taken_a_buy_is_refused_and_the_lock_given_back(table):  # E2
    table.changes = {"policy": policy(risk=replace(policy().risk, max_positions=9))}
    for symbol in ("KRW-BBB", "KRW-CCC", "KRW-DDD"):
        assert table.buy(symbol).outcome is Ending.BOUGHT
    verdict = table.buy()
    assert verdict.limit == "worker taken"
    assert {worker.symbol for worker in table.books.ledger.workers(Market.UPBIT)} == {"KRW-BBB", "KRW-CCC", "KRW-DDD"}
    assert table.lock.owner == ""


# ---- the venue -----------------------------------------------------------------------------------------------------


def test_a_refused_order_gives_worker_and_exposure_back_and_is_written(table):
    table.broker.before["place"] = OrderExecutionError("not enough money")
    verdict = table.buy()
    assert (verdict.outcome, verdict.limit, verdict.detail) == (Ending.REFUSED, "venue", "not enough money")
    assert table.order(verdict).state is State.REJECTED
    assert table.account.positions == 0
    assert table.account.exposure == 0
    assert {worker.status for worker in table.books.ledger.workers(Market.UPBIT)} == {Status.SCAN}


def test_a_refusal_of_an_id_that_the_venue_knows_is_settled_by_what_it_holds(table):  # E8
    table.broker.after["place"] = OrderExecutionError("duplicated identifier")
    assert table.buy().outcome is Ending.BOUGHT


def test_an_order_that_was_not_sent_is_undone(table):
    table.broker.before["place"] = Transient("no connection")
    verdict = table.buy()
    assert (verdict.outcome, verdict.detail) == (Ending.REFUSED, "not sent: no connection")
    assert table.account.exposure == 0


def test_a_sale_that_was_not_sent_waits_for_the_sweep(table):
    table.buy()
    table.hands.later(1)
    table.broker.before["place"] = Transient("no connection")
    verdict = table.sell()
    assert (verdict.outcome, verdict.detail) == (Ending.UNKNOWN, "noted: no connection")
    table.hands.later(30)
    assert resume(table.lock, table.desk()).outcome is Ending.SOLD
    assert len(table.broker.known) == 2


@pytest.mark.parametrize("where", ["before", "after"])
def test_an_unknown_outcome_keeps_the_intent_and_is_never_sent_again_blindly(table, where):  # E8
    getattr(table.broker, where)["place"] = UnknownOutcome("time-out")
    verdict = table.buy(expires_s=600)
    assert verdict.outcome is Ending.UNKNOWN
    assert table.order(verdict).state is State.UNKNOWN
    assert table.lock.intent.order == verdict.order.id
    assert table.books.ledger.open_orders(Market.UPBIT) == [table.order(verdict)]

    table.hands.later(30)
    again = resume(table.lock, table.desk())

    assert again.outcome is Ending.BOUGHT
    assert len(table.broker.known) == 1
    assert len(table.broker.sent) == (2 if where == "before" else 1)
    assert table.books.ledger.open_orders(Market.UPBIT) == []


def test_an_order_that_rests_is_looked_at_until_it_fills(table):
    table.broker.resting = True
    table.broker.fills = {0: 0}
    desk = table.desk(pause=lambda seconds: table.broker.complete(next(iter(table.broker.known))))
    assert handle(buy(), desk).outcome is Ending.BOUGHT


def test_an_order_that_rests_too_long_is_cancelled_and_what_was_filled_is_kept(table):
    table.broker.resting = True
    table.broker.fills = {0: 0.25}
    verdict = table.buy()
    assert verdict.outcome is Ending.BOUGHT
    assert verdict.order.state is State.CANCELLED
    assert table.lock.position.quantity == verdict.order.filled < verdict.order.quantity
    assert table.account.exposure == table.lock.position.cost + table.lock.position.fees


def test_an_order_that_rests_and_cannot_be_cancelled_is_left_to_the_sweep(table):
    table.broker.resting = True
    table.broker.fills = {0: 0.25}
    table.broker.before["cancel"] = UnknownOutcome("time-out")
    verdict = table.buy()
    assert (verdict.outcome, verdict.detail) == (Ending.UNKNOWN, "partial")
    table.hands.later(30)
    assert resume(table.lock, table.desk()).outcome is Ending.BOUGHT


def test_an_order_filled_while_it_is_cancelled_counts_as_filled(table):
    table.broker.resting = True
    table.broker.fills = {0: 0}
    looks = []

    class Racing:
        def __getattr__(self, name):
            return getattr(table.broker, name)

        def cancel(self, order, at):
            table.broker.complete(order.id)
            looks.append(order.id)
            return table.broker.cancel(order, at)

    assert handle(buy(), table.desk(broker=Racing())).outcome is Ending.BOUGHT
    assert len(looks) == 1


def test_a_venue_that_stumbles_while_an_order_rests_is_asked_again(table):
    table.broker.resting = True
    table.broker.fills = {0: 0}

    def stumble(seconds):
        table.broker.before["find"] = Transient("busy")
        table.hands.later(seconds)

    verdict = handle(buy(), table.desk(pause=stumble))
    assert (verdict.outcome, verdict.limit) == (Ending.REFUSED, "venue")
    assert table.account.positions == 0


def test_a_sale_filled_in_part_goes_on_with_the_next_leg_while_there_is_time(table):  # E5
    table.buy()
    table.hands.later(1)
    table.broker.fills = {0: 0.5, 1: 0.5}
    desk = table.desk()
    verdict = handle(sell(at=table.hands.at), desk)
    assert verdict.outcome is Ending.SOLD
    assert table.lock.position is None
    assert table.lock.intent is None
    trips = table.books.ledger.trips(Market.UPBIT, "2026-09-21")
    assert len(trips) == 3
    assert len({trip.id for trip in trips}) == 3
    assert table.account.exposure == 0
    assert table.account.realised == sum(trip.pnl for trip in trips)
    assert desk.alerts.kinds == ["sold"] * 3


def test_a_remainder_below_the_least_order_is_told_and_stays(table):
    table.buy()
    table.hands.later(1)
    table.broker.fills = {0: 0.996}
    desk = table.desk()
    verdict = handle(sell(at=table.hands.at), desk)
    assert verdict.outcome is Ending.SOLD
    assert table.lock.position.quantity * 100 < 5000
    assert table.lock.intent is None
    assert desk.alerts.kinds == ["sold", "unsold"]


def test_a_sale_that_sells_nothing_leaves_the_position_and_is_told(table):
    table.buy()
    table.hands.later(1)
    table.broker.fills = {0: 0}
    desk = table.desk()
    before = table.lock.position
    verdict = handle(sell(at=table.hands.at), desk)
    assert (verdict.outcome, verdict.limit) == (Ending.REFUSED, "venue")
    assert table.lock.position == before
    assert desk.alerts.kinds == ["unsold"]


def test_a_next_leg_that_sells_nothing_is_told_with_what_was_sold(table):
    table.buy()
    table.hands.later(1)
    table.broker.fills = {0: 0.5, 1: 0}
    verdict = table.sell()
    assert verdict.outcome is Ending.SOLD
    assert "; the rest: refused, cancelled" in verdict.detail
    assert table.lock.position is not None


def test_a_holding_above_the_largest_order_is_sold_in_legs(table):
    table.buy()
    table.hands.later(1)
    table.changes = {"rules": replace(RULES, maximum=lambda symbol: Decimal(400_000))}
    assert table.sell().outcome is Ending.SOLD
    assert table.lock.position is None
    assert len(table.broker.sent) == 4


def test_a_sale_decided_before_the_position_was_opened_does_not_sell_it(table):  # E8
    late = sell(at=Millis(AT - 1_000))
    table.buy()
    verdict = handle(late, table.desk())
    assert (verdict.outcome, verdict.detail) == (Ending.FLAT, "it was opened after the decision to sell")
    assert table.lock.position is not None
    assert table.lock.owner == ""


def test_no_order_is_sent_after_our_own_deadline(table):  # invariant 12
    class Slow:
        def __getattr__(self, name):
            return getattr(table.books.leases, name)

        def reserve(self, *args):
            answer = table.books.leases.reserve(*args)
            table.hands.later(19)
            return answer

    verdict = handle(buy(expires_s=600), table.desk(leases=Slow()))
    assert (verdict.outcome, verdict.detail) == (
        Ending.LOST,
        "the lease ended before the order was sent; the sweep goes on",
    )
    assert table.broker.sent == []
    table.hands.later(30)
    assert resume(table.lock, table.desk()).outcome is Ending.BOUGHT


# ---- taking over ---------------------------------------------------------------------------------------------------


def test_what_a_dead_owner_left_is_finished_first_and_ours_waits(table):  # invariant 6
    take(table.desk(), buy(id="dead", expires_s=600))
    table.hands.later(23)

    verdict = table.buy(id="ours")

    assert verdict.outcome is Ending.BUSY
    assert verdict.signal == "KRW-AAA:ours"
    assert verdict.detail == "first finished KRW-AAA:dead: bought"
    assert table.lock.position.signal == "KRW-AAA:dead"
    assert table.buy(id="ours").outcome is Ending.HELD


def test_the_same_signal_delivered_again_goes_on_where_the_dead_owner_stopped(table):  # E8
    signal = buy(id="dead", expires_s=600)
    take(table.desk(), signal)
    table.hands.later(23)
    assert handle(signal, table.desk()).outcome is Ending.BOUGHT
    assert len(table.broker.sent) == 1


def test_a_lease_is_taken_over_only_past_its_margin(table):  # E1
    take(table.desk(), buy(id="dead", expires_s=600))
    table.hands.later(22)
    assert resume(table.lock, table.desk()).outcome is Ending.BUSY
    table.hands.later(0.001)
    assert resume(table.lock, table.desk()).outcome is Ending.BOUGHT


def test_a_buy_left_behind_past_its_time_is_undone(table):
    take(table.desk(), buy(id="dead", expires_s=10))
    table.hands.later(23)
    verdict = resume(table.lock, table.desk())
    assert (verdict.outcome, verdict.limit) == (Ending.EXPIRED, "expired")
    assert table.lock.intent is None
    assert table.lock.done == ("KRW-AAA:dead",)
    assert table.broker.sent == []


def test_a_buy_left_behind_is_held_against_the_checks_again(table):
    take(table.desk(), buy(id="dead", expires_s=600))
    table.hands.later(23)
    verdict = resume(table.lock, table.desk(last_price=lambda symbol: 200.0))
    assert (verdict.outcome, verdict.limit) == (Ending.REFUSED, "price moved")


def test_a_reserved_buy_that_was_never_sent_is_undone_when_its_time_is_over(table):
    table.broker.before["place"] = UnknownOutcome("time-out")
    table.buy()
    table.hands.later(31)
    verdict = resume(table.lock, table.desk())
    assert verdict.outcome is Ending.REFUSED
    assert verdict.order.note == "never sent: expired, 1.0 s too late"
    assert table.account.positions == 0
    assert table.account.exposure == 0
    assert table.broker.known == {}


def test_a_venue_that_cannot_be_asked_leaves_the_question_open(table):
    table.broker.after["place"] = UnknownOutcome("time-out")
    table.buy()
    table.hands.later(23)
    table.broker.before["find"] = Transient("no connection")
    verdict = resume(table.lock, table.desk())
    assert (verdict.outcome, verdict.detail) == (Ending.UNKNOWN, "unknown: no connection")
    table.hands.later(23)
    assert resume(table.lock, table.desk()).outcome is Ending.BOUGHT


def test_an_intent_whose_order_row_is_gone_is_finished_from_the_intent(table):
    table.broker.after["place"] = UnknownOutcome("time-out")
    table.buy()
    table.hands.later(23)

    class Forgetful:
        def order(self, key):
            return None

    assert resume(table.lock, table.desk(ledger=Forgetful())).outcome is Ending.BOUGHT


def test_nothing_left_is_nothing_to_resume(table):
    table.buy()
    assert resume(table.lock, table.desk()).detail == "nothing was left"


class Overtaken:
    """Another owner takes the symbol over just before the named write."""

    def __init__(self, table, name):
        self.table, self.name = table, name

    def __getattr__(self, name):
        method = getattr(self.table.books.leases, name)
        if name != self.name:
            return method

        def late(*args):
            self.table.books.leases.evict(self.table.lock)
            return method(*args)

        return late


@pytest.mark.parametrize("write", ["reserve", "commit", "park", "release"])
def test_an_owner_that_lost_its_lock_cannot_write_a_buy(table, write):  # E1, invariant 2
    if write == "park":
        table.broker.after["place"] = UnknownOutcome("time-out")
    if write == "release":
        table.books.ledger.halt("all", "tired", AT)
    verdict = handle(buy(expires_s=600), table.desk(leases=Overtaken(table, write)))
    assert verdict.outcome is Ending.LOST
    assert table.lock.intent is not None
    table.books.ledger.resume("all")
    table.hands.later(3)
    assert resume(table.lock, table.desk()).outcome is Ending.BOUGHT
    assert len(table.broker.known) == 1


@pytest.mark.parametrize(("write", "part"), [("note", 1), ("commit", 1), ("commit", 0)])
def test_an_owner_that_lost_its_lock_cannot_write_a_sale(table, write, part):
    table.buy()
    table.hands.later(1)
    table.broker.fills = {0: part}
    verdict = handle(sell(at=table.hands.at), table.desk(leases=Overtaken(table, write)))
    assert verdict.outcome is Ending.LOST
    table.hands.later(3)
    assert resume(table.lock, table.desk()).outcome is (Ending.SOLD if part else Ending.REFUSED)
    assert len(table.broker.known) == 2


def test_a_buy_order_that_bought_nothing_and_lost_its_lock_is_settled_by_the_next_owner(table):
    table.broker.fills = {0: 0}
    assert handle(buy(), table.desk(leases=Overtaken(table, "commit"))).outcome is Ending.LOST
    table.hands.later(3)
    assert resume(table.lock, table.desk()).outcome is Ending.REFUSED
    assert table.account.positions == 0


def test_a_sale_settled_for_what_is_not_held_is_an_error(table):
    table.buy()
    table.hands.later(1)
    desk = table.desk()
    held = take(desk, sell(at=table.hands.at))
    assert isinstance(held, Granted)
    order = replace(order_of(held, desk, table.hands.at), state=State.FILLED)
    with pytest.raises(PositionError, match="for what is not held"):
        settle(replace(held, position=None), order, desk)


def test_a_lock_without_an_owner_shows_nothing_of_one():
    assert Lock(instrument=AAA, fence=0).owner == ""


def test_nothing_is_bought_while_the_market_is_closed(table):  # B6
    table.changes = {
        "rules": replace(RULES, calendar=lambda day: replace(RULES.calendar(day), is_open=lambda at: False))
    }
    assert table.buy().limit == "session"


def test_a_cost_above_the_limit_per_symbol_is_refused_by_name():  # E7
    room = limits(
        Decimal(101), "2026-09-21", desk_of(policy=policy(risk=replace(policy().risk, per_symbol=Decimal(100))))
    )
    assert overdrawn(room, Decimal(0), 0).detail == "101 of 100"
