"""E1, E2, E7, E8: what every keeper of locks and ledger answers: memory, the model checker's table, moto, AWS."""

from decimal import Decimal
from itertools import count

import msgspec
import pytest
from moto import mock_aws
from msgspec.structs import replace

from core.adapters.dynamo.leases import DynamoLeases
from core.adapters.dynamo.ledger import DynamoLedger
from core.adapters.dynamo.sendings import DynamoSendings
from core.adapters.memory.books import MemoryBooks
from core.app.ports import Limits, Reserved, Settlement
from core.domain.errors import WorkerError
from core.domain.leases import MARGIN, Ask, Barrier, Busy, Flat, Granted, Held, Intent, Repeated, booked
from core.domain.messages import Alert, Kind
from core.domain.orders import Fill, Order, State, moved, order_id
from core.domain.positions import Position
from core.domain.results import opened, round_trip
from core.domain.signals import Exit
from core.domain.values import ZERO, Instrument, Market, Millis, Side
from core.domain.workers import Status, Worker
from tests.cloud import create
from tests.fakes import AAA, AT
from tests.model.table import Table

DAY = "2026-09-21"
LEASE = Millis(20_000)
BBB = Instrument(Market.UPBIT, "KRW-BBB")
nonces = count(1)


class Books:
    def __init__(self, leases, ledger, sendings):
        self.leases, self.ledger, self.sendings = leases, ledger, sendings


class Modelled(msgspec.Struct):
    """The table that the model checker steps, under the names of a deployed one."""

    locks: str = "locks"
    ledger: str = "ledger"
    table: Table = msgspec.field(default_factory=Table)

    def client(self):
        return self.table


def dynamo_books(tables):
    client = tables.client()
    quick = {"pause": lambda seconds: None, "dice": lambda: 0.5}
    return Books(
        DynamoLeases(tables.locks, tables.ledger, client, **quick), DynamoLedger(tables.ledger, client, **quick),
        DynamoSendings(tables.ledger, client, **quick),
    )  # fmt: skip


@pytest.fixture(params=["memory", "table", "moto", pytest.param("ministack", marks=pytest.mark.cloud)])
def books(request):
    match request.param:
        case "memory":
            yield MemoryBooks()
        case "table":
            yield dynamo_books(Modelled())
        case "moto":
            with mock_aws():
                yield dynamo_books(create())
        case "ministack":
            yield dynamo_books(create(request.getfixturevalue("dynamo")))


def intent(signal="b1", side=Side.BUY, instrument=AAA, **changes):
    base = Intent(
        order=order_id(instrument, signal, side, 0), side=side, signal=signal, leg=0, worker="", quantity=Decimal("1.5"),
        reference=Decimal("143000000.5"), reason="fall" if side is Side.BUY else "stop_loss", at=AT,
        expires=Millis(AT + 30_000), day=DAY, cost=Decimal("1000.25"), limit=Decimal(101),
    )  # fmt: skip
    return replace(base, **changes)


def ask(owner="a", nonce=None, at=AT, instrument=AAA, **changes):
    return Ask(
        instrument=instrument, owner=owner, nonce=nonce or f"n{next(nonces)}", at=at, ends=Millis(at + LEASE),
        intent=intent(instrument=instrument, **changes),
    )  # fmt: skip


def grant(books, *args, at=AT, **kwargs):
    return books.leases.grant(ask(*args, at=at, **kwargs), at)


def order_for(held, worker="w-01", **changes):
    found = held.intent
    base = Order(
        id=found.order, instrument=held.instrument, side=found.side, quantity=found.quantity or Decimal("1.5"),
        reference=found.reference, signal=found.signal, leg=found.leg, worker=worker, reason=found.reason, at=AT,
        limit=found.limit,
    )  # fmt: skip
    return replace(base, **changes)


def limits(**changes):
    base = Limits(
        cost=Decimal("1000.25"), per_symbol=Decimal(5_000), total_exposure=Decimal(10_000), daily_loss=Decimal(300),
        max_positions=3, day=DAY,
    )  # fmt: skip
    return replace(base, **changes)


def worker(name="w-01", status=Status.SCAN, **changes):
    return Worker(id=name, market=Market.UPBIT, status=status, capital=Decimal(2_000), heartbeat=AT, **changes)


def filled(order, price="100", quantity=None):
    amount = Decimal(quantity or order.quantity)
    fill = Fill(id=f"f-{order.id}", price=Decimal(price), quantity=amount, fee=Decimal("0.07"), tax=ZERO, at=AT)
    return moved(order, State.FILLED, fills=(fill,), venue_id="v1")


def reserve(books, held, name="w-01", **changes):
    order = order_for(held, name)
    answer = books.leases.reserve(held, order, worker(name), limits(**changes), AT)
    return order, answer, replace(held, intent=booked(held.intent, name, order.quantity, limits(**changes).cost))


def bought(books, signal="b1", instrument=AAA, name="w-01"):
    """A whole buy: granted, reserved, filled, committed."""
    books.ledger.register(worker(name))
    held = grant(books, signal=signal, instrument=instrument)
    order, _, held = reserve(books, held, name)
    done = filled(order)
    position = opened(done, name)
    freed = held.intent.cost - position.cost - position.fees
    assert books.leases.commit(held, settlement(done, position, freed), AT)
    return position


def settlement(order, position, freed, trip=None, done=True, next=None):
    return Settlement(
        order=order, position=position, trip=trip, worker=order.worker, freed=freed, day=DAY, done=done, next=next
    )


def sold(books, position, signal="s1", price="110"):
    held = grant(books, "seller", signal=signal, side=Side.SELL, instrument=position.instrument, limit=None)
    order = order_for(held, position.worker, quantity=position.quantity, limit=None)
    assert books.leases.note(held, order, AT) == Reserved()
    done = filled(order, price)
    trip = round_trip(position, done, Exit.STOP_LOSS, AT)
    assert books.leases.commit(held, settlement(done, None, position.cost + position.fees, trip), AT)
    return trip


# ---- granting ------------------------------------------------------------------------------------------------------


def test_the_first_grant_of_a_symbol_has_fence_one_and_our_intent(books):
    wanted = ask()
    assert books.leases.grant(wanted, AT) == Granted(
        instrument=AAA, owner="a", fence=1, ends=Millis(AT + LEASE), intent=wanted.intent, position=None
    )


def test_a_running_lease_is_busy_and_names_holder_fence_and_end(books):  # invariant 13
    grant(books, "a")
    assert grant(books, "b", signal="b2") == Busy(holder="a", fence=1, ends=Millis(AT + LEASE))


def test_a_reply_that_was_lost_is_found_again_by_its_nonce(books):  # invariant 5
    wanted = ask()
    first = books.leases.grant(wanted, AT)
    assert books.leases.grant(wanted, Millis(AT + 500)) == first


def test_the_same_owner_with_a_new_nonce_is_busy_like_everyone(books):
    grant(books, "a")
    assert isinstance(grant(books, "a"), Busy)


@pytest.mark.parametrize(("late", "kind"), [(0, Busy), (1, Granted)])
def test_a_lapsed_lease_is_taken_over_only_past_the_margin(books, late, kind):  # invariants 8, 10
    grant(books, "a")
    assert isinstance(grant(books, "b", signal="b2", at=Millis(AT + LEASE + MARGIN + late)), kind)


def test_whoever_takes_over_finds_the_intent_of_the_dead_owner_and_a_higher_fence(books):  # invariants 1, 6
    first = grant(books, "a")
    taken = grant(books, "b", signal="b2", at=Millis(AT + 30_000))
    assert (taken.owner, taken.fence, taken.intent) == ("b", 2, first.intent)


def test_a_buy_of_what_is_held_names_the_worker(books):
    bought(books)
    assert grant(books, signal="b2") == Held(worker="w-01", fence=1)


def test_a_sale_of_nothing_is_flat_for_a_known_symbol_and_for_an_unknown_one(books):
    assert grant(books, side=Side.SELL) == Flat(fence=0)
    books.leases.release(grant(books), AT)
    assert grant(books, side=Side.SELL, signal="s2") == Flat(fence=1)


def test_a_settled_signal_is_repeated_even_while_someone_works(books):  # invariant 7
    bought(books)
    assert grant(books) == Repeated(signal="b1", fence=1)
    grant(books, "b", signal="s1", side=Side.SELL)
    assert grant(books) == Repeated(signal="b1", fence=2)


# ---- reserving -----------------------------------------------------------------------------------------------------


def test_a_reservation_takes_worker_exposure_and_a_position_and_writes_the_order(books):  # E7
    books.ledger.register(worker())
    order, answer, _ = reserve(books, grant(books))
    assert answer == Reserved()
    assert books.ledger.workers(Market.UPBIT) == [worker(status=Status.HOLD, symbol="KRW-AAA")]
    account = books.ledger.account(Market.UPBIT, DAY)
    assert (account.exposure, account.positions, account.realised) == (Decimal("1000.25"), 1, 0)
    assert books.ledger.order(order.id) == order
    assert books.ledger.open_orders(Market.UPBIT) == [order]
    assert books.ledger.orders(Market.UPBIT, DAY) == [order]
    assert books.leases.lock(AAA).intent == booked(intent(), "w-01", Decimal("1.5"), Decimal("1000.25"))


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"per_symbol": Decimal(1_000)}, (Barrier.PER_SYMBOL, "1000.25 of 1000")),
        ({"total_exposure": Decimal(1_000)}, (Barrier.EXPOSURE, "0 + 1000.25 of 1000")),
        ({"max_positions": 0}, (Barrier.POSITIONS, "0 of 0")),
        ({"daily_loss": ZERO}, (Barrier.DAILY_LOSS, "0 of 0")),
    ],
)
def test_a_limit_that_leaves_no_room_at_all_refuses(books, changes, refused):  # E7
    books.ledger.register(worker())
    _, answer, _ = reserve(books, grant(books), **changes)
    assert (answer.refused, answer.detail) == refused


def test_exposure_and_positions_of_others_count(books):  # E7
    bought(books, instrument=BBB, name="w-02")
    books.ledger.register(worker())
    held = grant(books)
    taken = books.ledger.account(Market.UPBIT, DAY).exposure
    _, answer, _ = reserve(books, held, total_exposure=taken + Decimal("1000.24"))
    assert answer == Reserved(refused=Barrier.EXPOSURE, detail=f"{taken} + 1000.25 of {taken + Decimal('1000.24')}")
    _, answer, _ = reserve(books, held, max_positions=1)
    assert answer == Reserved(refused=Barrier.POSITIONS, detail="1 of 1")
    _, answer, _ = reserve(books, held, total_exposure=taken + Decimal("1000.25"), max_positions=2)
    assert answer == Reserved()


def test_a_day_that_lost_its_limit_refuses_buys(books):  # E7
    trip = sold(books, bought(books), price="80")
    books.ledger.register(worker("w-02"))
    held = grant(books, signal="b2")
    assert books.ledger.account(Market.UPBIT, DAY).realised == trip.pnl == Decimal("-30.14")
    _, answer, _ = reserve(books, held, "w-02", daily_loss=Decimal("30.14"))
    assert answer == Reserved(refused=Barrier.DAILY_LOSS, detail="-30.14 of -30.14")
    _, answer, _ = reserve(books, held, "w-02", daily_loss=Decimal("30.15"))
    assert answer == Reserved()


@pytest.mark.parametrize("scope", ["all", "upbit", "upbit:KRW-AAA"])
def test_each_scope_of_a_halt_refuses_and_is_lifted(books, scope):  # E10
    books.ledger.register(worker())
    books.ledger.halt(scope, "tired", AT)
    held = grant(books)
    assert reserve(books, held)[1] == Reserved(refused=Barrier.HALTED, detail=f"{scope}: tired")
    assert books.ledger.halts() == {scope: "tired"}
    assert books.ledger.halted(Market.UPBIT) == ("tired" if scope != "upbit:KRW-AAA" else "")
    assert books.ledger.halted(Market.UPBIT, "KRW-AAA") == "tired"
    assert books.ledger.halted(Market.UPBIT, "KRW-BBB") == ("tired" if scope != "upbit:KRW-AAA" else "")
    books.ledger.resume(scope)
    assert books.ledger.halted(Market.UPBIT) == ""
    assert reserve(books, held)[1] == Reserved()


def test_a_halt_of_another_symbol_stops_nothing(books):
    books.ledger.register(worker())
    books.ledger.halt("upbit:KRW-BBB", "tired", AT)
    assert reserve(books, grant(books))[1] == Reserved()


def test_a_worker_that_is_missing_or_taken_is_told_apart(books):  # E2
    held = grant(books)
    assert reserve(books, held)[1] == Reserved(refused=Barrier.WORKER_MISSING)
    bought(books, instrument=BBB, name="w-01")
    assert reserve(books, held)[1] == Reserved(refused=Barrier.WORKER_TAKEN, detail="KRW-BBB")


def test_an_order_is_written_once_for_ever(books):  # invariant 3
    books.ledger.register(worker("w-02"))
    position = bought(books)
    sold(books, position)
    held = grant(books, signal="b2")
    order = order_for(held, "w-02")
    old = replace(held, intent=replace(held.intent, order=position_order(books).id))
    books.leases.release(held, AT)
    again = grant(books, signal="b1x", order=old.intent.order)
    answer = books.leases.reserve(again, replace(order, id=old.intent.order), worker("w-02"), limits(), AT)
    assert answer.refused == Barrier.REPEATED


def position_order(books):
    return next(order for order in books.ledger.orders(Market.UPBIT, DAY) if order.side is Side.BUY)


def test_a_reservation_under_a_lost_lock_is_lost(books):  # invariants 2, 4
    books.ledger.register(worker())
    held = grant(books, "a")
    grant(books, "b", signal="b2", at=Millis(AT + 30_000))
    assert reserve(books, held)[1] == Reserved(lost=True)
    assert books.ledger.account(Market.UPBIT, DAY).positions == 0


def test_a_reservation_is_made_once(books):
    books.ledger.register(worker())
    books.ledger.register(worker("w-02"))
    held = grant(books)
    reserve(books, held)
    assert reserve(books, held, "w-02")[1] == Reserved(lost=True)


# ---- committing ----------------------------------------------------------------------------------------------------


def test_a_committed_buy_is_a_position_a_finished_order_and_a_free_lock(books):  # E3
    position = bought(books)
    lock = books.leases.lock(AAA)
    assert (lock.owner, lock.intent, lock.position, lock.done) == ("", None, position, ("b1",))
    assert books.ledger.open_orders(Market.UPBIT) == []
    assert books.ledger.account(Market.UPBIT, DAY).exposure == position.cost + position.fees


def test_a_committed_sale_is_flat_a_result_and_a_worker_that_scans(books):  # E5, G1
    trip = sold(books, bought(books))
    lock = books.leases.lock(AAA)
    assert (lock.position, lock.done) == (None, ("b1", "s1"))
    assert books.ledger.trips(Market.UPBIT, DAY) == [trip]
    assert books.ledger.trips(Market.UPBIT, "2026-09-20") == []
    account = books.ledger.account(Market.UPBIT, DAY)
    assert (account.exposure, account.positions, account.realised) == (0, 0, trip.pnl)
    assert books.ledger.workers(Market.UPBIT) == [worker()]


def test_a_part_that_is_sold_keeps_the_lock_for_the_next_leg(books):  # E5
    position = bought(books)
    held = grant(books, "seller", signal="s1", side=Side.SELL)
    order = order_for(held, "w-01", quantity=position.quantity)
    books.leases.note(held, order, AT)
    rest = replace(position, quantity=Decimal("0.5"), cost=Decimal(50), fees=Decimal("0.03"))
    following = intent("s1", Side.SELL, leg=1, order=order_id(AAA, "s1", Side.SELL, 1), quantity=ZERO)
    part = filled(order, quantity="1")
    trip = round_trip(position, part, Exit.STOP_LOSS, AT)
    assert books.leases.commit(held, settlement(part, rest, Decimal(100), trip, done=False, next=following), AT)
    lock = books.leases.lock(AAA)
    assert (lock.owner, lock.intent, lock.position, lock.done) == ("seller", following, rest, ("b1",))
    assert books.ledger.account(Market.UPBIT, DAY).positions == 1
    held = replace(held, intent=following, position=rest)
    last = order_for(held, "w-01", quantity=rest.quantity)
    assert books.leases.note(held, last, AT) == Reserved()
    assert books.leases.commit(held, settlement(filled(last), None, Decimal("50.03")), AT)
    assert books.leases.lock(AAA).done == ("b1", "s1")


def test_a_commit_under_a_lost_lock_changes_nothing(books):  # invariants 2, 4
    books.ledger.register(worker())
    held = grant(books, "a")
    order, _, held = reserve(books, held)
    grant(books, "b", signal="b2", at=Millis(AT + 30_000))
    before = (books.leases.locks(), books.ledger.orders(Market.UPBIT, DAY), books.ledger.account(Market.UPBIT, DAY))
    assert not books.leases.commit(held, settlement(filled(order), opened(filled(order), "w-01"), ZERO), AT)
    assert not books.leases.park(held, moved(order, State.UNKNOWN), AT)
    assert not books.leases.release(held, AT)
    assert not books.leases.renew(held, Millis(AT + 99_000))
    after = (books.leases.locks(), books.ledger.orders(Market.UPBIT, DAY), books.ledger.account(Market.UPBIT, DAY))
    assert after == before


def test_a_worker_stopped_meanwhile_does_not_hold_a_commit_up(books):  # E2
    position = bought(books)
    stopped = books.ledger.workers(Market.UPBIT)[0]
    assert books.ledger.move(stopped, Status.EXIT, AT)
    sold(books, position)
    assert books.leases.lock(AAA).position is None
    assert books.ledger.workers(Market.UPBIT)[0].status is Status.EXIT


def test_a_parked_order_stays_open_and_keeps_its_intent(books):  # E8
    books.ledger.register(worker())
    order, _, held = reserve(books, grant(books))
    unknown = moved(order, State.UNKNOWN, note="time-out")
    assert books.leases.park(held, unknown, AT)
    assert books.ledger.order(order.id) == unknown
    assert books.ledger.open_orders(Market.UPBIT) == [unknown]
    lock = books.leases.lock(AAA)
    assert (lock.owner, lock.intent) == ("a", held.intent)


def test_only_the_last_twenty_signals_are_remembered_in_order(books):
    for number in range(25):
        books.leases.release(grant(books, signal=f"b{number}"), AT)
    assert books.leases.lock(AAA).done == tuple(f"b{number}" for number in range(5, 25))


def test_a_released_lock_has_neither_owner_nor_intent_and_its_signal_is_settled(books):  # invariant 14
    held = grant(books)
    assert books.leases.release(held, AT)
    lock = books.leases.lock(AAA)
    assert (lock.owner, lock.intent, lock.done, lock.fence) == ("", None, ("b1",), 1)


def test_a_renewed_lease_ends_later(books):  # E1
    held = grant(books)
    assert books.leases.renew(held, Millis(AT + 60_000))
    assert isinstance(grant(books, "b", signal="b2", at=Millis(AT + 60_000)), Busy)
    assert isinstance(grant(books, "b", signal="b2", at=Millis(AT + 63_000)), Granted)


def test_an_evicted_owner_is_fenced_off_and_its_intent_stays(books):  # E1
    wanted = ask()
    held = books.leases.grant(wanted, AT)
    assert books.leases.evict(books.leases.lock(AAA))
    assert not books.leases.release(held, AT)
    taken = grant(books, "b", signal="b2")
    assert (taken.fence, taken.intent) == (3, held.intent)
    assert not books.leases.evict(replace(books.leases.lock(AAA), fence=2))


def test_a_retry_does_not_revive_an_evicted_lock(books):
    wanted = ask()
    books.leases.grant(wanted, AT)
    books.leases.evict(books.leases.lock(AAA))
    answer = books.leases.grant(wanted, AT)
    assert isinstance(answer, Granted)
    assert answer.fence == 3


def test_a_free_lock_cannot_be_evicted(books):
    books.leases.release(grant(books), AT)
    assert not books.leases.evict(books.leases.lock(AAA))


# ---- adopting ------------------------------------------------------------------------------------------------------


def test_an_adopted_position_has_its_new_worker_at_hold_and_a_higher_fence(books):  # E2
    bought(books)
    books.ledger.register(worker("w-02"))
    assert books.leases.adopt(books.leases.lock(AAA), worker("w-02"), AT)
    lock = books.leases.lock(AAA)
    assert (lock.position.worker, lock.fence) == ("w-02", 2)
    assert books.ledger.workers(Market.UPBIT)[1] == worker("w-02", Status.HOLD, symbol="KRW-AAA")


def test_a_position_is_not_adopted_by_a_busy_worker_nor_while_someone_works_on_it(books):
    bought(books)
    books.ledger.register(worker("w-02"))
    lock = books.leases.lock(AAA)
    assert not books.leases.adopt(lock, worker("w-01"), AT)
    assert not books.leases.adopt(lock, worker("w-03"), AT)
    assert not books.leases.adopt(replace(lock, fence=9), worker("w-02"), AT)
    grant(books, "b", signal="s1", side=Side.SELL)
    assert not books.leases.adopt(books.leases.lock(AAA), worker("w-02"), AT)
    assert books.ledger.workers(Market.UPBIT)[1].status is Status.SCAN


# ---- ledger --------------------------------------------------------------------------------------------------------


def test_a_worker_is_registered_once(books):  # E2
    assert books.ledger.register(worker(status=Status.IDLE))
    assert not books.ledger.register(worker())
    assert books.ledger.workers(Market.UPBIT) == [worker(status=Status.IDLE)]


def test_a_worker_moves_only_as_its_life_allows_and_only_from_what_was_read(books):  # E2
    idle = worker(status=Status.IDLE)
    books.ledger.register(idle)
    assert books.ledger.move(idle, Status.SCAN, Millis(AT + 1))
    assert not books.ledger.move(idle, Status.SCAN, Millis(AT + 2))
    with pytest.raises(WorkerError, match="a worker cannot move like that"):
        books.ledger.move(worker(status=Status.EXIT), Status.SCAN, AT)


def test_what_was_never_written_is_not_found(books):
    assert books.ledger.order("hoga-x") is None
    assert books.leases.lock(AAA) is None
    assert books.leases.locks() == []
    assert books.ledger.trips(Market.UPBIT, DAY) == []
    assert books.ledger.account(Market.UPBIT, DAY).exposure == 0


def test_every_lock_is_listed_in_order(books):  # E1
    grant(books, instrument=BBB)
    held = grant(books)
    assert [lock.instrument for lock in books.leases.locks()] == [AAA, BBB]
    assert books.leases.locks()[0] == books.leases.lock(AAA)
    assert books.leases.lock(AAA).intent == held.intent


def test_a_position_reads_back_to_the_last_decimal(books):
    books.ledger.register(worker())
    order, _, held = reserve(books, grant(books))
    exact = Position(
        instrument=AAA, worker="w-01", quantity=Decimal("0.12345678"), cost=Decimal("17654320.1234567890123456"),
        fees=Decimal("8827.16006172839450617"), price=Decimal("143000000.000000001"), opened=AT, signal="b1",
        rule="fall", reference=Decimal("1E+3"),
    )  # fmt: skip
    assert books.leases.commit(held, settlement(filled(order), exact, ZERO), AT)
    assert books.leases.lock(AAA).position == exact


def test_a_sale_is_noted_once_and_only_by_the_owner(books):  # invariants 2, 3
    bought(books)
    held = grant(books, "seller", signal="s1", side=Side.SELL)
    order = order_for(held)
    assert books.leases.note(replace(held, fence=9), order, AT) == Reserved(lost=True)
    assert books.leases.note(held, order, AT) == Reserved()
    assert books.leases.note(held, replace(order, note="another"), AT) == Reserved(lost=True)
    old = books.ledger.orders(Market.UPBIT, DAY)[0]
    books.leases.release(held, AT)
    again = grant(books, "seller", signal="s2", side=Side.SELL, order=old.id)
    assert books.leases.note(again, replace(order, id=old.id), AT).refused == Barrier.REPEATED


def test_the_news_of_an_order_waits_until_it_was_told(books):
    """F5: told and forgotten, and an order whose news waits is not an open one."""
    news = Alert(id="o:bought", kind=Kind.BOUGHT, at=AT, market=Market.UPBIT, value=1.5, memo="m")
    books.ledger.register(worker())
    order, _, held = reserve(books, grant(books))
    done = filled(order)
    settled = replace(settlement(done, opened(done, "w-01"), ZERO), news=news)
    assert books.leases.commit(held, settled, AT)
    assert books.ledger.untold(Market.UPBIT) == [(order.id, news)]
    assert books.ledger.untold(Market.KRX) == []
    assert books.ledger.open_orders(Market.UPBIT) == []
    books.ledger.told(order.id)
    books.ledger.told(order.id)
    assert books.ledger.untold(Market.UPBIT) == []
    assert books.ledger.order(order.id) == done
